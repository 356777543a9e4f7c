/**
 * Reductions of elements by their index along an axis.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { mode, record, recording } from "../autograd/record.ts";
import { bool, type DType, int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { axis, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { div, mul } from "./arithmetic.ts";
import { gatherChecked, scatterChecked, sourceFor, target } from "./checked_index.ts";
import { eq } from "./compare.ts";
import { cast, clone, copy_ } from "./copy.ts";
import { kernelTable } from "./elementwise.ts";
import { beginInPlace } from "./in_place.ts";
import {
  checkSource,
  copyOf,
  indexTensor,
  repeated,
  scalarTensor,
  scatterInto,
} from "./indexed.ts";
import { logicalAnd } from "./logic.ts";
import { maskedFill, where } from "./pointwise.ts";
import { reshape } from "./view.ts";

const TABLES = {
  sum: kernelTable("scatter_add"),
  mean: kernelTable("scatter_add"),
  prod: kernelTable("scatter_prod"),
  amax: kernelTable("scatter_amax"),
  amin: kernelTable("scatter_amin"),
};

/** How `scatterReduce` combines the elements of one place. */
export type ScatterReduction = "sum" | "prod" | "mean" | "amax" | "amin";

/** Options of `scatterReduce`. */
export interface ScatterReduceOptions {
  /** The axis. */
  dim?: number;
  /** Indexes along that axis. */
  index?: Tensor;
  /** What to reduce. */
  src?: Tensor;
  /** How. */
  reduce?: ScatterReduction;
  /** Whether what is there takes part. */
  includeSelf?: boolean;
}

/** The arguments of `scatterReduce` after the tensor. */
export type ScatterReduceArgs = Args<
  [dim: number, index: Tensor, src: Tensor, reduce: ScatterReduction, includeSelf: boolean],
  ScatterReduceOptions
>;

/** What a reduction of nothing starts from. */
function identity(reduce: ScatterReduction, dtype: DType): number | bigint {
  if (reduce === "sum" || reduce === "mean") return 0;
  if (reduce === "prod") return 1;
  const greatest = reduce === "amin";
  if (dtype.kind === "float") return greatest ? Infinity : -Infinity;
  if (dtype === bool) return greatest ? 1 : 0;
  const bits = 8 * dtype.size, signed = dtype.name.startsWith("int");
  if (!signed) return greatest ? 2 ** bits - 1 : 0;
  return greatest ? 2n ** BigInt(bits - 1) - 1n : -(2n ** BigInt(bits - 1));
}

/** How many elements each place of `x` was reduced from, at least 1: of the dtype of `x`; no history. */
function countsFor(x: Tensor, d: number, at: Tensor, includeSelf: boolean): Tensor {
  const one = scalarTensor(x.backend, 1, int64);
  const counts = copyOf(repeated(includeSelf ? one : scalarTensor(x.backend, 0, int64), x.shape));
  scatterInto(counts, d, at, repeated(one, at.shape), TABLES.sum);
  return cast(includeSelf ? counts : maskedFill(counts, eq(counts, 0), 1), x.dtype);
}

/** The reduction of indexes and a source that were checked. */
function reduced(
  x: Tensor,
  d: number,
  at: Tensor,
  source: Tensor,
  reduce: ScatterReduction,
  includeSelf: boolean,
): Tensor {
  let y = copyOf(x);
  if (!includeSelf) {
    const start = scalarTensor(x.backend, identity(reduce, x.dtype), x.dtype);
    scatterInto(y, d, at, repeated(start, at.shape));
  }
  // The sum of booleans is "or".
  scatterInto(y, d, at, source, TABLES[x.dtype === bool && reduce === "sum" ? "amax" : reduce]);
  if (reduce === "mean") {
    const roundingMode = x.dtype.kind === "int" ? "floor" as const : null;
    y = div(y, countsFor(x, d, at, includeSelf), { roundingMode });
  }
  if (!recording([x, source])) return record("scatter_reduce", y, [], []);
  const grads = gradsOf(y, x, d, at, source, reduce, includeSelf);
  return record("scatter_reduce", y, [x, source], [
    (dy) => {
      const dx = grads.self(dy);
      return includeSelf ? dx : scatterChecked(dx, d, at, 0);
    },
    (dy) => reshape(grads.source(dy), source.shape),
  ], reduce === "sum" || reduce === "mean" ? [at] : [at, x, source, y]);
}

/** The gradients of a reduction with result `y`; that of `x` as if it took part everywhere. */
function gradsOf(
  y: Tensor,
  x: Tensor,
  d: number,
  at: Tensor,
  source: Tensor,
  reduce: ScatterReduction,
  includeSelf: boolean,
): { self: (dy: Tensor) => Tensor; source: (dy: Tensor) => Tensor } {
  switch (reduce) {
    case "sum":
      return { self: (dy) => dy, source: (dy) => gatherChecked(dy, d, at) };
    case "mean": {
      const counts = countsFor(x, d, at, includeSelf);
      return {
        self: (dy) => div(dy, counts),
        source: (dy) => gatherChecked(div(dy, counts), d, at),
      };
    }
    case "prod":
      return productGrads(y, x, d, at, source, includeSelf);
  }
  // An extreme that several elements have is shared among them.
  const values = (t: Tensor) => gatherChecked(t, d, at);
  const own = eq(x, y), theirs = eq(reshape(source, at.shape), values(y));
  const counts = cast(own, x.dtype);
  scatterInto(counts, d, at, cast(theirs, x.dtype), TABLES.sum);
  return {
    self: (dy) => mul(own, div(dy, counts)),
    source: (dy) => mul(theirs, values(div(dy, counts))),
  };
}

/** The gradients of a product: the product of the others, which is not the quotient where there is a zero. */
function productGrads(
  y: Tensor,
  x: Tensor,
  d: number,
  at: Tensor,
  source: Tensor,
  includeSelf: boolean,
): { self: (dy: Tensor) => Tensor; source: (dy: Tensor) => Tensor } {
  const product = (a: Tensor, b: Tensor) => reduced(a, d, at, b, "prod", includeSelf);
  const values = (t: Tensor) => gatherChecked(t, d, at);
  const factors = reshape(source, at.shape);
  return {
    self: (dy) => {
      const others = maskedFill(x, eq(x, 0), 1);
      return div(mul(dy, product(others, factors)), others);
    },
    source: (dy) => {
      const isZero = eq(factors, 0),
        zeros = copyOf(repeated(scalarTensor(x.backend, 0, int64), x.shape));
      scatterInto(zeros, d, at, cast(isZero, int64), TABLES.sum);
      const single = logicalAnd(isZero, eq(values(zeros), 1));
      return where(
        single,
        values(mul(dy, product(x, maskedFill(factors, single, 1)))),
        div(values(mul(dy, y)), maskedFill(factors, isZero, 1)),
      );
    },
  };
}

function reduceCall(call: string, x: Tensor, args: ScatterReduceArgs): Tensor {
  const { dim, index, src, reduce, includeSelf } = read(call, {
    dim: NaN,
    index: null as unknown,
    src: null as unknown,
    reduce: null as unknown,
    includeSelf: true,
  }, args);
  if (typeof reduce !== "string" || !(reduce in TABLES)) {
    throw new RangeError(
      `${call}: reduce must be "sum", "prod", "mean", "amax" or "amin", got ${
        describeValue(reduce)
      }`,
    );
  }
  if (reduce === "mean" && x.dtype === bool) {
    throw new TypeError(`${call}: the mean is not defined for ${bool}`);
  }
  const { d, at } = target(call, x, dim, index);
  const source = sourceFor(call, x, src, at);
  return reduced(x, d, at, source, reduce as ScatterReduction, includeSelf);
}

/**
 * `x` with elements reduced by their index along one axis: y[index[i, j], j] = reduce(x[index[i, j], j], src[i, j], ...) for
 * axis 0; without `includeSelf` what was there does not take part. `src` is at least of the shape of `index`.
 *
 * @throws RangeError when an index is out of range, or `index` exceeds `x` or `src`.
 * @see https://pytorch.org/docs/stable/generated/torch.scatter_reduce.html
 */
export function scatterReduce(x: Tensor, ...args: ScatterReduceArgs): Tensor {
  return reduceCall("scatterReduce", x, args);
}

/** As `scatterReduce`, in place. */
export function scatterReduce_(x: Tensor, ...args: ScatterReduceArgs): Tensor {
  return replaced("scatterReduce_", x, (old) => reduceCall("scatterReduce_", old, args));
}

/** Puts f(x) into the memory of `x`. */
function replaced(call: string, x: Tensor, f: (x: Tensor) => Tensor): Tensor {
  // The gradients may read x as it was.
  const y = f(mode.grad ? clone(x) : x);
  beginInPlace(call, x, [x, y]);
  return copy_(x, y);
}

/** Options of `indexReduce`. */
export interface IndexReduceOptions {
  /** The axis. */
  dim?: number;
  /** Indexes along that axis: a vector. */
  index?: Tensor;
  /** Slices to reduce. */
  source?: Tensor;
  /** How. */
  reduce?: Exclude<ScatterReduction, "sum">;
  /** Whether what is there takes part. */
  includeSelf?: boolean;
}

/** The arguments of `indexReduce` after the tensor. */
export type IndexReduceArgs = Args<
  [
    dim: number,
    index: Tensor,
    source: Tensor,
    reduce: Exclude<ScatterReduction, "sum">,
    includeSelf: boolean,
  ],
  IndexReduceOptions
>;

function indexReduceCall(call: string, x: Tensor, args: IndexReduceArgs): Tensor {
  const { dim, index, source, reduce, includeSelf } = read(call, {
    dim: NaN,
    index: null as unknown,
    source: null as unknown,
    reduce: null as unknown,
    includeSelf: true,
  }, args);
  const d = axis(call, dim, x.ndim), line = indexTensor(call, x, index);
  checkSource(call, x, source);
  if (line.ndim > 1 || source.ndim !== x.ndim || (source.shape[d] ?? 1) !== line.numElements) {
    throw new RangeError(
      `${call}: index of shape ${show(line.shape)} and source of shape ${
        show(source.shape)
      } do not fit axis ${d} of ${show(x.shape)}`,
    );
  }
  const at = new Tensor(
    line.storage,
    source.shape,
    int64,
    source.shape.map((_, i) => i === d ? 1 : 0),
    line.offset,
  );
  return reduceCall(call, x, [d, at, source, reduce as ScatterReduction, includeSelf]);
}

/**
 * `x` with slices reduced by their index along an axis: y[index[i]] = reduce(x[index[i]], source[i], ...) for axis 0; without
 * `includeSelf` what was there does not take part.
 *
 * @throws RangeError when an index is out of range, or the shapes do not fit.
 */
export function indexReduce(x: Tensor, ...args: IndexReduceArgs): Tensor {
  checkTensor("indexReduce", "input", x);
  return indexReduceCall("indexReduce", x, args);
}

/** As `indexReduce`, in place. */
export function indexReduce_(x: Tensor, ...args: IndexReduceArgs): Tensor {
  checkTensor("indexReduce_", "input", x);
  return replaced("indexReduce_", x, (old) => indexReduceCall("indexReduce_", old, args));
}
