/** One wrong use of the types. */
export interface Mistake {
  readonly name: string;
  /** Must not compile. */
  readonly wrong: string;
  /** The same, corrected: must compile. */
  readonly right: string;
  /** What the compiler must say, word for word; of several, each. */
  readonly says: string | readonly string[];
  /** How many errors there are; one where it is left out. */
  readonly errors?: number;
}
