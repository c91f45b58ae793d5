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

/** Bundles the child; loading the sources one by one would take longer than most lives. Returns the file. */
export async function bundleChild(): Promise<string> {
  // The bundler is tsx's.
  const { build } = createRequire(import.meta.resolve('tsx'))('esbuild') as Bundler;
  const folder = join(root, '.cache', 'crash');
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `kill-child-${process.pid}.mjs`);
  await build({
    entryPoints: [fileURLToPath(new URL('./kill-child.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['better-sqlite3'],
    banner: { js: BANNER },
    logLevel: 'silent',
    outfile,
  });
  return outfile;
}

/** How a life ended, and everything that it said, in order. */
export interface LifeEnd {
  readonly said: readonly (readonly [what: string, ...rest: (string | number)[]])[];
  readonly signal: string | null;
  readonly code: number | null;
}

/** When to kill: so many milliseconds after the child said so many lines; never where null. */
export type Instant = { readonly lines: number; readonly ms: number } | null;

/** A child that waits for its store. */
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

  /** Settles when it waits for its store. */
  private ready(): Promise<void> {
    return new Promise((resolve) => {
      this.onLine = resolve;
      if (this.said.length > 0) resolve();
    });
  }

  /** Lets it live on a store, up to a tick or until it is killed. */
  async live(path: string, until: number, instant: Instant): Promise<LifeEnd> {
    const { child, said } = this;
    await Promise.race([this.ready(), this.ended]);
    let timer: NodeJS.Timeout | undefined;
    this.onLine = () => {
      if (instant === null || said.length - 1 < instant.lines || timer !== undefined) return;
      timer = setTimeout(() => child.kill('SIGKILL'), instant.ms);
    };
    this.onLine();
    child.stdin!.end(`${JSON.stringify({ path, until })}\n`);
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
  live(path: string, until: number, instant: Instant): Promise<LifeEnd> {
    const { next } = this;
    this.next = new Victim(this.file);
    return next.live(path, until, instant);
  }

  /** Ends the one that waits. */
  close(): void {
    this.next.kill();
  }
}
