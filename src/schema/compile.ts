/**
 * Compiles a declaration into what the engine runs on.
 *
 * Owns the entry; layouts, canonical text and validation live beside it.
 */
import type { SchemaSpec } from './spec.ts';

/** A checked declaration with its canonical text and the fingerprint of that text. */
export interface CompiledSchema {
  readonly spec: SchemaSpec;
  readonly text: string;
  readonly fingerprint: string;
}

/** Compiles a declaration. */
export const compileSchema = (spec: SchemaSpec): CompiledSchema => ({ spec, text: '', fingerprint: '' });
