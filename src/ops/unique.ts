/**
 * Distinct elements and rows.
 *
 * @module
 */
import { bool, computeType, int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { emptyOn } from "../tensor/create.ts";
import { axis, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { dense, denseAs } from "./copy.ts";
import { kernelTable } from "./elementwise.ts";
import { flat, gatherFrom, scatterInto, selectFrom, truePositions } from "./indexed.ts";
import { sort } from "./sort.ts";

const RUN_STARTS = kernelTable("run_starts"), ROW_ORDER = kernelTable("row_order");

/** Options of `uniqueConsecutive`. */
export interface UniqueConsecutiveOptions {
  /** Whether to give, for each element, the index of its value in the result. */
  returnInverse?: boolean;
  /** Whether to give how often each value is there. */
  returnCounts?: boolean;
  /** The axis whose slices are compared; by default elements are. */
  dim?: number | null;
}

/** Options of `unique`. */
export interface UniqueOptions extends UniqueConsecutiveOptions {
  /** Taken for PyTorch's sake: the result is always sorted. */
  sorted?: boolean;
}

/** Options that ask for the distinct values alone. */
export type ValuesAlone<O> = O & { returnInverse?: false; returnCounts?: false };

interface Runs {
  /** Where in `order` the runs begin. */
  positions: Tensor;
  /** The number of the run of each row. */
  inverse: Tensor | null;
  /** The length of each run. */
  counts: Tensor | null;
}

/** Runs of equal rows of `x`: [rows, columns]; `order` has the numbers that the rows had before they were sorted. */
function runs(
  x: Tensor,
  order: Tensor | null,
  rows: number,
  columns: number,
  returnInverse: boolean,
  returnCounts: boolean,
): Runs {
  const { backend } = x, { kernels } = backend;
  const starts = emptyOn(backend, [rows], bool);
  (kernels[RUN_STARTS[x.dtype.id]!] as typeof kernels.run_starts)(
    starts.pointer,
    x.pointer,
    columns,
    0,
    rows,
  );
  const positions = truePositions(starts), count = positions.numElements;
  let inverse: Tensor | null = null, counts: Tensor | null = null;
  if (returnInverse) {
    inverse = emptyOn(backend, [rows], int64);
    kernels.run_numbers(inverse.pointer, starts.pointer, rows);
    if (order !== null) {
      const numbers = inverse;
      inverse = emptyOn(backend, [rows], int64);
      scatterInto(inverse, 0, order, numbers);
    }
  }
  if (returnCounts) {
    counts = emptyOn(backend, [count], int64);
    kernels.run_lengths(counts.pointer, positions.pointer, count, rows);
  }
  return { positions, inverse, counts };
}

function distinct(
  call: string,
  x: Tensor,
  sorts: boolean,
  returnInverse: boolean,
  returnCounts: boolean,
  dim: number | null,
): Tensor | Tensor[] {
  checkTensor(call, "input", x);
  const found = dim === null
    ? distinctElements(x, sorts, returnInverse, returnCounts)
    : distinctSlices(call, x, sorts, returnInverse, returnCounts, dim);
  const rest = [found.inverse, found.counts].filter((t) => t !== null);
  return rest.length === 0 ? found.values : [found.values, ...rest];
}

type Distinct = Omit<Runs, "positions"> & { values: Tensor };

function distinctElements(
  x: Tensor,
  sorts: boolean,
  returnInverse: boolean,
  returnCounts: boolean,
): Distinct {
  let line = flat(x), order: Tensor | null = null;
  if (sorts) ({ values: line, indices: order } = sort(line, { stable: true }));
  const compare = denseAs(line, computeType(x.dtype));
  const { positions, inverse, counts } = runs(
    compare,
    order,
    x.numElements,
    1,
    returnInverse,
    returnCounts,
  );
  return {
    values: selectFrom(line, 0, positions),
    inverse: inverse && new Tensor(inverse.storage, x.shape, int64),
    counts,
  };
}

function distinctSlices(
  call: string,
  x: Tensor,
  sorts: boolean,
  returnInverse: boolean,
  returnCounts: boolean,
  dim: number,
): Distinct {
  if (x.ndim === 0) throw new RangeError(`${call}: a 0-d tensor has no axis ${dim}`);
  const d = axis(call, dim, x.ndim), { backend } = x, { kernels } = backend;
  if (x.shape.some((n, i) => n === 0 && i !== d)) {
    throw new RangeError(
      `${call}: slices along axis ${d} of shape ${show(x.shape)} are empty: expected elements`,
    );
  }
  // Axis d changes places with the first, as in PyTorch: that decides in which order elements of slices are compared.
  const axes = x.shape.map((_, i) => i === 0 ? d : i === d ? 0 : i);
  const moved = new Tensor(
    x.storage,
    axes.map((i) => x.shape[i]),
    x.dtype,
    axes.map((i) => x.strides[i]),
    x.offset,
  );
  const rows = x.shape[d], columns = rows === 0 ? 0 : x.numElements / rows;
  const table = denseAs(dense(moved), computeType(x.dtype));
  let order: Tensor | null = null, compare = table;
  if (sorts && rows > 0) {
    order = emptyOn(backend, [rows], int64);
    (kernels[ROW_ORDER[table.dtype.id]!] as typeof kernels.row_order)(
      order.pointer,
      table.pointer,
      rows,
      columns,
      backend.scratch(8 * rows, 8 * rows),
    );
    compare = selectFrom(table, 0, order);
  }
  const { positions, inverse, counts } = runs(
    compare,
    order,
    rows,
    columns,
    returnInverse,
    returnCounts,
  );
  const first = order === null ? positions : gatherFrom(order, 0, positions);
  return { values: selectFrom(x, d, first), inverse, counts };
}

/**
 * The distinct elements of `x` (or its distinct slices along axis `dim`), sorted; with `returnInverse` and `returnCounts`
 * an array of them, the index in them of each element, and how often each is there.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.unique.html
 */
export function unique(
  x: Tensor,
  sorted?: boolean | ValuesAlone<UniqueOptions>,
  returnInverse?: false | ValuesAlone<UniqueConsecutiveOptions>,
  returnCounts?: false | { dim?: number | null },
  dim?: number | null,
): Tensor;
/** The distinct values, with their inverse, their counts or both. */
export function unique(
  x: Tensor,
  ...args: Args<
    [sorted: boolean, returnInverse: boolean, returnCounts: boolean, dim: number | null],
    UniqueOptions
  >
): Tensor[];
export function unique(x: Tensor, ...args: unknown[]): Tensor | Tensor[] {
  const { returnInverse, returnCounts, dim } = read("unique", {
    sorted: true,
    returnInverse: false,
    returnCounts: false,
    dim: null as number | null,
  }, args);
  return distinct("unique", x, true, returnInverse, returnCounts, dim);
}

/** As `unique`, but only neighbours that are equal count as one; the order stays. */
export function uniqueConsecutive(
  x: Tensor,
  returnInverse?: false | ValuesAlone<UniqueConsecutiveOptions>,
  returnCounts?: false | { dim?: number | null },
  dim?: number | null,
): Tensor;
/** The values of the runs, with their inverse, their counts or both. */
export function uniqueConsecutive(
  x: Tensor,
  ...args: Args<
    [returnInverse: boolean, returnCounts: boolean, dim: number | null],
    UniqueConsecutiveOptions
  >
): Tensor[];
export function uniqueConsecutive(x: Tensor, ...args: unknown[]): Tensor | Tensor[] {
  const { returnInverse, returnCounts, dim } = read("uniqueConsecutive", {
    returnInverse: false,
    returnCounts: false,
    dim: null as number | null,
  }, args);
  return distinct("uniqueConsecutive", x, false, returnInverse, returnCounts, dim);
}
