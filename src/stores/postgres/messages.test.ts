import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Messages, type SentValue } from './messages.ts';

const bytes = (text: string): number[] => [...Buffer.from(text, 'latin1')];
const written = (write: (messages: Messages) => void): number[] => {
  const messages = new Messages();
  messages.begin();
  write(messages);
  return [...messages.take()];
};

describe('messages are laid out as the protocol says', () => {
  it.each<[string, (messages: Messages) => void, string]>([
    ['Parse', (m) => m.parse('s1', 'SELECT é'), 'P\0\0\0\x13s1\0SELECT \xc3\xa9\0\0\0'],
    ['Bind without values', (m) => m.bind('s1', [], true), 'B\0\0\0\x10\0s1\0\0\0\0\0\0\x01\0\x01'],
    [
      'Bind with bytes, a text and null, answered in texts',
      (m) => m.bind('', [Uint8Array.of(0, 255), 'é', null], false),
      'B\0\0\0\x24\0\0\0\x03\0\x01\0\0\0\0\0\x03\0\0\0\x02\0\xff\0\0\0\x02\xc3\xa9\xff\xff\xff\xff\0\x01\0\0',
    ],
    ['Describe of a portal', (m) => m.describe('portal'), 'D\0\0\0\x06P\0'],
    ['Describe of a statement', (m) => m.describe('statement'), 'D\0\0\0\x06S\0'],
    ['Execute', (m) => m.execute(), 'E\0\0\0\x09\0\0\0\0\0'],
    ['Sync', (m) => m.sync(), 'S\0\0\0\x04'],
  ])('%s', (_, write, expected) => {
    expect(written(write)).toEqual(bytes(expected));
  });

  it('one after another in one piece, and the next statement begins anew', () => {
    const messages = new Messages();
    for (let again = 0; again < 2; again++) {
      messages.begin();
      messages.execute();
      messages.sync();
      expect([...messages.take()]).toEqual(bytes('E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04'));
    }
  });
});

/** The values of a Bind, read as the server does. */
function boundValues(message: Buffer): SentValue[] {
  expect(String.fromCharCode(message[0]!)).toBe('B');
  let at = 5;
  for (let texts = 0; texts < 2; at++) if (message[at] === 0) texts++;
  const int16 = () => message.readUInt16BE((at += 2) - 2);
  const formats = Array.from({ length: int16() }, int16);
  expect(int16()).toBe(formats.length);
  const values = formats.map((format): SentValue => {
    const length = message.readInt32BE(at);
    at += 4;
    if (length === -1) return null;
    const value = message.subarray(at, (at += length));
    return format === 1 ? new Uint8Array(value) : value.toString('utf8');
  });
  expect([int16(), int16()]).toEqual([1, 1]);
  expect(message.readInt32BE(1)).toBe(at - 1);
  expect(at).toBe(message.length);
  return values;
}

const isSame = (a: SentValue, b: SentValue): boolean =>
  a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) === 0 : a === b;

it('values of any length come through, whatever was sent before', () => {
  const messages = new Messages();
  const value = fc.oneof(
    fc.constant(null),
    fc.string({ unit: 'grapheme' }),
    fc.tuple(fc.nat(300_000), fc.nat(255)).map(([size, byte]) => new Uint8Array(size).fill(byte)),
    fc.tuple(fc.nat(100_000), fc.constantFrom('é', '😀', 'a')).map(([size, text]) => text.repeat(size)),
  );
  fc.assert(
    fc.property(fc.array(value, { maxLength: 6 }), (values) => {
      messages.begin();
      messages.bind('s', values, true);
      const bound = boundValues(messages.take());
      expect(bound.length).toBe(values.length);
      for (const [i, value] of values.entries())
        expect(isSame(bound[i] as SentValue, value), `value ${i}`).toBe(true);
    }),
  );
});
