#!/usr/bin/env node
/**
 * The process around the command line: hands it the streams, turns Ctrl-C into a signal, sets the exit code.
 */
import { basename, relative, sep } from 'node:path';
import process from 'node:process';
import { runProgram } from './program.ts';

const stop = new AbortController();
// The first Ctrl-C lets the tick end, flushes and closes; the second ends the process at once.
process.once('SIGINT', () => {
  stop.abort();
  process.once('SIGINT', () => process.exit(130));
});
process.once('SIGTERM', () => stop.abort());
// Whoever reads our output may leave early (`worldfold ls | head`); that is no failure.
process.stdout.on('error', (e: NodeJS.ErrnoException) => {
  if (e.code === 'EPIPE') process.exit(0);
  throw e;
});

/** What the user would type to call this program again from here. */
function self(): string {
  const script = process.argv[1] ?? 'worldfold';
  if (basename(script) !== 'worldfold') return `node ${relative(process.cwd(), script) || script}`;
  return script.includes(`${sep}node_modules${sep}.bin${sep}`) ? 'npx worldfold' : 'worldfold';
}

process.exitCode = await runProgram(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  self: self(),
  cwd: process.cwd(),
  env: process.env,
  signal: stop.signal,
});
