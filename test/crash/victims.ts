/**
 * Processes to kill: the child as one bundled file, started ahead of need, so that a life begins at once.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const BANNER = "import { createRequire as make } from 'node:module'; const require = make(import.meta.url);";

interface Bundler {
  build(options: object): Promise<unknown>;
}

/**
 * Bundles the child of a file beside this one; loading the sources one by one would take longer than most
 * lives. Returns the bundle.
 */
export async function bundleChild(name: string): Promise<string> {
  // The bundler is tsx's.
  const { build } = createRequire(import.meta.resolve('tsx'))('esbuild') as Bundler;
  const folder = join(root, '.cache', 'crash');
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `${name}-${process.pid}.mjs`);
  await build({
    entryPoints: [fileURLToPath(new URL(`./${name}.ts`, import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['better-sqlite3', 'pg', '@electric-sql/pglite'],
    banner: { js: BANNER },
    logLevel: 'silent',
    outfile,
  });
  return outfile;
}

/** A small generator of numbers below 1: https://en.wikipedia.org/wiki/Linear_congruential_generator */
export function drawsOf(seed: number): () => number {
  let state = (seed * 2654435761) >>> 0;
  const draw = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  draw();
  return draw;
}

/** How a life ended, and everything that it said, in order. */
export interface LifeEnd {
  readonly said: readonly (readonly [what: string, ...rest: (string | number)[]])[];
  readonly signal: string | null;
  readonly code: number | null;
}

/** When to kill: so many milliseconds after the child said so many lines; never where null. */
export type Instant = { readonly lines: number; readonly ms: number } | null;

/** A child that waits for what it is to live on. */
class Victim {
  private readonly child: ChildProcess;
  private readonly said: LifeEnd['said'][number][] = [];
  private onLine = (): void => {};
  private readonly ended: Promise<void>;

  constructor(file: string) {
    this.child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'] });
    // It may be killed before it read what it was sent.
    this.child.stdin!.on('error', () => {});
    const lines = createInterface({ input: this.child.stdout! });
    lines.on('line', (line) => {
      // The line that was under way when it was killed may be cut.
      if (!line.endsWith(']')) return;
      this.said.push(JSON.parse(line));
      this.onLine();
    });
    const exited = new Promise<void>((resolve) => this.child.once('exit', () => resolve()));
    const drained = new Promise<void>((resolve) => lines.once('close', resolve));
    this.ended = Promise.all([exited, drained]).then(() => {});
  }

  /** Settles when it waits. */
  private ready(): Promise<void> {
    return new Promise((resolve) => {
      this.onLine = resolve;
      if (this.said.length > 0) resolve();
    });
  }

  /** Lets it live on what it is given, to its end or until it is killed. */
  async live(given: object, instant: Instant): Promise<LifeEnd> {
    const { child, said } = this;
    await Promise.race([this.ready(), this.ended]);
    let timer: NodeJS.Timeout | undefined;
    this.onLine = () => {
      if (instant === null || said.length - 1 < instant.lines || timer !== undefined) return;
      timer = setTimeout(() => child.kill('SIGKILL'), instant.ms);
    };
    this.onLine();
    child.stdin!.end(`${JSON.stringify(given)}\n`);
    await this.ended;
    clearTimeout(timer);
    return { said: said.slice(1), signal: child.signalCode, code: child.exitCode };
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}

/** Children, one of which is always started ahead. */
export class Victims {
  private readonly file: string;
  private next: Victim;

  constructor(file: string) {
    this.file = file;
    this.next = new Victim(file);
  }

  /** See {@link Victim.live}. */
  live(given: object, instant: Instant): Promise<LifeEnd> {
    const { next } = this;
    this.next = new Victim(this.file);
    return next.live(given, instant);
  }

  /** Ends the one that waits. */
  close(): void {
    this.next.kill();
  }
}
