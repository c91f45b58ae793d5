import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { afterAll, describe, expect, it } from 'vitest';
import { caught } from '../../test/support/runs.ts';
import { place } from '../../test/support/snapshot-files.ts';
import { openFile, writeAll, writeWhole } from './disk.ts';

const folder = place();
afterAll(folder.remove);

describe('writeAll', () => {
  const bytes = (length: number, from: number) => Uint8Array.from({ length }, (_, i) => from + i);
  const given = [bytes(5, 0), bytes(0, 0), bytes(1, 5), bytes(7, 6), bytes(3, 13)];

  it.each([1, 2, 3, 5, 6, 7, 16, 99])('goes on where a call of at most %i bytes stopped', (most) => {
    const written: number[] = [];
    writeAll(1, given, ((_: number, buffers: readonly Uint8Array[]) => {
      const part = buffers.flatMap((buffer) => [...buffer]).slice(0, most);
      written.push(...part);
      return part.length;
    }) as never);
    expect(written).toEqual(Array.from({ length: 16 }, (_, i) => i));
  });

  it('never gives the system more buffers than it takes', () => {
    const counts: number[] = [];
    const many = Array.from({ length: 2500 }, () => bytes(2, 0));
    writeAll(1, many, ((_: number, buffers: readonly Uint8Array[]) => {
      counts.push(buffers.length);
      return buffers.length * 2;
    }) as never);
    expect(counts).toEqual([1024, 1024, 452]);
  });
});

describe('a file that is written whole', () => {
  const old = folder.at('sub/old');
  mkdirSync(dirname(old));
  const there = () => readdirSync(dirname(old)).sort();

  it('is never seen half-written, and an error leaves what was there', async () => {
    writeFileSync(old, 'old');
    let seen: string[] = [];
    const failing = writeWhole(old, 'power', (fd) => {
      writeAll(fd, [Uint8Array.of(1, 2, 3)]);
      seen = there();
      throw new RangeError('no more');
    });
    expect(await caught(() => failing)).toMatchObject({ code: 'STORE_FAILED', facts: { path: old } });
    expect(seen).toHaveLength(2);
    expect(seen.filter((name) => name !== 'old')[0]).toMatch(
      /^\.old\.[0-9a-f]{8}-[1-9]\d*-[0-9a-f]{16}\.tmp$/,
    );
    expect([there(), readFileSync(old, 'utf8')]).toEqual([['old'], 'old']);
    for (const durability of ['power', 'process'] as const) {
      await writeWhole(old, durability, (fd) => writeAll(fd, [new TextEncoder().encode(durability)]));
      expect([there(), readFileSync(old, 'utf8')]).toEqual([['old'], durability]);
    }
  });

  /** The name of the temporary file as it would be if another process wrote it. */
  async function nameNow(): Promise<(pid: number, space?: string) => string> {
    let name = '';
    await writeWhole(old, 'process', () => {
      name = there().find((one) => one.endsWith('.tmp'))!;
    });
    const [, mark, rest] = /^\.old\.(.{8})-\d+(-.*)$/.exec(name)!;
    return (pid, space = mark!) => `.old.${space}-${pid}${rest}`;
  }

  it('L11: what a dead writer of the same path left goes with the next one, and nothing else', async () => {
    const name = await nameNow();
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const left = [name(dead), name(dead).replace('.old.', '.older.')];
    const others = [`.old.${name(dead)}`, `.old.txt`, name(dead).slice(0, -1), `x${name(dead)}`];
    const elsewhere = name(dead, '00000000');
    for (const one of [...left, ...others, elsewhere]) writeFileSync(join(dirname(old), one), 'half');
    await writeWhole(old, 'process', () => {});
    const kept = [left[1]!, ...others, elsewhere];
    expect(there()).toEqual(['old', ...kept].sort());
    for (const one of kept) unlinkSync(join(dirname(old), one));
  });

  it('L7: what a living writer is writing stays, in this process and in another', async () => {
    const name = await nameNow();
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']);
    await once(other, 'spawn');
    const theirs = name(other.pid!);
    writeFileSync(join(dirname(old), theirs), 'half');
    await writeWhole(old, 'process', async () => {
      const mine = there().filter((one) => one !== theirs && one !== 'old');
      await writeWhole(old, 'process', () => {});
      expect(there()).toEqual(['old', theirs, ...mine].sort());
    });
    other.kill('SIGKILL');
    await once(other, 'exit');
    await writeWhole(old, 'process', () => {});
    expect(there()).toEqual(['old']);
  });

  it('refuses by name where there is no place for it', async () => {
    const nowhere = () => writeWhole(folder.at('none/file'), 'process', () => {});
    expect(await caught(nowhere)).toMatchObject({ code: 'STORE_FAILED', hint: 'Make the folder first.' });
    expect(await caught(() => writeWhole(dirname(old), 'process', () => {}))).toMatchObject({
      code: 'STORE_FAILED',
    });
    expect(readdirSync(folder.at('.')).sort()).toEqual(['sub']);
  });
});

describe('a file that is read', () => {
  it('fills buffers in order, and refuses what is not there', async () => {
    writeFileSync(
      folder.at('ten'),
      Uint8Array.from({ length: 10 }, (_, i) => i),
    );
    const file = await openFile(folder.at('ten'));
    const [a, b] = [new Uint8Array(3), new Uint8Array(4)];
    await file.read([a, new Uint8Array(0), b], 2);
    expect([[...a], [...b], file.size]).toEqual([[2, 3, 4], [5, 6, 7, 8], 10]);
    expect(await caught(() => file.read([a, b], 4))).toMatchObject({ code: 'CORRUPT' });
    await file.close();
    expect(await caught(() => openFile(folder.at('eleven')))).toMatchObject({ code: 'NO_STORE' });
    expect(await caught(async () => (await openFile(folder.at('.'))).read([a], 0))).toMatchObject({
      code: 'STORE_FAILED',
    });
  });
});
