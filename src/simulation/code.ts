/**
 * Digests of the texts of a world's functions, and what carries them: the header of a run, the first record
 * of a writer. They are hints about code, never a proof. Results decide.
 */
import { hex } from '../base/bytes.ts';
import { engineHint, sha256 } from '../base/platform.ts';
import { utf8 } from '../base/text.ts';
import { headerText, type RunHeader } from '../log/header.ts';
import { encodeRecord } from '../log/record.ts';
import type { WriterNote } from '../log/record-meta.ts';
import type { LogRecord } from '../log/store.ts';
import type { ComputedTick, Engine } from './engine.ts';
import type { AnyWorld } from './world.ts';

const digest = (texts: readonly unknown[]): string =>
  hex(sha256(utf8(texts.join('\n').toWellFormed()))).slice(0, 16);

/** The text of a handler, whichever form it has. */
const handlerText = (handler: AnyWorld['def']['apply'][string]): string =>
  String(typeof handler === 'function' ? handler : handler.batch);

/** A hint about the functions that fold records: the handlers. */
export function foldHint({ def: { apply } }: AnyWorld): string {
  const texts = Object.entries(apply).map(([kind, handler]) => `${kind}:${handlerText(handler)}`);
  return digest(texts.sort());
}

/** A hint about all functions that decide results. */
const codeHint = (world: AnyWorld): string =>
  digest([world.def.setup, foldHint(world), ...world.def.systems.map(({ run }) => run)]);

/** A hint about each function that decides results: `setup`, `apply.moved`, `systems.move`. */
const functionHints = ({ def: { setup, apply, systems } }: AnyWorld): WriterNote['functions'] =>
  Object.fromEntries(
    [
      ['setup', String(setup)] as const,
      ...Object.entries(apply).map(([kind, handler]) => [`apply.${kind}`, handlerText(handler)] as const),
      ...systems.map(
        ({ name, run, options: { when } }) => [`systems.${name}`, `${run}${when ?? ''}`] as const,
      ),
    ].map(([name, text]) => [name, digest([text]).slice(0, 8)]),
  );

/** What this process computes a world with. */
export const writerOf = (world: AnyWorld): WriterNote => ({
  code: codeHint(world),
  engine: engineHint(),
  functions: functionHints(world),
});

/** The header of a new run. */
export function headerOf(
  world: AnyWorld,
  given: Pick<RunHeader, 'seed' | 'createdAt' | 'hints' | 'config' | 'fork'>,
): string {
  const { fingerprint, spec } = world.schema.compiled;
  const { name, version } = spec;
  const engine = engineHint();
  return headerText({ world: name, version, fingerprint, engine, code: codeHint(world), ...given });
}

/**
 * The record of a tick that the engine has computed. What travels beside the tick is put with it: the time,
 * metrics, and where a tick log is kept, how long everything took. The first record of a writer introduces
 * it: its code, its engine, and what its metrics are called.
 */
export function recordOf(
  { world, timer }: Engine,
  { content, metrics, changed }: ComputedTick,
  time: number,
  introduces: boolean,
): LogRecord {
  const record = encodeRecord(content, {
    time,
    metricNames: introduces ? Object.keys(world.def.metrics ?? {}) : null,
    metrics,
    ...changed,
    ...(introduces && { writer: writerOf(world) }),
    ...(timer !== null && { times: timer.take(introduces) }),
  });
  timer?.encoded();
  return record;
}
