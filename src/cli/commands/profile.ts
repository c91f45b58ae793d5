/**
 * `worldfold profile <run>`: where the time of a run goes, by its tick log.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import { cut, escaped } from '../../replay/diff-text-layout.ts';
import { type PartKind, type Profile, profileOf } from '../../replay/profile.ts';
import { EXIT } from '../failure.ts';
import { type Io, line, paintFor } from '../io.ts';
import type { StorePlace } from '../options.ts';
import { needRun, withStore } from '../stores.ts';
import { bytesText, counted, grouped, type TextColumn, textTable } from '../text.ts';

/** What `profile` was asked. */
export interface ProfileOptions {
  readonly run: string;
  readonly store: StorePlace;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly json: boolean;
}

const NAME = 24;
/** The width of the labels in front of the facts. */
const LABEL = 8;

/** A duration in the unit that leaves three digits: `123 µs`, `12.3 ms`, `1.23 s`, `2,345 s`. */
export function durationText(ms: number): string {
  const [value, unit] = ms < 0.9995 ? [ms * 1000, 'µs'] : ms < 999.5 ? [ms, 'ms'] : [ms / 1000, 's'];
  const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${grouped(Number(value.toFixed(unit === 'µs' ? 0 : digits)))} ${unit}`;
}

const shareText = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** A number of which three digits are enough. */
const roughly = (value: number): string => grouped(Number(value.toPrecision(value < 1000 ? 3 : 4)));

const PARTS: { readonly [part in PartKind]: (name: string) => string } = {
  inputs: () => 'inputs',
  system: (name) => name,
  apply: (name) => `${name}: applied`,
  invariant: (name) => `invariant ${name}`,
  metrics: () => 'metrics',
  hash: () => 'state hash',
  rest: () => 'the engine itself',
  encode: () => 'encoding the record',
  wait: () => 'waiting for the store',
};

const partText = ({ part, name }: { readonly part: PartKind; readonly name: string | null }): string =>
  PARTS[part](cut(escaped(name ?? ''), NAME));

const NUMBER = { align: 'right' } as const;
const PART_COLUMNS: readonly TextColumn[] = [
  { title: 'where the time goes' },
  ...['share', 'total', 'mean', 'p95', 'max', 'ticks'].map((title) => ({ title, ...NUMBER })),
];
const SLOW_COLUMNS: readonly TextColumn[] = [
  { title: 'slowest ticks' },
  { title: 'took', ...NUMBER },
  { title: 'events', ...NUMBER },
  { title: 'most of it' },
];

function tellTable(io: Io, columns: readonly TextColumn[], rows: readonly (readonly string[])[]): void {
  const paint = paintFor(io.stdout, io.env);
  line(io.stdout);
  for (const [i, text] of textTable(columns, rows).entries())
    line(io.stdout, i < 2 ? paint.faint(text) : text);
}

function tellParts(io: Io, { parts, ownMs, timed }: Profile): void {
  const rows = parts
    .filter(({ totalMs }) => totalMs > 0)
    .map((part) => [
      partText(part),
      shareText(part.share),
      ...[part.totalMs, part.meanMs, part.p95Ms, part.maxMs].map(durationText),
      grouped(part.ticks),
    ]);
  const all = ['all of it', shareText(1), durationText(ownMs), durationText(ownMs / timed)];
  tellTable(io, PART_COLUMNS, [...rows, [...all, '', '', grouped(timed)]]);
}

function tellSlowest(io: Io, { slowest }: Profile): void {
  const rows = slowest.map((slow) => [
    `tick ${grouped(slow.tick)}`,
    durationText(slow.computedMs),
    grouped(slow.events),
    slow.partMs === 0 ? '' : `${partText(slow)} ${durationText(slow.partMs)}`,
  ]);
  tellTable(io, SLOW_COLUMNS, rows);
}

/** How the ticks that were asked lie: `200 of 210`. */
function rangeText({ from, to, ticks, timed }: Profile): string {
  const all = counted(ticks, 'tick');
  const known = timed === ticks ? all : `${grouped(timed)} of ${all}`;
  return `${known} from ${grouped(from)} to ${grouped(to)}`;
}

function factsOf(profile: Profile): readonly (readonly [string, string])[] {
  const { computed, events, commits, otherMs, setupMs, timed } = profile;
  const { meanMs, p50Ms, p95Ms, maxMs } = computed;
  const took = (ms: number): string => durationText(ms);
  const facts: [string, string][] = [];
  if (timed > 0) {
    facts.push([
      'a tick',
      `mean ${took(meanMs)} · p50 ${took(p50Ms)} · p95 ${took(p95Ms)} · max ${took(maxMs)}, to compute`,
    ]);
    const each = `${roughly(events / timed)} a tick`;
    const rate = computed.totalMs === 0 ? '' : `, ${roughly((events * 1000) / computed.totalMs)} a second`;
    facts.push(['events', `${grouped(events)}: ${each}${rate} of computing`]);
  }
  if (commits !== null) {
    const { groups, ticks, bytes, totalMs } = commits;
    const many = `${counted(groups, 'group')} of ${roughly(ticks / groups)} ticks, ${bytesText(bytes)}`;
    const times = `mean ${took(commits.meanMs)} · p95 ${took(commits.p95Ms)} · max ${took(commits.maxMs)}`;
    facts.push(['commits', `${many} in ${took(totalMs)}: ${times}`]);
    facts.push(['', `ticks went on meanwhile for ${shareText(commits.overlap)} of that time`]);
  }
  if (otherMs > 0) facts.push(['between', `${took(otherMs)}: observers, snapshots, until, the caller`]);
  if (setupMs !== null) facts.push(['setup', `${took(setupMs)}: tick 0, which the others do not hold`]);
  return facts;
}

function tellInvariants(io: Io, { invariants, broken }: Profile): void {
  const paint = paintFor(io.stdout, io.env);
  if (invariants.length === 0 && broken.length === 0) return;
  line(io.stdout);
  const asked = invariants.map(({ name, asked: times }) => `${escaped(name)} ${grouped(times)}×`);
  if (asked.length > 0) line(io.stdout, paint.good(`✓ invariants that held: ${asked.join(' · ')}`));
  for (const { tick, invariant, rows } of broken) {
    const count = rows === null || rows === 0 ? '' : `, ${counted(rows, 'row')}`;
    line(
      io.stdout,
      paint.bad(`✗ tick ${grouped(tick)} failed: '${escaped(invariant)}' did not hold${count}`),
    );
  }
}

function report(io: Io, profile: Profile): void {
  const paint = paintFor(io.stdout, io.env);
  const { id, ownMs, ticksPerSecond, timed } = profile;
  const rate = ticksPerSecond === null ? '' : `, ${roughly(ticksPerSecond)} ticks/s`;
  line(io.stdout, `${paint.strong(id)}: ${rangeText(profile)} in ${durationText(ownMs)}${rate}`);
  for (const [name, text] of factsOf(profile))
    line(io.stdout, `  ${paint.faint(name.padEnd(LABEL))}  ${text}`);
  if (timed > 0) {
    tellParts(io, profile);
    tellSlowest(io, profile);
  }
  tellInvariants(io, profile);
}

/** Tells where the time of a run goes. A run without a tick log is `BAD_USAGE` with what to do. */
export async function profileCommand(io: Io, o: ProfileOptions): Promise<number> {
  const { from = 0, to = Number.POSITIVE_INFINITY } = o;
  return withStore(o.store, io.cwd, 'read', async (store) => {
    const { id, segment } = await needRun(store, o.run);
    const { tick: head } = segment.head;
    if (from > Math.min(to, head))
      fail(
        'NO_TICK',
        `run '${id}' has no ticks from ${from} to ${Math.min(to, head)}: it has 0 to ${head}`,
        { run: id, from, head },
        '--from and --to are both included.',
      );
    const profile = await profileOf(store, id, { from, to });
    if (profile.timed === 0 && profile.setupMs === null)
      fail(
        'BAD_USAGE',
        `run '${id}' keeps no tick log in ticks ${profile.from} to ${profile.to}`,
        { run: id },
        'Advance it without --no-tick-log, or with tickLog: true in the options of createRun or openRun.',
      );
    if (o.json) line(io.stdout, canonicalJson({ ...profile }));
    else report(io, profile);
    return EXIT.done;
  });
}
