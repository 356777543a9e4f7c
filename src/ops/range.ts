/**
 * Ranges, grids of indexes, and the identity matrix.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { bool, type DType, float32, float64, int64 } from "../backend/dtype.ts";
import { type Args, read, wholeNumber } from "../tensor/arguments.ts";
import {
  backendOf,
  convert,
  emptyOn,
  fillWith,
  type TensorOptions,
  withOptions,
} from "../tensor/create.ts";
import { checkShape } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { writeScalar } from "./copy.ts";

const OPTIONS = { dtype: null as DType | null, device: null as string | null, requiresGrad: false };

/** A number, or a bigint for an integer. */
export type Scalar = number | bigint;

/** `value` as a number. Throws `TypeError` unless it is a number or a bigint, `RangeError` for a bigint beyond 2^53. */
function scalar(call: string, name: string, value: unknown): number {
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw new TypeError(`${call}: ${name} must be a number, got ${describeValue(value)}`);
  }
  if (typeof value === "bigint" && !Number.isSafeInteger(Number(value))) {
    throw new RangeError(
      `${call}: ${name} ${value} is beyond 2^53; add it to a range that starts near 0`,
    );
  }
  return Number(value);
}

/** Options of `arange`. */
export interface ArangeOptions extends TensorOptions {
  /** The first element. */
  start?: Scalar;
  /** The end, which is not an element. */
  end?: Scalar;
  /** What each element exceeds the one before by. */
  step?: Scalar;
}

/**
 * The numbers from `start` (0 by default) below `end`, `step` (1) apart: `arange(5)`, `arange(1, 7)`, `arange(0, 1, 0.25)`.
 * Whole numbers give int64, others float32, unless a dtype is given.
 *
 * @throws RangeError when `step` is 0 or leads away from `end`.
 * @see https://pytorch.org/docs/stable/generated/torch.arange.html
 */
export function arange(...args: (Scalar | ArangeOptions | undefined)[]): Tensor {
  let positional = 0;
  while (positional < args.length && typeof args[positional] !== "object") positional++;
  const values = positional === 1 ? [undefined, ...args] : args;
  const o = read("arange", {
    start: 0 as Scalar,
    end: null as Scalar | null,
    step: 1 as Scalar,
    ...OPTIONS,
  }, values);
  const given = [o.start, o.end, o.step];
  let [start, end, step] = ["start", "end", "step"].map((n, i) => scalar("arange", n, given[i]));
  const whole = [start, end, step].every(Number.isInteger);
  const dtype = o.dtype ?? (whole ? int64 : float32);
  if (dtype === bool) throw new TypeError(`arange: not defined for ${dtype}`);
  const raw = [start, end, step];
  if (dtype.kind === "int") [start, end, step] = raw.map(Math.trunc);
  if (!Number.isFinite(start) || !Number.isFinite(end)) {
    throw new RangeError(`arange: the range from ${start} to ${end} is not finite`);
  }
  if (step === 0) throw new RangeError("arange: step must not be 0");
  if (!((end - start) / step >= 0)) {
    throw new RangeError(`arange: step ${step} leads away from end ${end}, starting at ${start}`);
  }
  // PyTorch counts the elements of int64 from truncated numbers, those of other integers from the numbers as given.
  const [from, to, by] = dtype === int64 ? [start, end, step] : raw;
  const n = Math.max(Math.ceil((to - from) / by), 0), backend = backendOf("arange", o.device);
  checkShape("arange", [n]);
  const compute = dtype === float64 || dtype === float32
    ? dtype
    : dtype.kind === "int"
    ? int64
    : float32;
  const y = emptyOn(backend, [n], compute);
  if (n > 0) {
    backend.kernels[`arange${compute.suffix as "" | "_f64" | "_i64"}`](
      y.pointer,
      start,
      step,
      0,
      n,
    );
  }
  return withOptions(compute === dtype ? y : convert(y, dtype), o);
}

/** Options of `linspace`. */
export interface LinspaceOptions extends TensorOptions {
  /** The first element. */
  start?: number;
  /** The last element. */
  end?: number;
  /** How many. */
  steps?: number;
}

/** Options of `logspace`. */
export interface LogspaceOptions extends LinspaceOptions {
  /** What is raised to the powers. */
  base?: number;
}

/** A vector of `n` elements that `fill` computes in float64, in the dtype of the options. */
function spaced(
  call: string,
  o: { start: number; end: number; steps: number } & TensorOptions,
  fill: (y: Tensor, start: number, end: number) => void,
): Tensor {
  const dtype = o.dtype ?? float32;
  const round = dtype.kind === "float" ? (x: number) => x : Math.trunc;
  const start = round(scalar(call, "start", o.start)), end = round(scalar(call, "end", o.end));
  if (wholeNumber(call, "steps", o.steps) < 0) {
    throw new RangeError(`${call}: steps must be at least 0, got ${o.steps}`);
  }
  const y = emptyOn(backendOf(call, o.device), [o.steps], float64);
  if (o.steps > 0) fill(y, start, end);
  return withOptions(dtype === float64 ? y : convert(y, dtype), o);
}

/**
 * `steps` numbers, evenly spaced, from `start` to `end` (both of them elements).
 *
 * @throws RangeError when `steps` is negative.
 */
export function linspace(
  ...args: Args<
    [
      start: number,
      end: number,
      steps: number,
      dtype: DType | null,
      device: string | null,
      requiresGrad: boolean,
    ],
    LinspaceOptions
  >
): Tensor {
  const o = read("linspace", { start: NaN, end: NaN, steps: NaN, ...OPTIONS }, args);
  return spaced("linspace", o, (y, start, end) => {
    y.backend.kernels.linspace_f64(y.pointer, o.steps, start, end, 0, o.steps);
  });
}

/**
 * `base` (10 by default) to the power of `steps` numbers, evenly spaced, from `start` to `end`.
 *
 * @throws RangeError when `steps` is negative.
 */
export function logspace(
  ...args: Args<
    [
      start: number,
      end: number,
      steps: number,
      base: number,
      dtype: DType | null,
      device: string | null,
      requiresGrad: boolean,
    ],
    LogspaceOptions
  >
): Tensor {
  const o = read("logspace", { start: NaN, end: NaN, steps: NaN, base: 10, ...OPTIONS }, args);
  const base = scalar("logspace", "base", o.base);
  return spaced("logspace", o, (y, start, end) => {
    y.backend.kernels.logspace_f64(y.pointer, o.steps, start, end, base, 0, o.steps);
  });
}

/** Options of `eye`. */
export interface EyeOptions extends TensorOptions {
  /** Rows. */
  n?: number;
  /** Columns; as many as rows by default. */
  m?: number | null;
}

/** Ones on the diagonal of a matrix of zeros: [n, m], square by default. */
export function eye(
  ...args: Args<
    [
      n: number,
      m: number | null,
      dtype: DType | null,
      device: string | null,
      requiresGrad: boolean,
    ],
    EyeOptions
  >
): Tensor {
  const o = read("eye", { n: NaN, m: null as number | null, ...OPTIONS }, args);
  const rows = wholeNumber("eye", "n", o.n), columns = wholeNumber("eye", "m", o.m ?? o.n);
  checkShape("eye", [rows, columns]);
  const y = fillWith(
    emptyOn(backendOf("eye", o.device), [rows, columns], o.dtype ?? float32),
    0,
  );
  if (y.numElements > 0) {
    const diagonal = new Tensor(y.storage, [Math.min(rows, columns)], y.dtype, [columns + 1]);
    writeScalar(diagonal, 1);
  }
  return withOptions(y, o);
}

/** Options of `trilIndices` and `triuIndices`. */
export interface TriangleIndicesOptions extends TensorOptions {
  /** Rows. */
  row?: number;
  /** Columns. */
  col?: number;
  /** The diagonal that bounds the triangle: 0 the main one, positive ones above it. */
  offset?: number;
}

/** The arguments of `trilIndices` and `triuIndices`. */
export type TriangleIndicesArgs = Args<
  [row: number, col: number, offset: number, dtype: DType | null, device: string | null],
  TriangleIndicesOptions
>;

/** How many elements of a matrix lie on and below a diagonal. */
function lowerCount(rows: number, columns: number, offset: number): number {
  // Rows that begin a triangle have 1, 2, ... elements more than the first; those after it are full.
  const first = Math.max(0, Math.min(rows, -offset)),
    full = Math.max(first, Math.min(rows, columns - offset));
  const growing = full - first, least = first + offset + 1;
  return growing * least + growing * (growing - 1) / 2 + (rows - full) * columns;
}

function triangle(call: string, upper: boolean, args: TriangleIndicesArgs): Tensor {
  const o = read(call, { row: NaN, col: NaN, offset: 0, ...OPTIONS }, args);
  const [rows, columns, offset] = [
    wholeNumber(call, "row", o.row),
    wholeNumber(call, "col", o.col),
    wholeNumber(call, "offset", o.offset),
  ];
  checkShape(call, [rows, columns]);
  const count = upper
    ? rows * columns - lowerCount(rows, columns, offset - 1)
    : lowerCount(rows, columns, offset);
  const y = emptyOn(backendOf(call, o.device), [2, count], int64);
  if (count > 0) {
    y.backend.kernels.triangle_indices(y.pointer, rows, columns, offset, upper ? 1 : 0, count);
  }
  const dtype = o.dtype ?? int64;
  return withOptions(dtype === int64 ? y : convert(y, dtype), o);
}

/** Row and column numbers of the lower triangle of a matrix `row` x `col`, in row-major order: int64 [2, count]. */
export function trilIndices(...args: TriangleIndicesArgs): Tensor {
  return triangle("trilIndices", false, args);
}

/** Row and column numbers of the upper triangle of a matrix `row` x `col`, in row-major order: int64 [2, count]. */
export function triuIndices(...args: TriangleIndicesArgs): Tensor {
  return triangle("triuIndices", true, args);
}
