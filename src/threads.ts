/**
 * How many threads the CPU's kernels run on.
 *
 * @module
 */
import { cpu } from "./backend/wasm.ts";

let told = false;

/**
 * How many threads a kernel may use on the CPU: all cores at first, and 1 where the host has no shared memory or no
 * workers.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.get_num_threads.html
 */
export function getNumThreads(): number {
  return cpu.pool?.threads ?? 1;
}

/**
 * Sets how many threads a kernel may use on the CPU, 64 at most; they start at the next large call. Results do not depend
 * on the number. Where the host has no
 * shared memory or no workers, everything stays on one thread; a warning says so, once.
 *
 * @throws RangeError unless `n` is a whole number and positive.
 * @see https://pytorch.org/docs/stable/generated/torch.set_num_threads.html
 */
export function setNumThreads(n: number): void {
  if (!Number.isInteger(n) || n < 1) {
    throw new RangeError(`setNumThreads: expected a whole number of threads, at least 1, got ${n}`);
  }
  if (cpu.pool) cpu.pool.threads = n;
  if (getNumThreads() < n && !told) {
    told = true;
    console.warn(
      `setNumThreads(${n}): this host has no shared memory or no workers, or allows fewer threads: ` +
        `kernels run on ${getNumThreads()}`,
    );
  }
}
