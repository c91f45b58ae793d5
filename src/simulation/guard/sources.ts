/**
 * The table of ambient sources: what is refused inside a tick, by group and by the object that holds it.
 *
 * Owns which names count. A name that this version of Node does not have is passed over, so that one table
 * serves all of them; a name that Node has and neither this table nor the list of harmless ones beside its
 * test holds fails that test.
 */
import type { GuardGroup } from '../../base/ambient.ts';

/** Names of one holder that belong to one group. */
export interface Sources {
  readonly group: GuardGroup;
  /** A path from the global object, `Math`, or from a module of Node, `node:fs.promises`. */
  readonly on: string;
  /** Members of the holder; every function of it that is not in `but` where left out. */
  readonly names?: readonly string[];
  readonly but?: readonly string[];
  /** What the holder is called in errors, where its path is not what users write. */
  readonly as?: string;
}

const words = (text: string): readonly string[] => text.split(/\s+/);

const of = (group: GuardGroup, on: string, names: string, as?: string): Sources => ({
  group,
  on,
  names: words(names),
  ...(as !== undefined && { as }),
});

/** Every function of a module of Node, but for some. */
const all = (group: GuardGroup, module: string, but = ''): Sources => ({
  group,
  on: `node:${module}`,
  ...(but !== '' && { but: words(but) }),
});

const RANDOM: readonly Sources[] = [
  of('random', 'Math', 'random'),
  of('random', 'Crypto.prototype', 'getRandomValues randomUUID', 'crypto'),
  of(
    'random',
    'node:crypto',
    `randomBytes randomFill randomFillSync randomInt randomUUID randomUUIDv7 getRandomValues prng rng
    pseudoRandomBytes generateKey generateKeySync generateKeyPair generateKeyPairSync generatePrime
    generatePrimeSync createDiffieHellman createDiffieHellmanGroup createECDH diffieHellman getDiffieHellman
    sign createSign publicEncrypt privateEncrypt encapsulate decapsulate DiffieHellman DiffieHellmanGroup ECDH
    Sign checkPrime checkPrimeSync`,
  ),
  of('random', 'URL', 'createObjectURL'),
];

const CLOCK: readonly Sources[] = [
  of('clock', 'Date', 'now'),
  of(
    'clock',
    'Temporal.Now',
    'instant timeZoneId zonedDateTimeISO plainDateTimeISO plainDateISO plainTimeISO',
  ),
  of(
    'clock',
    'Performance.prototype',
    `now timeOrigin nodeTiming mark measure toJSON eventLoopUtilization timerify getEntries getEntriesByName
    getEntriesByType markResourceTiming`,
    'performance',
  ),
  of('clock', 'globalThis', 'PerformanceMark PerformanceObserver File'),
  of('clock', 'Event.prototype', 'timeStamp'),
  of('clock', 'process', 'hrtime uptime cpuUsage threadCpuUsage resourceUsage'),
  of('clock', 'process.hrtime', 'bigint'),
  all('clock', 'perf_hooks'),
  of('clock', 'PerformanceObserver.prototype', 'takeRecords', 'PerformanceObserver'),
  of('clock', 'node:buffer', 'File'),
  of('clock', 'node:util', 'log'),
];

const WAITING: readonly Sources[] = [
  of('timers', 'globalThis', 'setTimeout setInterval setImmediate'),
  of('timers', 'AbortSignal', 'timeout'),
  of('timers', 'node:timers', 'setTimeout setInterval setImmediate _unrefActive active enroll'),
  all('timers', 'timers/promises'),
  of('timers', 'node:util', 'debounce throttle'),
  of('async', 'globalThis', 'queueMicrotask BroadcastChannel MessageChannel'),
  of('async', 'MessagePort.prototype', 'postMessage', 'MessagePort'),
  of('async', 'BroadcastChannel.prototype', 'postMessage', 'BroadcastChannel'),
  of('async', 'process', 'nextTick _tickCallback'),
  of('async', 'Atomics', 'wait waitAsync notify pause'),
  of('async', 'WebAssembly', 'compile instantiate compileStreaming instantiateStreaming'),
  of('async', 'SubtleCrypto.prototype', 'encrypt decrypt sign verify digest generateKey deriveKey', 'subtle'),
  of(
    'async',
    'SubtleCrypto.prototype',
    `deriveBits importKey exportKey wrapKey unwrapKey getPublicKey encapsulateBits encapsulateKey
    decapsulateBits decapsulateKey`,
    'subtle',
  ),
  of('async', 'node:crypto', 'hkdf pbkdf2 scrypt argon2'),
  of(
    'async',
    'node:zlib',
    `deflate inflate gzip gunzip deflateRaw inflateRaw unzip brotliCompress brotliDecompress zstdCompress
    zstdDecompress`,
  ),
  all('async', 'worker_threads'),
  of(
    'async',
    'node:async_hooks',
    'createHook executionAsyncId triggerAsyncId executionAsyncResource AsyncResource',
  ),
  of('async', 'node:async_hooks.AsyncLocalStorage.prototype', 'getStore', 'AsyncLocalStorage'),
  of('async', 'node:stream', 'pipeline finished'),
  all('async', 'stream/promises'),
  all('async', 'stream/consumers'),
];

const OUTSIDE: readonly Sources[] = [
  of('network', 'globalThis', 'fetch WebSocket EventSource'),
  of('network', 'WebSocket.prototype', 'send close readyState bufferedAmount', 'WebSocket'),
  ...'net http https http2 dgram dns dns/promises tls inspector inspector/promises'
    .split(' ')
    .map((module) => all('network', module)),
  all('files', 'fs', 'Stats Dirent'),
  of('files', 'node:fs.realpath', 'native'),
  of('files', 'node:fs.realpathSync', 'native'),
  all('files', 'fs/promises'),
  ...'readline readline/promises repl sea sqlite wasi trace_events'
    .split(' ')
    .map((module) => all('files', module)),
  of(
    'files',
    'process',
    'stdin stdout stderr openStdin dlopen binding _linkedBinding getBuiltinModule loadEnvFile report',
  ),
  of('files', 'globalThis', 'localStorage sessionStorage'),
  of('files', 'node:zlib', 'ZipFile zipFiles createZipArchive createZipArchiveSync'),
  of(
    'files',
    'node:module',
    `createRequire _load runMain register registerHooks findPackageJSON findSourceMap enableCompileCache
    flushCompileCache getCompileCacheDir _findPath _resolveFilename _stat _readPackage _preloadModules`,
  ),
  of('files', 'node:module.prototype', 'require load', 'module'),
];

const ENVIRONMENT: readonly Sources[] = [
  of(
    'environment',
    'process',
    `env argv argv0 execArgv execPath title pid ppid platform arch version versions release config debugPort
    cwd chdir umask kill exit abort reallyExit execve getuid geteuid getgid getegid getgroups setuid seteuid
    setgid setegid setgroups initgroups getActiveResourcesInfo _getActiveHandles _getActiveRequests
    _kill _debugProcess _debugEnd _fatalException setUncaughtExceptionCaptureCallback
    addUncaughtExceptionCaptureCallback hasUncaughtExceptionCaptureCallback sourceMapsEnabled
    setSourceMapsEnabled allowedNodeEnvironmentFlags permission moduleLoadList`,
  ),
  of(
    'environment',
    'Navigator.prototype',
    'hardwareConcurrency language languages userAgent platform locks',
    'navigator',
  ),
  all('environment', 'os'),
  all('environment', 'child_process'),
  all('environment', 'cluster'),
  all('environment', 'ffi'),
  all('environment', 'tty'),
  all('environment', 'vm', 'isContext'),
  of('environment', 'node:util', 'getCallSite getCallSites setTraceSigInt'),
  of(
    'environment',
    'node:crypto',
    'setEngine setFips getFips secureHeapUsed getCiphers getCurves getHashes getMacs',
  ),
  of('environment', 'node:v8', 'setFlagsFromString cachedDataVersionTag'),
];

const MEMORY: readonly Sources[] = [
  of('memory', 'globalThis', 'WeakRef FinalizationRegistry gc'),
  of('memory', 'WeakRef.prototype', 'deref', 'WeakRef'),
  of('memory', 'FinalizationRegistry.prototype', 'register unregister', 'FinalizationRegistry'),
  // The last match of any expression in the process.
  of('memory', 'RegExp', "input $_ lastMatch $& lastParen $+ leftContext $` rightContext $'"),
  of('memory', 'RegExp', '$1 $2 $3 $4 $5 $6 $7 $8 $9'),
  of('memory', 'process', 'finalization'),
  of('memory', 'process', 'memoryUsage constrainedMemory availableMemory'),
  of('memory', 'process.memoryUsage', 'rss'),
  of(
    'memory',
    'node:v8',
    `getHeapSnapshot getHeapStatistics getHeapSpaceStatistics getHeapCodeStatistics getCppHeapStatistics
    writeHeapSnapshot setHeapSnapshotNearHeapLimit queryObjects takeCoverage stopCoverage GCProfiler
    startCpuProfile startHeapProfile setHeapProfileNearHeapLimit`,
  ),
];

/** What is made outside of a tick formats by the data of the machine all the same. */
const intl = (type: string): readonly Sources[] => [
  of('locale', `Intl.${type}`, 'supportedLocalesOf'),
  of(
    'locale',
    `Intl.${type}.prototype`,
    `compare format formatToParts formatRange formatRangeToParts of resolvedOptions segment select selectRange
    maximize minimize getCalendars getCollations getHourCycles getNumberingSystems getTextInfo getTimeZones
    getWeekInfo calendars collations hourCycles numberingSystems textInfo timeZones weekInfo`,
    `Intl.${type}`,
  ),
];

const LOCALE: readonly Sources[] = [
  { group: 'locale', on: 'Intl' },
  of('locale', 'String.prototype', 'localeCompare toLocaleLowerCase toLocaleUpperCase', 'String'),
  ...['Number', 'BigInt', 'Array', 'TypedArray'].map((type) =>
    of('locale', `${type}.prototype`, 'toLocaleString', type),
  ),
  of(
    'locale',
    'Date.prototype',
    `toString toDateString toTimeString toLocaleString toLocaleDateString toLocaleTimeString getDate getDay
    getFullYear getHours getMilliseconds getMinutes getMonth getSeconds getTimezoneOffset getYear setDate
    setFullYear setHours setMilliseconds setMinutes setMonth setSeconds setYear`,
    'Date',
  ),
  ...words('Collator DateTimeFormat DisplayNames DurationFormat ListFormat Locale NumberFormat').flatMap(
    intl,
  ),
  ...words('PluralRules RelativeTimeFormat Segmenter').flatMap(intl),
  of('locale', 'Temporal', 'ZonedDateTime'),
  of('locale', 'Temporal.ZonedDateTime', 'from'),
  of('locale', 'Temporal.Instant.prototype', 'toZonedDateTimeISO', 'Temporal.Instant'),
  of('locale', 'Temporal.PlainDate.prototype', 'toZonedDateTime', 'Temporal.PlainDate'),
  of('locale', 'Temporal.PlainDateTime.prototype', 'toZonedDateTime', 'Temporal.PlainDateTime'),
  ...'Instant PlainDate PlainDateTime PlainTime PlainMonthDay PlainYearMonth ZonedDateTime Duration'
    .split(' ')
    .map((type) => of('locale', `Temporal.${type}.prototype`, 'toLocaleString', `Temporal.${type}`)),
];

const MATH: readonly Sources[] = [
  of(
    'math',
    'Math',
    `acos acosh asin asinh atan atan2 atanh cbrt cos cosh exp expm1 hypot log log10 log1p log2 pow sin sinh
    tan tanh`,
  ),
];

/** Every ambient source that has a name. `Date` itself, which depends on its arguments, is in date.ts. */
export const SOURCES: readonly Sources[] = [
  ...RANDOM,
  ...CLOCK,
  ...WAITING,
  ...OUTSIDE,
  ...ENVIRONMENT,
  ...MEMORY,
  ...LOCALE,
  ...MATH,
];
