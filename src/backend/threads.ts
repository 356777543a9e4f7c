/**
 * Threads: workers that share the kernels' memory and take parts of a kernel's range.
 *
 * A task is one kernel call, cut into parts of its range. It stands on a board in shared memory, from which the workers
 * and the calling thread claim parts until none is left; so a worker that comes late, or never, delays nothing. What a
 * kernel computes does not depend on how its range is cut, so results are the same for every number of threads.
 *
 * Workers start once a program has done enough work to repay it, or at its first large call if it has set how many,
 * and never keep a program from ending: they are `node:worker_threads` workers, which Deno, Node and Bun all have, and
 * unreferenced. They start without waiting for the event loop. In a page that is cross-origin isolated they are the web's
 * workers, which join in once the page's script has given the event loop a turn.
 *
 * @module
 */
import { manifest } from "./kernels.ts";
import { type Cost, costs } from "./work.ts";

type Kernel = (...values: number[]) => void;

/** A call that takes less than so many nanoseconds stays on the calling thread: handing over a part costs 2,000 to 5,000. */
const GRAIN = 16_000;
/** Nanoseconds of work that could have been shared, after which workers start: that takes Deno 40,000,000. */
const WARM_UP = 100_000_000;
/**
 * Parts for each thread, so that one that is held up does not hold up the others for long. Matrix products bring b into
 * order once for each part: 512^3 on two threads gave 102 GFLOP/s with four, 106 with two, 105 with one.
 */
const PARTS = 2;
/** Shortest part in nanoseconds, unless each thread has but one. */
const PART = 12_000;
/** Shortest part in steps of the range, unless each thread has but one: short ranges are those of long steps, as rows. */
const STEPS = 32;
/** How often a thread that waits looks before it sleeps: about a millisecond. Waking it takes 10,000 ns or more. */
const SPINS = 20_000;
/** Milliseconds without an answer, beyond ten times what the call should take, after which a worker counts as lost. */
const PATIENCE = 20_000;
/** The most threads: more than this many cores share one memory in vain. */
const MOST = 64;

// Places on the board, 32-bit words. OPEN with the number of workers inside; a worker enters only while it is open, and
// what else stands on the board changes only while it is closed and empty.
const STATE = 0,
  GENERATION = 1,
  NEXT = 2,
  TOTAL = 3,
  KERNEL = 4,
  COUNT = 5,
  STEP = 6,
  STRIDE = 7,
  FAILED = 8;
const READY = 9, THREADS = 10, PAGES = 11, SCRATCH = 12, VALUES = 8 /* in 64-bit words */;
const MOST_VALUES = 56;
const OPEN = 1 << 16;

/** What a worker runs with its data `d`: plain JavaScript, as it is handed over as text. It takes the places from the pool. */
const WORKER = `
const { STATE, GENERATION, NEXT, TOTAL, KERNEL, COUNT, STEP, STRIDE, FAILED, READY, THREADS, PAGES, SCRATCH, VALUES, OPEN } = d.places;
const board = new Int32Array(d.board), values = new Float64Array(d.board), text = new Uint8Array(d.board, d.text);
const instance = new WebAssembly.Instance(d.module, { env: { memory: d.memory } });
const kernels = d.names.map((name) => instance.exports[name]);
const pause = Atomics.pause ?? (() => {});
let seen = 0;
Atomics.add(board, READY, 1);
for (;;) {
  for (let i = 0; i < d.spins && Atomics.load(board, GENERATION) === seen; i++) pause();
  while (Atomics.load(board, GENERATION) === seen) Atomics.wait(board, GENERATION, seen);
  seen = Atomics.load(board, GENERATION);
  let state = Atomics.load(board, STATE);
  while (state & OPEN) {
    const met = Atomics.compareExchange(board, STATE, state, state + 1);
    if (met === state) break;
    state = met;
  }
  if (!(state & OPEN)) continue;
  if (d.thread < board[THREADS]) {
    try {
      // A memory that has grown is seen as it is by whoever asks.
      if (d.memory.buffer.byteLength < board[PAGES] * 65536) d.memory.grow(0);
      const count = board[COUNT], args = Array.from(values.subarray(VALUES, VALUES + count));
      const begin = args[count - 2], end = args[count - 1], step = board[STEP], parts = board[TOTAL];
      for (let i = 0; i < board[SCRATCH]; i++) args[board[SCRATCH + 1 + i]] += d.thread * board[STRIDE];
      for (let part; (part = Atomics.add(board, NEXT, 1)) < parts;) {
        args[count - 2] = begin + part * step;
        args[count - 1] = Math.min(end, begin + (part + 1) * step);
        kernels[board[KERNEL]](...args);
      }
    } catch (e) {
      if (Atomics.compareExchange(board, FAILED, 0, -1) === 0) {
        const bytes = Array.from(String(e), (c) => c.charCodeAt(0) & 127).slice(0, text.length);
        text.set(bytes);
        Atomics.store(board, FAILED, bytes.length);
      }
    }
  }
  if (Atomics.sub(board, STATE, 1) === 1) Atomics.notify(board, STATE);
}
`;

/** What this module asks of `node:worker_threads`. */
interface WorkerThreads {
  Worker: new (source: string, options: { eval: true; workerData: unknown }) => {
    unref(): void;
    on(event: "error", listener: () => void): void;
  };
}

/** What it asks of the web's workers. */
interface WebWorker {
  new (url: string): { onerror: (() => void) | null; postMessage(data: unknown): void };
}

/** A built-in module of Node's, where the host has it; loading one takes Deno some 40 ms, so not before it is needed. */
function builtin<T>(name: string): T | undefined {
  const { process } = globalThis as unknown as {
    process?: { getBuiltinModule?: (name: string) => T | undefined };
  };
  return process?.getBuiltinModule?.(name);
}

/** Starts a worker, which lives while the result is held; `lost` is called if it does not start, or fails. */
type StartWorker = (data: unknown, lost: () => void) => unknown;

/** How workers are started here; null where there are none that could share memory. */
function workers(): StartWorker | null {
  const { process } = globalThis as { process?: { getBuiltinModule?: unknown } };
  if (process?.getBuiltinModule) {
    return (data, lost) => {
      const threads = builtin<WorkerThreads>("node:worker_threads");
      if (!threads) throw new Error("the host has no node:worker_threads");
      const text = `const d = require("node:worker_threads").workerData;${WORKER}`;
      const worker = new threads.Worker(text, { eval: true, workerData: data });
      worker.on("error", lost);
      worker.unref();
      return worker;
    };
  }
  const { crossOriginIsolated, Worker } = globalThis as {
    crossOriginIsolated?: boolean;
    Worker?: WebWorker;
  };
  if (!crossOriginIsolated || !Worker) return null;
  return (data, lost) => {
    const text = `onmessage = ({ data: d }) => {${WORKER}};`;
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    const worker = new Worker(url);
    worker.onerror = lost;
    worker.postMessage(data);
    return worker;
  };
}

/** Whether this thread may sleep. A page's own may not: it looks on until the others are done. */
function maySleep(board: Int32Array<SharedArrayBuffer>): boolean {
  try {
    Atomics.wait(board, GENERATION, -1, 0); // is not -1
    return true;
  } catch {
    return false;
  }
}

/** How many threads run at once. Node has had a navigator since version 21 only. */
function cores(): number {
  return globalThis.navigator?.hardwareConcurrency ??
    builtin<{ availableParallelism(): number }>("node:os")?.availableParallelism() ?? 1;
}

/** Shared memory for the kernels, or null where the host has none, or no workers to share it with. */
export function sharedMemory(initial: number, maximum: number): WebAssembly.Memory | null {
  if (typeof SharedArrayBuffer !== "function" || workers() === null) return null;
  try {
    return new WebAssembly.Memory({ initial, maximum, shared: true });
  } catch {
    return null; // the host cannot reserve so many addresses
  }
}

/** Runs kernels on several threads. */
export class ThreadPool {
  /** The kernels: those whose range can be split, behind the pool. */
  readonly kernels: Record<string, Kernel>;
  /** Bytes from one thread's scratch space to the next one's. */
  scratchStride = 0;
  /** A call of fewer nanoseconds stays on the calling thread. */
  grain = GRAIN;
  /** Milliseconds without an answer, beyond ten times what the call should take, after which a worker counts as lost. */
  patience = PATIENCE;
  readonly #names: string[];
  readonly #module: WebAssembly.Module;
  readonly #memory: WebAssembly.Memory;
  readonly #board: Int32Array<SharedArrayBuffer>;
  readonly #values: Float64Array<SharedArrayBuffer>;
  readonly #text: Uint8Array<SharedArrayBuffer>;
  readonly #maySleep: boolean;
  readonly #held: unknown[] = [];
  #threads = Math.min(cores(), MOST);
  #workers = 0;
  #work = 0;
  /** How much work is done before workers start: none when a program asks for them. */
  #warmUp = WARM_UP;
  /** Why there are no workers, once that is known. */
  #broken: string | null = null;

  /** `kernels` are the exports of `module`'s instance on `memory`, which is shared. */
  constructor(
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
    kernels: Record<string, Kernel>,
  ) {
    this.#module = module;
    this.#memory = memory;
    const shared = costs();
    this.#names = [...shared.keys()];
    this.kernels = { ...kernels };
    for (const [index, [name, cost]] of [...shared].entries()) {
      this.kernels[name] = this.#split(kernels[name], index, cost);
    }
    const bytes = new SharedArrayBuffer(1024);
    this.#board = new Int32Array(bytes);
    this.#values = new Float64Array(bytes, VALUES * 8, MOST_VALUES);
    this.#text = new Uint8Array(bytes, (VALUES + MOST_VALUES) * 8);
    this.#maySleep = maySleep(this.#board);
    if (Object.values(manifest).some((list) => list.length > MOST_VALUES)) {
      throw new Error(`a kernel takes more than ${MOST_VALUES} parameters`);
    }
  }

  /** How many threads a kernel call may use. */
  get threads(): number {
    return this.#broken === null ? this.#threads : 1;
  }

  set threads(n: number) {
    this.#threads = Math.min(n, MOST);
    this.#warmUp = 0;
  }

  /** Starts the workers now, and waits for them: for tests, and for programs that time themselves. */
  start(): void {
    this.#start();
    const end = performance.now() + this.patience;
    while (this.#broken === null && Atomics.load(this.#board, READY) < this.#workers) {
      if (performance.now() > end) this.#broken = "its workers did not start";
    }
  }

  #start(): void {
    try {
      const start = workers()!;
      // deno-fmt-ignore
      const places = {
        STATE, GENERATION, NEXT, TOTAL, KERNEL, COUNT, STEP, STRIDE, FAILED, READY, THREADS, PAGES, SCRATCH, VALUES, OPEN,
      };
      while (this.#workers < this.#threads - 1) {
        const data = {
          places,
          board: this.#board.buffer,
          text: this.#text.byteOffset,
          module: this.#module,
          memory: this.#memory,
          names: this.#names,
          spins: SPINS,
          thread: this.#workers + 1,
        };
        // One that fails later claims nothing any more; a part that it had claimed is missed in #wait.
        this.#held.push(start(data, () => {
          if (Atomics.load(this.#board, READY) === 0) this.#broken = "its workers cannot start";
        }));
        this.#workers++;
      }
    } catch (e) {
      this.#broken = `its workers cannot start (${(e as Error).message})`;
    }
  }

  /** `kernel`, split over threads where a call is worth it. */
  #split(kernel: Kernel, index: number, cost: Cost): Kernel {
    const { factor, sizes } = cost;
    return (...values) => {
      const n = values.length;
      let work = (values[n - 1] - values[n - 2]) * factor;
      for (let i = 0; i < sizes.length; i++) work *= values[sizes[i]];
      if (work < this.grain || !this.#ready(work)) kernel(...values);
      else this.#run(kernel, index, cost, values, work);
    };
  }

  /** Whether a worker is there; starts them when enough work has been done without them. */
  #ready(work: number): boolean {
    if (this.#threads === 1 || this.#broken !== null) return false;
    if (this.#workers < this.#threads - 1) {
      this.#work += work;
      if (this.#work < this.#warmUp && this.#workers === 0) return false;
      this.#start();
    }
    return Atomics.load(this.#board, READY) > 0;
  }

  #run(kernel: Kernel, index: number, cost: Cost, values: number[], work: number): void {
    const board = this.#board, count = values.length, { scratch } = cost;
    const begin = values[count - 2], end = values[count - 1], length = end - begin;
    const threads = Math.min(this.#threads, this.#workers + 1);
    const most = Math.min(PARTS, work / threads / PART, length / threads / STEPS);
    const wanted = threads * Math.max(1, Math.floor(most));
    // Steps of 16 keep the ends of parts where vectors end, and threads out of each other's cache lines.
    const align = length >= threads * 128 ? 16 : length >= threads * 8 ? 4 : 1;
    const step = Math.ceil(length / wanted / align) * align, parts = Math.ceil(length / step);
    if (parts === 1) return kernel(...values);
    board[KERNEL] = index;
    board[COUNT] = count;
    board[STEP] = step;
    board[TOTAL] = parts;
    board[STRIDE] = this.scratchStride;
    board[THREADS] = threads;
    board[PAGES] = this.#memory.buffer.byteLength / 65536;
    board[SCRATCH] = scratch.length;
    for (let i = 0; i < scratch.length; i++) board[SCRATCH + 1 + i] = scratch[i];
    this.#values.set(values);
    board[NEXT] = 0;
    Atomics.store(board, STATE, OPEN);
    Atomics.add(board, GENERATION, 1);
    Atomics.notify(board, GENERATION);
    try {
      for (let part; (part = Atomics.add(board, NEXT, 1)) < parts;) {
        values[count - 2] = begin + part * step;
        values[count - 1] = Math.min(end, begin + (part + 1) * step);
        kernel(...values);
      }
    } finally {
      Atomics.store(board, NEXT, parts); // where the kernel failed here, it need not go on elsewhere
      Atomics.and(board, STATE, ~OPEN);
      this.#wait(this.#names[index], this.patience + 10 * work / 1e6);
    }
  }

  /** Waits until no worker is inside, so many milliseconds at most. */
  #wait(name: string, patience: number): void {
    const board = this.#board;
    for (let i = 0; i < SPINS; i++) if (Atomics.load(board, STATE) === 0) break;
    const end = performance.now() + patience;
    for (let state; (state = Atomics.load(board, STATE)) !== 0;) {
      if (this.#maySleep) Atomics.wait(board, STATE, state, 100);
      if (performance.now() < end) continue;
      this.#broken = "a worker was lost";
      throw new Error(
        `${name}: a worker thread did not answer within ${
          Math.round(patience)
        } ms and counts as lost, ` +
          "so the result is not complete; from here on everything runs on one thread",
      );
    }
    const length = board[FAILED];
    if (length === 0) return;
    board[FAILED] = 0;
    throw new Error(
      `${name}: failed in a worker thread: ${
        String.fromCharCode(...this.#text.subarray(0, length))
      }`,
    );
  }
}
