/**
 * What becomes of a store when one value of it is harmed: refusals by code with the questions that meet them,
 * `warned` where a damaged snapshot is passed over and made anew, `the same` where nothing depends on it.
 */

/** What becomes of a place: whatever is done to it, or by what is done. */
export type Told = string | { readonly [harm: string]: string };

const TREE_RUNS = ['deep', 'fresh', 'heir', 'kept', 'mild', 'root'];

/** Every question that begins with a run's place in the store. */
const reading = (...runs: readonly string[]): string =>
  [...runs.flatMap((run) => [`describe ${run}`, `replay ${run}`]), ...runs.map((run) => `open ${run}`)].join(
    ', ',
  );

/** A plain run of ticks 0 to 17, with snapshots of 5, 10, 15 and 17. */
export const PLAIN: { readonly [place: string]: Told } = {
  'runs.id of 1': `CORRUPT: list; UNKNOWN_RUN: ${reading('plain')}`,
  'runs.id_order of 1': 'CORRUPT: list',
  'runs.segment of 1': `CORRUPT: list, ${reading('plain')}`,
  'runs.header of 1': 'CORRUPT: list, describe plain',
  'segments.number of 1': `CORRUPT: list, ${reading('plain')}`,
  'segments.id of 1': { 'the first byte': `CORRUPT: list, ${reading('plain')}`, else: 'the same' },
  'segments.family of 1': `CORRUPT: list, ${reading('plain')}`,
  'segments.parent of 1': `CORRUPT: list, ${reading('plain')}`,
  'segments.parent_tick of 1': `CORRUPT: list, ${reading('plain')}`,
  'segments.head_tick of 1': {
    'bit 0': `CORRUPT: list, ${reading('plain')}`,
    else: `NO_RECORD: list, ${reading('plain')}`,
  },
  'segments.head_hash of 1': `CORRUPT: list, ${reading('plain')}`,
  'segments.epoch of 1': 'the same',
  'segments.opening of 1': `CORRUPT: ${reading('plain')}`,
  'segments.unswept of 1': 'the same',
  'segments.holder_host of 1': 'the same',
  'segments.holder_pid of 1': 'the same',
  'segments.holder_token of 1': 'the same',
  'segments.holder_ttl_ms of 1': 'the same',
  'segments.expires_ms of 1': 'the same',
  'records.segment of tick = 0':
    'NO_RECORD: describe plain, replay plain, events plain; NO_STATE: at plain 0-4',
  'records.segment of tick = 7':
    'NO_RECORD: describe plain, replay plain, events plain; NO_STATE: at plain 7-9',
  'records.segment of tick = 10':
    'NO_RECORD: describe plain, replay plain, events plain; NO_STATE: at plain 10-14',
  'records.segment of tick = 17': `NO_RECORD: list, ${reading('plain')}`,
  'records.tick of tick = 0': 'NO_RECORD: describe plain, replay plain, events plain; NO_STATE: at plain 0-4',
  'records.tick of tick = 7': 'NO_RECORD: describe plain, replay plain, events plain; NO_STATE: at plain 7-9',
  'records.tick of tick = 10':
    'NO_RECORD: describe plain, replay plain, events plain; NO_STATE: at plain 10-14',
  'records.tick of tick = 17': `NO_RECORD: list, ${reading('plain')}`,
  'records.hash of tick = 0': 'CORRUPT: describe plain, replay plain, events plain; NO_STATE: at plain 0-4',
  'records.hash of tick = 7': 'CORRUPT: describe plain, replay plain, events plain; NO_STATE: at plain 7-9',
  'records.hash of tick = 10':
    'CORRUPT: describe plain, replay plain, events plain; NO_STATE: at plain 10-14; warned',
  'records.hash of tick = 17': `CORRUPT: list, ${reading('plain')}`,
  'records.previous of tick = 0':
    'CORRUPT: describe plain, replay plain, events plain; NO_STATE: at plain 0-4',
  'records.previous of tick = 7':
    'CORRUPT: describe plain, replay plain, events plain; NO_STATE: at plain 7-9',
  'records.previous of tick = 10':
    'CORRUPT: describe plain, replay plain, events plain; NO_STATE: at plain 10-14; warned',
  'records.previous of tick = 17': `CORRUPT: ${reading('plain')}; warned`,
  'records.length of tick = 0': 'CORRUPT: describe plain, replay plain, events plain; NO_STATE: at plain 0-4',
  'records.length of tick = 7': 'CORRUPT: describe plain, replay plain, events plain; NO_STATE: at plain 7-9',
  'records.length of tick = 10':
    'CORRUPT: describe plain, replay plain, events plain; NO_STATE: at plain 10-14; warned',
  'records.length of tick = 17': `CORRUPT: list, ${reading('plain')}`,
  'records.bytes of tick = 0': 'CORRUPT: describe plain, replay plain, events plain; NO_STATE: at plain 0-4',
  'records.bytes of tick = 7': 'CORRUPT: describe plain, replay plain, events plain; NO_STATE: at plain 7-9',
  'records.bytes of tick = 10':
    'CORRUPT: describe plain, replay plain, events plain; NO_STATE: at plain 10-14; warned',
  'records.bytes of tick = 17': {
    'a byte cut off': `CORRUPT: list, ${reading('plain')}`,
    else: `CORRUPT: ${reading('plain')}; warned`,
  },
  'parts.segment of tick = 0 AND part = 2':
    'CORRUPT: describe plain, replay plain, events plain; NO_STATE: at plain 0-4',
  'parts.tick of tick = 0 AND part = 2':
    'CORRUPT: describe plain, replay plain, events plain; NO_STATE: at plain 0-4',
  'parts.part of tick = 0 AND part = 2':
    'CORRUPT: describe plain, replay plain, events plain; NO_STATE: at plain 0-4',
  'parts.bytes of tick = 0 AND part = 2':
    'CORRUPT: describe plain, replay plain, events plain; NO_STATE: at plain 0-4',
  'snapshots.segment of tick = 10': 'the same',
  'snapshots.segment of tick = 17': 'the same',
  'snapshots.tick of tick = 10': { 'bit 20': 'the same', else: 'warned' },
  'snapshots.tick of tick = 17': { 'bit 0': 'warned', else: 'the same' },
  'snapshots.pinned of tick = 10': 'the same',
  'snapshots.pinned of tick = 17': 'the same',
  'snapshots.stored of tick = 10': 'the same',
  'snapshots.stored of tick = 17': 'the same',
  'snapshots.chunks of tick = 10': 'warned',
  'snapshots.chunks of tick = 17': 'warned',
  'snapshots.manifest of tick = 10': 'warned',
  'snapshots.manifest of tick = 17': 'warned',
  'chunks.number of number = 1': 'warned',
  'chunks.family of number = 1': 'warned',
  'chunks.bytes of number = 1': 'warned',
};

/** A tree of forks: see `treeFile`. */
export const TREE: { readonly [place: string]: Told } = {
  "segments.number of id LIKE 'root/%'": `CORRUPT: list, ${reading(...TREE_RUNS)}`,
  "segments.number of id LIKE 'mild/%'": `CORRUPT: list, ${reading('deep', 'mild')}`,
  "segments.number of id LIKE 'deep/%'": `CORRUPT: list, ${reading('deep')}`,
  "segments.number of id LIKE 'kept/%'": `CORRUPT: list, ${reading('kept')}`,
  "segments.number of id LIKE 'fresh/%'": `CORRUPT: list, ${reading('fresh')}`,
  "segments.number of id LIKE 'gone/%'": `CORRUPT: list, ${reading('heir')}`,
  "segments.number of id LIKE 'heir/%'": `CORRUPT: list, ${reading('heir')}`,
  "segments.id of id LIKE 'root/%'": {
    'the first byte': `CORRUPT: list, ${reading('root')}; NO_STATE: advance kept`,
    else: 'NO_STATE: advance kept',
  },
  "segments.id of id LIKE 'mild/%'": {
    'the first byte': `CORRUPT: list, ${reading('mild')}`,
    else: 'the same',
  },
  "segments.id of id LIKE 'deep/%'": {
    'the first byte': `CORRUPT: list, ${reading('deep')}`,
    else: 'the same',
  },
  "segments.id of id LIKE 'kept/%'": {
    'the first byte': `CORRUPT: list, ${reading('kept')}`,
    else: 'the same',
  },
  "segments.id of id LIKE 'fresh/%'": {
    'the first byte': `CORRUPT: list, ${reading('fresh')}`,
    else: 'the same',
  },
  "segments.id of id LIKE 'gone/%'": 'the same',
  "segments.id of id LIKE 'heir/%'": {
    'the first byte': `CORRUPT: list, ${reading('heir')}`,
    else: 'the same',
  },
  "segments.family of id LIKE 'root/%'": `CORRUPT: list, ${reading(...TREE_RUNS)}`,
  "segments.family of id LIKE 'mild/%'": `CORRUPT: list, ${reading('deep', 'mild')}`,
  "segments.family of id LIKE 'deep/%'": `CORRUPT: list, ${reading('deep')}`,
  "segments.family of id LIKE 'kept/%'": `CORRUPT: list, ${reading('kept')}`,
  "segments.family of id LIKE 'fresh/%'": `CORRUPT: list, ${reading('fresh')}`,
  "segments.family of id LIKE 'gone/%'": `CORRUPT: ${reading('heir')}`,
  "segments.family of id LIKE 'heir/%'": `CORRUPT: list, ${reading('heir')}`,
  "segments.parent of id LIKE 'root/%'": `CORRUPT: list, ${reading(...TREE_RUNS)}`,
  "segments.parent of id LIKE 'mild/%'": `CORRUPT: list, ${reading('deep', 'mild')}`,
  "segments.parent of id LIKE 'deep/%'": {
    'bit 0': `CORRUPT: ${reading('deep')}`,
    else: `CORRUPT: list, ${reading('deep')}`,
  },
  "segments.parent of id LIKE 'kept/%'": `CORRUPT: list, ${reading('kept')}`,
  "segments.parent of id LIKE 'fresh/%'": `CORRUPT: list, ${reading('fresh')}`,
  "segments.parent of id LIKE 'gone/%'": `CORRUPT: ${reading('heir')}`,
  "segments.parent of id LIKE 'heir/%'": {
    'bit 0': `CORRUPT: ${reading('heir')}`,
    else: `CORRUPT: list, ${reading('heir')}`,
  },
  "segments.parent_tick of id LIKE 'root/%'": `CORRUPT: list, ${reading(...TREE_RUNS)}`,
  "segments.parent_tick of id LIKE 'mild/%'": {
    'bit 0': `NO_RECORD: ${reading('deep', 'mild')}`,
    else: `CORRUPT: list, ${reading('deep', 'mild')}`,
  },
  "segments.parent_tick of id LIKE 'deep/%'": {
    'bit 20': `CORRUPT: list, ${reading('deep')}`,
    else: `CORRUPT: ${reading('deep')}`,
  },
  "segments.parent_tick of id LIKE 'kept/%'": {
    'bit 20': `CORRUPT: list, ${reading('kept')}`,
    else: `NO_RECORD: ${reading('kept')}`,
  },
  "segments.parent_tick of id LIKE 'fresh/%'": {
    'bit 3': `NO_RECORD: list, ${reading('fresh')}`,
    else: `CORRUPT: list, ${reading('fresh')}`,
  },
  "segments.parent_tick of id LIKE 'gone/%'": `CORRUPT: ${reading('heir')}`,
  "segments.parent_tick of id LIKE 'heir/%'": {
    'bit 3': `CORRUPT: ${reading('heir')}`,
    'bit 20': `CORRUPT: list, ${reading('heir')}`,
    else: `NO_RECORD: ${reading('heir')}`,
  },
  "segments.head_tick of id LIKE 'root/%'": `NO_RECORD: list, ${reading('root')}`,
  "segments.head_tick of id LIKE 'mild/%'": {
    'bit 3': `CORRUPT: list, ${reading('deep', 'mild')}`,
    'bit 20': `NO_RECORD: list, ${reading('mild')}`,
    else: `CORRUPT: list, ${reading('mild')}`,
  },
  "segments.head_tick of id LIKE 'deep/%'": {
    'bit 20': `NO_RECORD: list, ${reading('deep')}`,
    else: `CORRUPT: list, ${reading('deep')}`,
  },
  "segments.head_tick of id LIKE 'kept/%'": {
    'bit 20': `NO_RECORD: list, ${reading('kept')}`,
    else: `CORRUPT: list, ${reading('kept')}`,
  },
  "segments.head_tick of id LIKE 'fresh/%'": {
    'bit 3': `CORRUPT: list, ${reading('fresh')}`,
    else: `NO_RECORD: list, ${reading('fresh')}`,
  },
  "segments.head_tick of id LIKE 'gone/%'": { 'bit 20': 'the same', else: `CORRUPT: ${reading('heir')}` },
  "segments.head_tick of id LIKE 'heir/%'": {
    'bit 20': `NO_RECORD: list, ${reading('heir')}`,
    else: `CORRUPT: list, ${reading('heir')}`,
  },
  "segments.head_hash of id LIKE 'root/%'": `CORRUPT: list, ${reading('root')}`,
  "segments.head_hash of id LIKE 'mild/%'": `CORRUPT: list, ${reading('mild')}`,
  "segments.head_hash of id LIKE 'deep/%'": `CORRUPT: list, ${reading('deep')}`,
  "segments.head_hash of id LIKE 'kept/%'": `CORRUPT: list, ${reading('kept')}`,
  "segments.head_hash of id LIKE 'fresh/%'": `CORRUPT: list, ${reading('fresh')}`,
  "segments.head_hash of id LIKE 'gone/%'": 'the same',
  "segments.head_hash of id LIKE 'heir/%'": `CORRUPT: list, ${reading('heir')}`,
  "segments.opening of id LIKE 'root/%'": `CORRUPT: ${reading(...TREE_RUNS)}`,
  "segments.opening of id LIKE 'mild/%'": 'CORRUPT: open mild',
  "segments.opening of id LIKE 'deep/%'": 'CORRUPT: open deep',
  "segments.opening of id LIKE 'kept/%'": 'CORRUPT: open kept',
  "segments.opening of id LIKE 'fresh/%'": 'CORRUPT: open fresh',
  "segments.opening of id LIKE 'gone/%'": 'the same',
  "segments.opening of id LIKE 'heir/%'": 'CORRUPT: open heir',
  "runs.segment of id = 'root'": `CORRUPT: list, ${reading('root')}`,
  "runs.segment of id = 'deep'": `CORRUPT: list, ${reading('deep')}`,
  "runs.segment of id = 'fresh'": `CORRUPT: list, ${reading('fresh')}`,
  "runs.header of id = 'root'": 'CORRUPT: list, describe root',
  "runs.header of id = 'deep'": 'CORRUPT: list, describe deep',
  "runs.header of id = 'fresh'": 'CORRUPT: list, describe fresh',
  'records.hash of segment = 6 AND tick = 8':
    'CORRUPT: describe heir, replay heir, events heir; NO_STATE: at heir 8-9',
  'records.previous of segment = 6 AND tick = 8':
    'CORRUPT: describe heir, replay heir, events heir; NO_STATE: at heir 8-9',
  'records.bytes of segment = 6 AND tick = 8':
    'CORRUPT: describe heir, replay heir, events heir; NO_STATE: at heir 8-9',
  'snapshots.segment of pinned = 1': 'the same',
  'snapshots.tick of pinned = 1': 'the same',
  'snapshots.chunks of pinned = 1': 'warned',
  'snapshots.manifest of pinned = 1': 'warned',
  'chunks.bytes of number = 1': 'warned',
  'chunks.family of number = 2': 'warned',
};
