/**
 * Comparisons of two operands, broadcast (the parameters are those of binary.ts): y, in bytes of 0 and 1.
 * a > b is b < a, and a >= b is b <= a.
 */

const EQ = 0, NE = 1, LT = 2, LE = 3;

// @ts-ignore: decorator
@inline
function vector(op: i32, a: v128, b: v128): v128 {
  if (op == EQ) return f32x4.eq(a, b);
  if (op == NE) return f32x4.ne(a, b);
  if (op == LT) return f32x4.lt(a, b);
  return f32x4.le(a, b);
}

// @ts-ignore: decorator
@inline
function scalar<T>(op: i32, a: T, b: T): bool {
  if (op == EQ) return a == b;
  if (op == NE) return a != b;
  if (op == LT) return a < b;
  return a <= b;
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
    let left = min(columns - column, end - i);
    let p = a + <usize> (row * aRow + column * aColumn) * sizeof<T>();
    let q = b + <usize> (row * bRow + column * bColumn) * sizeof<T>();
    let r = y + i;
    i += left;
    if (isFloat<T>() && sizeof<T>() == 4 && aColumn <= 1 && bColumn <= 1) {
      // Sixteen at a time: the masks of all ones or zeros shrink to bytes, and lose all bits but one.
      const aBytes = <usize> aColumn << 6, bBytes = <usize> bColumn << 6;
      let a0 = v128.load32_splat(p), a1 = a0, a2 = a0, a3 = a0;
      let b0 = v128.load32_splat(q), b1 = b0, b2 = b0, b3 = b0;
      for (; left >= 16; left -= 16, p += aBytes, q += bBytes, r += 16) {
        if (aColumn == 1) {
          a0 = v128.load(p);
          a1 = v128.load(p, 16);
          a2 = v128.load(p, 32);
          a3 = v128.load(p, 48);
        }
        if (bColumn == 1) {
          b0 = v128.load(q);
          b1 = v128.load(q, 16);
          b2 = v128.load(q, 32);
          b3 = v128.load(q, 48);
        }
        const low = i16x8.narrow_i32x4_s(vector(op, a0, b0), vector(op, a1, b1));
        const high = i16x8.narrow_i32x4_s(vector(op, a2, b2), vector(op, a3, b3));
        v128.store(r, v128.and(i8x16.narrow_i16x8_s(low, high), i8x16.splat(1)));
      }
    }
    const aStep = <usize> aColumn * sizeof<T>(), bStep = <usize> bColumn * sizeof<T>();
    for (; left > 0; left--, p += aStep, q += bStep, r++) {
      store<u8>(r, <u8> scalar<T>(op, load<T>(p), load<T>(q)));
    }
  }
}

export function eq(
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
  loop<f32>(EQ, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function eq_f64(
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
  loop<f64>(EQ, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function eq_i64(
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
  loop<i64>(EQ, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function eq_i32(
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
  loop<i32>(EQ, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function eq_u8(
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
  loop<u8>(EQ, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function ne(
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
  loop<f32>(NE, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function ne_f64(
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
  loop<f64>(NE, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function ne_i64(
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
  loop<i64>(NE, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function ne_i32(
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
  loop<i32>(NE, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function ne_u8(
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
  loop<u8>(NE, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function lt(
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
  loop<f32>(LT, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function lt_f64(
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
  loop<f64>(LT, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function lt_i64(
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
  loop<i64>(LT, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function lt_i32(
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
  loop<i32>(LT, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function lt_u8(
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
  loop<u8>(LT, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function le(
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
  loop<f32>(LE, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function le_f64(
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
  loop<f64>(LE, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function le_i64(
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
  loop<i64>(LE, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function le_i32(
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
  loop<i32>(LE, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function le_u8(
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
  loop<u8>(LE, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}
