/**
 * Products in which one operand is narrow, float16, bfloat16 or int8: its elements are widened within the kernel, never as
 * a whole, and sums are float32.
 *
 * @module
 */
import { type DType, float32 } from "../backend/dtype.ts";
import { emptyOn } from "../tensor/create.ts";
import { Tensor } from "../tensor/tensor.ts";
import { dense } from "./copy.ts";

/** Rows of a 16-bit operand and of its product that are float32 at a time. */
const BLOCK_ROWS = 504;
/** Up to so many rows, and for int8 always so many at a time, the kernel takes an operand in an order of its own. */
const FEW_ROWS = 8;
/** The bytes of scratch that the kernel needs beside those rows. */
const SCRATCH = 278_720;

/** A matrix with any strides. */
export interface Strided {
  /** Its elements, and the first one's place. */
  x: Tensor;
  /** From one row to the next. */
  row: number;
  /** From one column to the next. */
  column: number;
}

/** Whether products of `dtype` are computed by the kernel of mixed products. */
export function isHalf(dtype: DType): boolean {
  return dtype.kind === "float" && dtype.size === 2;
}

/**
 * c = a x b (* scale) (+ bias), all but `b` float32 and contiguous: [m, k] x [k, n] (* [n]) (+ [n]) -> [m, n]. The rows or
 * columns of `b` must lie in one piece, those of int8 its columns.
 */
export function mixedProduct(
  c: Tensor,
  a: Tensor,
  b: Strided,
  scale: Tensor | null,
  bias: Tensor | null,
  m: number,
  n: number,
  k: number,
): void {
  const { backend } = c, suffix = b.x.dtype.suffix as "_f16" | "_bf16" | "_i8";
  const scratch = backend.scratch(SCRATCH + 4 * (k + 32) * Math.min(m, FEW_ROWS));
  backend.kernels[`matmul_mixed${suffix}`](
    c.pointer,
    a.pointer,
    b.x.pointer,
    scale === null ? 0 : scale.pointer,
    bias === null ? 0 : bias.pointer,
    m,
    n,
    k,
    b.row,
    b.column,
    scratch,
    0,
    n,
  );
}

/**
 * a x b (+ bias) of two 16-bit operands: [m, k] x [k, n] (+ [n], float32) -> a contiguous tensor of m * n elements of
 * their dtype and of shape `shape`, rounded once.
 */
export function halfProduct(
  a: Strided,
  b: Strided,
  bias: Tensor | null,
  m: number,
  n: number,
  k: number,
  shape: readonly number[],
): Tensor {
  const { dtype, backend } = a.x;
  if (n <= FEW_ROWS && m > FEW_ROWS && bias === null) {
    // The wide operand is the second one: c^T = b^T a^T.
    const t = halfProduct(transposed(b), transposed(a), null, n, m, k, [n, m]);
    return new Tensor(dense(new Tensor(t.storage, [m, n], dtype, [1, m])).storage, shape, dtype);
  }
  const y = emptyOn(backend, shape, dtype);
  if (m === 0 || n === 0) return y;
  const { x } = inOneWay(a, m, k, true), q = inOneWay(b, k, n, false), { kernels } = backend;
  const most = Math.min(m, BLOCK_ROWS);
  const wide = emptyOn(backend, [most, k], float32), c = emptyOn(backend, [most, n], float32);
  for (let i = 0; i < m; i += most) {
    const rows = Math.min(most, m - i), size = dtype.size;
    kernels.cast(wide.pointer, x.pointer + i * k * size, dtype.id, float32.id, 0, rows * k);
    mixedProduct(c, wide, q, null, bias, rows, n, k);
    kernels.cast(y.pointer + i * n * size, c.pointer, float32.id, dtype.id, 0, rows * n);
  }
  wide.storage.free();
  c.storage.free();
  return y;
}

function transposed({ x, row, column }: Strided): Strided {
  return { x, row: column, column: row };
}

/** `a` [rows, columns], copied unless its rows, or (but for `rowMajor`) its columns, lie in one piece. */
function inOneWay(a: Strided, rows: number, columns: number, rowMajor: boolean): Strided {
  const { x } = a, row = rows === 1 ? columns : a.row, column = columns === 1 ? 1 : a.column;
  if (rowMajor ? row === columns && column === 1 : column === 1) return { x, row, column };
  // A row alone, or columns that lie in one piece.
  if (!rowMajor && (rows === 1 || row === 1)) return { x, row: 1, column: a.column };
  const view = new Tensor(x.storage, [rows, columns], x.dtype, [row, column], x.offset);
  return { x: dense(view), row: columns, column: 1 };
}
