/**
 * Binary arithmetic with broadcasting: y = op(a, b).
 *
 * y is contiguous, [rows, columns]; a and b have a row and a column stride in elements, 0 where they are broadcast.
 * Kernels do the elements [begin, end) of y in row-major order.
 */

// The operations. The loops below are inlined into each export, where the operation is a constant.
const ADD = 0, SUB = 1, MUL = 2, DIV = 3, MAXIMUM = 4, MINIMUM = 5;

/** Whether `op` has a vector form. */
// @ts-ignore: decorator
@inline
function hasVector(op: i32): bool {
  return op <= MINIMUM;
}

// @ts-ignore: decorator
@inline
function vector(op: i32, a: v128, b: v128): v128 {
  if (op == ADD) return f32x4.add(a, b);
  if (op == SUB) return f32x4.sub(a, b);
  if (op == MUL) return f32x4.mul(a, b);
  if (op == DIV) return f32x4.div(a, b);
  if (op == MAXIMUM) return f32x4.max(a, b);
  return f32x4.min(a, b);
}

// @ts-ignore: decorator
@inline
function scalar<T>(op: i32, a: T, b: T): T {
  if (op == ADD) return <T> (a + b);
  if (op == SUB) return <T> (a - b);
  if (op == MUL) return <T> (a * b);
  if (op == DIV) {
    // Kernels never trap: the op refuses integer division by zero.
    if (isInteger<T>()) return b == <T> 0 ? <T> 0 : <T> (a / b);
    return <T> (a / b);
  }
  if (isFloat<T>()) return op == MAXIMUM ? max<T>(a, b) : min<T>(a, b);
  if (op == MAXIMUM) return a > b ? a : b;
  return a < b ? a : b;
}

// @ts-ignore: decorator
@inline
function loop<T>(
  op: i32,
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  let i = begin;
  while (i < end) {
    const row = i / columns, column = i - row * columns;
    const count = min(columns - column, end - i);
    let p = a + <usize> (row * aRow + column * aColumn) * sizeof<T>();
    let q = b + <usize> (row * bRow + column * bColumn) * sizeof<T>();
    let r = y + <usize> i * sizeof<T>();
    i += count;
    let left = count;
    if (isFloat<T>() && sizeof<T>() == 4 && hasVector(op)) {
      if (aColumn == 1 && bColumn == 1) {
        for (; left >= 16; left -= 16, p += 64, q += 64, r += 64) {
          const a0 = v128.load(p),
            a1 = v128.load(p, 16),
            a2 = v128.load(p, 32),
            a3 = v128.load(p, 48);
          const b0 = v128.load(q),
            b1 = v128.load(q, 16),
            b2 = v128.load(q, 32),
            b3 = v128.load(q, 48);
          v128.store(r, vector(op, a0, b0));
          v128.store(r, vector(op, a1, b1), 16);
          v128.store(r, vector(op, a2, b2), 32);
          v128.store(r, vector(op, a3, b3), 48);
        }
        for (; left >= 4; left -= 4, p += 16, q += 16, r += 16) {
          v128.store(r, vector(op, v128.load(p), v128.load(q)));
        }
      } else if (aColumn == 1 && bColumn == 0) {
        const b0 = v128.load32_splat(q);
        for (; left >= 4; left -= 4, p += 16, r += 16) v128.store(r, vector(op, v128.load(p), b0));
      } else if (aColumn == 0 && bColumn == 1) {
        const a0 = v128.load32_splat(p);
        for (; left >= 4; left -= 4, q += 16, r += 16) v128.store(r, vector(op, a0, v128.load(q)));
      }
    }
    const aStep = <usize> aColumn * sizeof<T>(), bStep = <usize> bColumn * sizeof<T>();
    for (; left > 0; left--, p += aStep, q += bStep, r += sizeof<T>()) {
      store<T>(r, scalar<T>(op, load<T>(p), load<T>(q)));
    }
  }
}

export function add(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f32>(ADD, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function add_f64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64>(ADD, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function add_i64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<i64>(ADD, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function add_i32(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<i32>(ADD, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function add_u8(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<u8>(ADD, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function sub(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f32>(SUB, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function sub_f64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64>(SUB, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function sub_i64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<i64>(SUB, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function sub_i32(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<i32>(SUB, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function sub_u8(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<u8>(SUB, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function mul(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f32>(MUL, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function mul_f64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64>(MUL, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function mul_i64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<i64>(MUL, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function mul_i32(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<i32>(MUL, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function mul_u8(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<u8>(MUL, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function div(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f32>(DIV, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function div_f64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64>(DIV, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function maximum(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f32>(MAXIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function maximum_f64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64>(MAXIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function maximum_i64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<i64>(MAXIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function maximum_i32(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<i32>(MAXIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function maximum_u8(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<u8>(MAXIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function minimum(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f32>(MINIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function minimum_f64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64>(MINIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function minimum_i64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<i64>(MINIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function minimum_i32(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<i32>(MINIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function minimum_u8(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<u8>(MINIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}
