/**
 * Times a piece of work: many short samples, of which the best and the median are kept.
 */

/** Microseconds of one run. */
export interface Timing {
  best: number;
  median: number;
}

/** Does the work `n` times. */
export type Run = (n: number) => void | Promise<void>;

/** The shortest sample that is worth its two clock readings, in milliseconds. */
const SAMPLE = 0.2;

async function sample(run: Run, n: number): Promise<number> {
  const start = performance.now();
  const pending = run(n);
  if (pending) await pending;
  return performance.now() - start;
}

/** Runs for about `ms` milliseconds, until the engine's optimising tier has it; how many runs a sample should hold. */
export async function warm(run: Run, ms: number): Promise<number> {
  const end = performance.now() + ms;
  let n = 1, spent = await sample(run, n); // the first run compiles and allocates: it tells little
  if (spent > Math.max(ms, 1000)) return n;
  do {
    spent = await sample(run, n);
    if (spent < SAMPLE) n *= 2;
  } while (performance.now() < end || (spent < SAMPLE && n < 1 << 20));
  return n;
}

/** Samples of `n` runs for about `ms` milliseconds; at least one. */
export async function time(run: Run, n: number, ms: number): Promise<Timing> {
  const times: number[] = [], end = performance.now() + ms;
  do times.push(await sample(run, n) / n * 1e3); while (performance.now() < end);
  times.sort((a, b) => a - b);
  return { best: times[0], median: times[times.length >> 1] };
}

/** The best of all turns, and the median of their medians. */
export function merge(turns: readonly Timing[]): Timing {
  const medians = turns.map((t) => t.median).sort((a, b) => a - b);
  return { best: Math.min(...turns.map((t) => t.best)), median: medians[medians.length >> 1] };
}
