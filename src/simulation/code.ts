/**
 * Digests of the texts of a world's functions, and the header of a run that carries them: hints about code,
 * never a proof. Results decide.
 */
import { hex } from '../base/bytes.ts';
import { engineHint, sha256 } from '../base/platform.ts';
import { utf8 } from '../base/text.ts';
import { headerText, type RunHeader } from '../log/header.ts';
import type { RecordMeta } from '../log/record-meta.ts';
import type { ComputedTick } from './engine.ts';
import type { AnyWorld } from './world.ts';

const digest = (texts: readonly unknown[]): string =>
  hex(sha256(utf8(texts.join('\n').toWellFormed()))).slice(0, 16);

/** A hint about the functions that fold records: the handlers. */
export function foldHint({ def: { apply } }: AnyWorld): string {
  const texts = Object.entries(apply).map(
    ([kind, handler]) => `${kind}:${typeof handler === 'function' ? handler : handler.batch}`,
  );
  return digest(texts.sort());
}

/** A hint about all functions that decide results. */
export const codeHint = (world: AnyWorld): string =>
  digest([world.def.setup, foldHint(world), ...world.def.systems.map(({ run }) => run)]);

/** The header of a new run. */
export function headerOf(
  world: AnyWorld,
  given: Pick<RunHeader, 'seed' | 'createdAt' | 'hints' | 'fork'>,
): string {
  const { fingerprint, spec } = world.schema.compiled;
  const { name, version } = spec;
  const engine = engineHint();
  return headerText({ world: name, version, fingerprint, engine, code: codeHint(world), ...given });
}

/**
 * What travels beside a computed tick. The first record of a writer introduces it: its code, its engine, and
 * what its metrics are called.
 */
export function metaOf(
  world: AnyWorld,
  { metrics, changed }: Pick<ComputedTick, 'metrics' | 'changed'>,
  time: number,
  introduces: boolean,
): RecordMeta {
  if (!introduces) return { time, metricNames: null, metrics, ...changed };
  const metricNames = Object.keys(world.def.metrics ?? {});
  const writer = { code: codeHint(world), engine: engineHint() };
  return { time, metricNames, metrics, ...changed, writer };
}
