/**
 * The engine's types as the command line needs them: of worlds whose schema is not known when this is
 * compiled.
 */
import type { Run, Shape, WorldDef } from '../index.ts';

/** A world of whatever schema. */
export type AnyWorld = WorldDef<Shape, string>;

/** A run of whatever world. */
export type AnyRun = Run<Shape, string>;
