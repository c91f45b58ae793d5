/** Starts Python with numpy where it is there. Tests of .npz files ask both for their opinion. */
import { execFileSync, spawnSync } from 'node:child_process';
import process from 'node:process';

/** Whether python3 and numpy are installed. */
export const hasNumpy = spawnSync('python3', ['-c', 'import numpy'], { stdio: 'ignore' }).status === 0;

/** Whether a test without numpy is left out: never where everything is required. */
export const withoutNumpy = !hasNumpy && !process.env.WORLDFOLD_REQUIRE_ALL;

/** What a program prints, as JSON. `args` are its `sys.argv[1:]`. */
export function python(program: string, ...args: readonly string[]): unknown {
  const heads = 'import sys, json\nimport numpy as np\nout = lambda x: print(json.dumps(x))\n';
  const printed = execFileSync('python3', ['-c', heads + program, ...args], { encoding: 'utf8' });
  return printed === '' ? null : JSON.parse(printed);
}
