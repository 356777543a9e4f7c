/** Starting values of weights that are more than a fill: sparse columns, orthogonal matrices. */
import { next_word } from "./random_mt19937";

/** Zeros at `zeros` places of every column of y[rows, columns], the first of a permutation of the rows; order[rows] (i32). */
// @ts-ignore: decorator
@inline
function clear_rows<T>(y: usize, order: usize, state: usize, rows: i32, columns: i32, zeros: i32): void {
  for (let column = 0; column < columns; column++) {
    for (let i = 0; i < rows; i++) store<i32>(order + (<usize> i << 2), i);
    // The permutation of randperm_i64, which draws a word for every row but the last.
    for (let i = 0; i < rows - 1; i++) {
      const here = order + (<usize> i << 2);
      const there = here + (<usize> (next_word(state) % <u32> (rows - i)) << 2);
      const row = load<i32>(here);
      store<i32>(here, load<i32>(there));
      store<i32>(there, row);
    }
    for (let i = 0; i < zeros; i++) {
      const row = load<i32>(order + (<usize> i << 2));
      store<T>(y + (<usize> (row * columns + column) << alignof<T>()), 0);
    }
  }
}

/** y[rows, columns] (float32): zeros at `zeros` random places of every column; `order` is room for `rows` i32. */
export function clear_random_rows(
  y: usize,
  order: usize,
  state: usize,
  rows: i32,
  columns: i32,
  zeros: i32,
): void {
  clear_rows<f32>(y, order, state, rows, columns, zeros);
}

/** y[rows, columns] (float64): zeros at `zeros` random places of every column. */
export function clear_random_rows_f64(
  y: usize,
  order: usize,
  state: usize,
  rows: i32,
  columns: i32,
  zeros: i32,
): void {
  clear_rows<f64>(y, order, state, rows, columns, zeros);
}

/** The scalar product of the rows of `columns` doubles at a and b. */
function product(a: usize, b: usize, columns: i32): f64 {
  let sum = 0.0;
  for (let j: usize = 0; j < <usize> columns << 3; j += 8) sum += load<f64>(a + j) * load<f64>(b + j);
  return sum;
}

/**
 * y[rows, columns] (float64, rows <= columns), in place: the rows made orthogonal, each of length 1. That is Q^T of the
 * factorisation y^T = Q R in which the diagonal of R is positive. Gram & Schmidt, each row twice, which is as
 * accurate as Householder's reflections (Giraud, Langou & Rozloznik 2005). A row that depends on those before it
 * becomes zero.
 */
export function orthonormalize_f64(y: usize, rows: i32, columns: i32): void {
  const width = <usize> columns << 3;
  for (let i = 0; i < rows; i++) {
    const row = y + <usize> i * width;
    const before = sqrt(product(row, row, columns));
    for (let pass = 0; pass < 2; pass++) {
      for (let other = y; other < row; other += width) {
        const part = product(row, other, columns);
        for (let j: usize = 0; j < width; j += 8) store<f64>(row + j, load<f64>(row + j) - part * load<f64>(other + j));
      }
    }
    const length = sqrt(product(row, row, columns));
    const scale = length > before * 1e-14 ? 1 / length : 0.0;
    for (let j: usize = 0; j < width; j += 8) store<f64>(row + j, load<f64>(row + j) * scale);
  }
}
