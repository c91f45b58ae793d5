import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hex } from '../base/bytes.ts';
import { checkText, digest, RANDOM_VERSION, wordOf } from './digest.ts';

const prefixed = (text: string): Buffer => {
  const bytes = Buffer.from(text, 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
};

const wellFormed = fc.string({ unit: 'binary' }).filter((s) => !/\p{Surrogate}/u.test(s));

test('L15: a digest is SHA-256 of the length-prefixed UTF-8 of tag and parts', () => {
  fc.assert(
    fc.property(fc.array(wellFormed), (parts) => {
      const bytes = Buffer.concat([`worldfold/random/${RANDOM_VERSION}/keyed`, ...parts].map(prefixed));
      expect(hex(digest('keyed', ...parts))).toBe(createHash('sha256').update(bytes).digest('hex'));
    }),
  );
});

test('a digest takes texts longer than its scratch, and short ones after them', () => {
  const long = 'ä€𝄞'.repeat(5000);
  const bytes = Buffer.concat([`worldfold/random/${RANDOM_VERSION}/applied`, 'x', long].map(prefixed));
  const short = hex(digest('applied', 'x'));
  expect(hex(digest('applied', 'x', long))).toBe(createHash('sha256').update(bytes).digest('hex'));
  expect(hex(digest('applied', 'x'))).toBe(short);
});

test('parts do not run into each other, and purposes do not meet', () => {
  const forms = [
    digest('keyed', 'a', 'bc'),
    digest('keyed', 'ab', 'c'),
    digest('keyed', 'abc'),
    digest('keyed', 'abc', ''),
    digest('sequential', 'a', 'bc'),
    digest('applied', 'a', 'bc'),
    digest('text key', 'a', 'bc'),
  ].map(hex);
  expect(new Set(forms).size).toBe(forms.length);
});

test('words are little-endian and signed', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 255, 255, 255, 255);
  expect([wordOf(bytes, 0), wordOf(bytes, 1)]).toEqual([0x04030201, -1]);
});

test('a text that UTF-8 cannot hold is refused, and so is what is no text', () => {
  for (const bad of ['\ud800', 'a\udc00b', '\udc00\ud800', 7, null, undefined] as readonly unknown[])
    expect(() => checkText(bad as string, 'seed')).toThrow(expect.objectContaining({ code: 'BAD_USAGE' }));
  for (const good of ['', 'ä', '\u{1d11e}', '\0', '\ufffd']) expect(checkText(good, 'seed')).toBe(good);
});
