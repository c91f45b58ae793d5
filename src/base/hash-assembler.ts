/**
 * WebAssembly modules written as expressions: `i64.add(a, i64.const(1n))` is the code that computes it.
 *
 * Owns the binary format of a module with one memory, as far as the hash kernel needs it (WebAssembly Core
 * Specification 2.0, chapter 5). Loops of TypeScript around expressions unroll code; nothing else is
 * optimised, and nothing is checked, since the engine validates the module.
 */

/** Instructions in order: an expression leaves its value behind, a statement nothing. A tree of bytes. */
export type Code = readonly (number | Code)[];
/** The type of a value. */
export type ValueType = 'i32' | 'i64' | 'v128';
/** Makes the code of an instruction or a call from the code of its operands. */
export type Operator = (...operands: readonly Code[]) => Code;

const TYPES: { readonly [type in ValueType]: number } = { i32: 0x7f, i64: 0x7e, v128: 0x7b };

/** Unsigned LEB128. */
function unsigned(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

/** Signed LEB128. */
function signed(value: bigint): Code {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    const byte = Number(rest & 127n);
    if (rest >= -64n && rest < 64n) return [...bytes, byte];
    bytes.push(byte | 128);
  }
}

/** Appends the bytes of a tree. */
function flatten(code: Code, into: number[] = []): number[] {
  for (const part of code)
    if (typeof part === 'number') into.push(part);
    else flatten(part, into);
  return into;
}

/** Code after code. */
export const seq = (...parts: readonly Code[]): Code => parts;

const op =
  (...opcode: Code): Operator =>
  (...operands) => [...operands, opcode];
/** An instruction of 128-bit vectors. */
const simd = (opcode: number): Operator => op(0xfd, unsigned(opcode));

type Load = (address: Code, offset?: number) => Code;
type Store = (address: Code, value: Code, offset?: number) => Code;
// Addresses need not be aligned: the hint of alignment is 2^0 throughout.
const load =
  (...opcode: Code): Load =>
  (address, offset = 0) => [address, opcode, 0, unsigned(offset)];
const store =
  (...opcode: Code): Store =>
  (address, value, offset = 0) => [address, value, opcode, 0, unsigned(offset)];

/** Whole numbers of 32 bits. */
export const i32 = {
  const: (value: number): Code => [0x41, signed(BigInt(value | 0))],
  load8: load(0x2d),
  ltU: op(0x49),
  add: op(0x6a),
  sub: op(0x6b),
  and: op(0x71),
  or: op(0x72),
  shl: op(0x74),
  shrU: op(0x76),
  rotl: op(0x77),
};

/** Whole numbers of 64 bits. */
export const i64 = {
  const: (value: bigint): Code => [0x42, signed(BigInt.asIntN(64, value))],
  load: load(0x29),
  load32: load(0x35),
  store: store(0x37),
  add: op(0x7c),
  sub: op(0x7d),
  mul: op(0x7e),
  and: op(0x83),
  or: op(0x84),
  xor: op(0x85),
  shl: op(0x86),
  shrU: op(0x88),
  /** Of 32 bits. */
  extend: op(0xad),
};

/** Vectors of 128 bits; `x2` and `x4` say into how many numbers they are divided. */
export const v128 = {
  load: load(0xfd, 0),
  store: store(0xfd, 11),
  /** Bytes picked by number: 0 to 15 from the first vector, 16 to 31 from the second. */
  shuffle: (a: Code, b: Code, bytes: readonly number[]): Code => [a, b, 0xfd, 13, bytes],
  splat32: simd(17),
  splat64: simd(18),
  lane64: (vector: Code, lane: number): Code => [vector, 0xfd, 29, lane],
  withLane64: (vector: Code, lane: number, value: Code): Code => [vector, value, 0xfd, 30, lane],
  or: simd(80),
  xor: simd(81),
  /** Bits of the first where the third has a 1, of the second where it has a 0. */
  select: simd(82),
  anyTrue: simd(83),
  f32x4Ne: simd(66),
  f64x2Ne: simd(72),
  shrX2: simd(205),
  addX2: simd(206),
  mulX2: simd(213),
  /** Products of 64 bits of the two lower numbers of four, and of the two upper ones. */
  mulLowX4: simd(222),
  mulHighX4: simd(223),
};

/** Does `then` where the condition is not 0, else `otherwise`. */
export const when = (condition: Code, then: Code, otherwise: Code = []): Code =>
  otherwise.length === 0
    ? [condition, 0x04, 0x40, then, 0x0b]
    : [condition, 0x04, 0x40, then, 0x05, otherwise, 0x0b];
/** Does `body`, and again as long as the condition after it is not 0. */
export const repeatWhile = (body: Code, condition: Code): Code => [
  [0x03, 0x40],
  body,
  condition,
  [0x0d, 0],
  0x0b,
];
/** Ends the function. */
export const leave: Code = [0x0f];

/** A parameter or variable of a function: as code it is its value. */
export type Local = Code & { set(value: Code): Code };

/** The parameters and variables of a function under construction. */
export class Variables {
  readonly types: ValueType[] = [];

  /** A new variable, 0 at first. */
  local(type: ValueType): Local {
    const index = unsigned(this.types.push(type) - 1);
    return Object.assign([0x20, index], { set: (value: Code): Code => [value, 0x21, index] });
  }
}

/** What a function takes and gives. */
export interface Signature<P extends readonly ValueType[] = readonly ValueType[]> {
  readonly params: P;
  readonly results: readonly ValueType[];
}

interface Defined extends Signature {
  readonly name: string | null;
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

/** A module: functions that call those defined before them, and bytes that stand in memory at the start. */
export class ModuleWriter {
  private readonly functions: Defined[] = [];
  private readonly data: Code[] = [];
  private readonly pages: number;

  /** A module whose memory has so many pages of 64 KiB. */
  constructor(pages: number) {
    this.pages = pages;
  }

  /** Puts bytes into memory. */
  place(at: number, bytes: readonly number[]): void {
    this.data.push([0, i32.const(at), 0x0b, sized(bytes)]);
  }

  /** Defines a function, exported where it has a name, and returns what calls it. */
  define<P extends readonly ValueType[]>(
    name: string | null,
    { params, results }: Signature<P>,
    write: (variables: Variables, ...given: { [I in keyof P]: Local }) => Code,
  ): Operator {
    const variables = new Variables();
    const given = params.map((type) => variables.local(type)) as { [I in keyof P]: Local };
    const body = write(variables, ...given);
    const locals = variables.types.slice(params.length);
    const index = this.functions.push({ name, params, results, locals, body }) - 1;
    return op(0x10, unsigned(index));
  }

  /** The bytes of the module. Its memory is exported as `memory`. */
  bytes(): Uint8Array<ArrayBuffer> {
    const { functions, data, pages } = this;
    const exports = functions.flatMap(({ name }, i) => (name === null ? [] : [[text(name), 0, unsigned(i)]]));
    return new Uint8Array(
      flatten([
        [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
        section(1, list(functions.map(({ params, results }) => [0x60, types(params), types(results)]))),
        section(3, list(functions.map((_, i) => unsigned(i)))),
        section(5, list([[0, unsigned(pages)]])),
        section(7, list([[text('memory'), 2, 0], ...exports])),
        section(10, list(functions.map(functionBody))),
        section(11, list(data)),
      ]),
    );
  }
}

const list = (items: readonly Code[]): Code => [unsigned(items.length), items];
const types = (all: readonly ValueType[]): Code => list(all.map((type) => [TYPES[type]]));
function sized(code: Code): Code {
  const bytes = flatten(code);
  return [unsigned(bytes.length), bytes];
}
const section = (id: number, content: Code): Code => [id, sized(content)];
/** Names are ASCII here. */
const text = (name: string): Code => sized([...name].map((letter) => letter.charCodeAt(0)));
const functionBody = ({ locals, body }: Defined): Code =>
  sized([list(locals.map((type) => [1, TYPES[type]])), body, 0x0b]);
