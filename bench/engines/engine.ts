/**
 * What a library must be able to do to be measured.
 */
import type { Row } from "../row.ts";
import type { Run } from "../timing.ts";

/** A row, ready to run. */
export interface Prepared {
  run: Run;
  /** The elements of the work's (first) result, done once. */
  result: () => ArrayLike<number> | Promise<ArrayLike<number>>;
  /** What a reader should know of this row. */
  note?: string;
}

/** A library that is loaded and set up. */
export interface Engine {
  /** Its name and version, and what it runs on. */
  about: string;
  /** Prepares `row`; the one before is no longer needed. */
  prepare: (row: Row) => Prepared | Promise<Prepared>;
}

/** Loads a library for `threads` threads. Throws where it can't have them. */
export type Start = (threads: number) => Promise<Engine>;
