/** Around a run of tests: where its servers are told, and their end, whatever happened. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 20_000;

/** Lets tests start servers; gives what ends those that they started. */
export default function setup(): () => Promise<void> {
  const servers = mkdtempSync(join(tmpdir(), 'worldfold-servers-'));
  process.env.WORLDFOLD_SERVERS = servers;
  return async () => {
    for (const name of readdirSync(servers)) {
      if (name.includes('.')) continue;
      const told = JSON.parse(readFileSync(join(servers, name), 'utf8')) as { pid: number; folder: string };
      const running = join(told.folder, 'data', 'postmaster.pid');
      if (existsSync(running)) process.kill(told.pid, 'SIGQUIT');
      for (let ms = 0; existsSync(running) && ms < PATIENCE_MS; ms += 20) await sleep(20);
      rmSync(told.folder, { recursive: true, force: true, maxRetries: 5 });
    }
    rmSync(servers, { recursive: true, force: true });
  };
}
