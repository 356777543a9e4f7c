/**
 * Three operands with broadcasting: y = op(a, b, c).
 *
 * y is contiguous, [rows, columns]; a, b and c have a row and a column stride in elements, 0 where they are broadcast.
 * Kernels do the elements [begin, end) of y in row-major order.
 */
import { fma } from "./simd";

// The operations. The loop below is inlined into each export, where the operation is a constant.
const WHERE = 0, LERP = 1, ADDCMUL = 2, CLAMP = 3;

/** a + c (b - a), from the nearer end: exact at both. */
// @ts-ignore: decorator
@inline
function mix(a: v128, b: v128, c: v128): v128 {
  const step = f32x4.sub(b, a), near = f32x4.lt(c, f32x4.splat(0.5));
  const rest = f32x4.sub(c, v128.andnot(f32x4.splat(1), near));
  return fma(step, rest, v128.bitselect(a, b, near));
}

/** Four floats of a at p. */
// @ts-ignore: decorator
@inline
function vector(op: i32, p: usize, b: v128, c: v128): v128 {
  if (op == WHERE) {
    const bytes = i16x8.extend_low_i8x16_u(v128.load32_zero(p));
    return v128.bitselect(b, c, i32x4.ne(i32x4.extend_low_i16x8_u(bytes), i32x4.splat(0)));
  }
  const a = v128.load(p);
  if (op == LERP) return mix(a, b, c);
  if (op == CLAMP) {
    // pmax and pmin keep an `a` that is not a number; so does a bound that is not one, through the mask.
    const odd = v128.or(f32x4.ne(b, b), f32x4.ne(c, c));
    return v128.or(f32x4.pmin(f32x4.pmax(a, b), c), odd);
  }
  return fma(b, c, a);
}

// @ts-ignore: decorator
@inline
function scalar<T>(op: i32, a: T, b: T, c: T): T {
  if (isFloat<T>() && op == LERP) {
    const step = <T> (b - a);
    return <T> (c < <T> 0.5 ? a + c * step : b + (c - <T> 1) * step);
  }
  if (op == CLAMP) {
    // NaN stays: no comparison with it is true.
    const raised = a < b || b != b ? b : a;
    return raised > c || c != c ? c : raised;
  }
  return <T> (a + b * c);
}

/** min(max(a, low), high) of n floats, for bounds that are numbers. */
function clampTo(y: usize, a: usize, low: f32, high: f32, n: i32): void {
  const b = f32x4.splat(low), c = f32x4.splat(high);
  let p = a, r = y, left = n;
  for (; left >= 16; left -= 16, p += 64, r += 64) {
    const v0 = v128.load(p), v1 = v128.load(p, 16), v2 = v128.load(p, 32), v3 = v128.load(p, 48);
    v128.store(r, f32x4.pmin(f32x4.pmax(v0, b), c));
    v128.store(r, f32x4.pmin(f32x4.pmax(v1, b), c), 16);
    v128.store(r, f32x4.pmin(f32x4.pmax(v2, b), c), 32);
    v128.store(r, f32x4.pmin(f32x4.pmax(v3, b), c), 48);
  }
  for (; left > 0; left--, p += 4, r += 4) {
    store<f32>(r, f32x4.extract_lane(f32x4.pmin(f32x4.pmax(v128.load32_splat(p), b), c), 0));
  }
}

/** Elements of a are of type U: a condition in bytes, or of the type T of all others. */
// @ts-ignore: decorator
@inline
function loop<T, U>(
  op: i32,
  y: usize,
  a: usize,
  b: usize,
  c: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  cRow: i32,
  cColumn: i32,
  begin: i32,
  end: i32,
): void {
  const aStep = <usize> aColumn * sizeof<U>(),
    bStep = <usize> bColumn * sizeof<T>(),
    cStep = <usize> cColumn * sizeof<T>();
  let i = begin;
  while (i < end) {
    const row = i / columns, column = i - row * columns;
    let left = min(columns - column, end - i);
    let p = a + <usize> (row * aRow + column * aColumn) * sizeof<U>();
    let q = b + <usize> (row * bRow + column * bColumn) * sizeof<T>();
    let s = c + <usize> (row * cRow + column * cColumn) * sizeof<T>();
    let r = y + <usize> i * sizeof<T>();
    i += left;
    if (isFloat<T>() && sizeof<T>() == 4 && op == CLAMP && aColumn == 1 && bColumn + cColumn == 0) {
      const low = load<f32>(q), high = load<f32>(s);
      if (low == low && high == high) {
        clampTo(r, p, low, high, left);
        continue;
      }
    }
    if (sizeof<T>() == 4 && aColumn == 1 && bColumn <= 1 && cColumn <= 1) {
      let v0 = v128.load32_splat(q), v1 = v0, v2 = v0, v3 = v0;
      let w0 = v128.load32_splat(s), w1 = w0, w2 = w0, w3 = w0;
      for (; left >= 16; left -= 16, p += aStep << 4, q += bStep << 4, s += cStep << 4, r += 64) {
        if (bColumn == 1) {
          v0 = v128.load(q);
          v1 = v128.load(q, 16);
          v2 = v128.load(q, 32);
          v3 = v128.load(q, 48);
        }
        if (cColumn == 1) {
          w0 = v128.load(s);
          w1 = v128.load(s, 16);
          w2 = v128.load(s, 32);
          w3 = v128.load(s, 48);
        }
        const y0 = vector(op, p, v0, w0),
          y1 = vector(op, p + (aStep << 2), v1, w1),
          y2 = vector(op, p + (aStep << 3), v2, w2),
          y3 = vector(op, p + aStep * 12, v3, w3);
        v128.store(r, y0);
        v128.store(r, y1, 16);
        v128.store(r, y2, 32);
        v128.store(r, y3, 48);
      }
      for (; left >= 4; left -= 4, p += aStep << 2, q += bStep << 2, s += cStep << 2, r += 16) {
        if (bColumn == 1) v0 = v128.load(q);
        if (cColumn == 1) w0 = v128.load(s);
        v128.store(r, vector(op, p, v0, w0));
      }
    }
    for (; left > 0; left--, p += aStep, q += bStep, s += cStep, r += sizeof<T>()) {
      if (op == WHERE) store<T>(r, load<U>(p) ? load<T>(q) : load<T>(s));
      else store<T>(r, scalar<T>(op, <T> load<U>(p), load<T>(q), load<T>(s)));
    }
  }
}

/** b where a, a condition in bytes, is not 0, else c: elements of 8 bits. */
export function where_b1(
  y: usize,
  a: usize,
  b: usize,
  c: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  cRow: i32,
  cColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<u8, u8>(WHERE, y, a, b, c, columns, aRow, aColumn, bRow, bColumn, cRow, cColumn, begin, end);
}

/** b where a, a condition in bytes, is not 0, else c: elements of 16 bits. */
export function where_b2(
  y: usize,
  a: usize,
  b: usize,
  c: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  cRow: i32,
  cColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<u16, u8>(
    WHERE,
    y,
    a,
    b,
    c,
    columns,
    aRow,
    aColumn,
    bRow,
    bColumn,
    cRow,
    cColumn,
    begin,
    end,
  );
}

/** b where a, a condition in bytes, is not 0, else c: elements of 32 bits. */
export function where_b4(
  y: usize,
  a: usize,
  b: usize,
  c: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  cRow: i32,
  cColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<u32, u8>(
    WHERE,
    y,
    a,
    b,
    c,
    columns,
    aRow,
    aColumn,
    bRow,
    bColumn,
    cRow,
    cColumn,
    begin,
    end,
  );
}

/** b where a, a condition in bytes, is not 0, else c: elements of 64 bits. */
export function where_b8(
  y: usize,
  a: usize,
  b: usize,
  c: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  cRow: i32,
  cColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<u64, u8>(
    WHERE,
    y,
    a,
    b,
    c,
    columns,
    aRow,
    aColumn,
    bRow,
    bColumn,
    cRow,
    cColumn,
    begin,
    end,
  );
}

/** From a to b, by the share c. */
export function lerp(
  y: usize,
  a: usize,
  b: usize,
  c: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  cRow: i32,
  cColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f32, f32>(
    LERP,
    y,
    a,
    b,
    c,
    columns,
    aRow,
    aColumn,
    bRow,
    bColumn,
    cRow,
    cColumn,
    begin,
    end,
  );
}

export function lerp_f64(
  y: usize,
  a: usize,
  b: usize,
  c: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  cRow: i32,
  cColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64, f64>(
    LERP,
    y,
    a,
    b,
    c,
    columns,
    aRow,
    aColumn,
    bRow,
    bColumn,
    cRow,
    cColumn,
    begin,
    end,
  );
}

/** a + b * c. */
export function addcmul(
  y: usize,
  a: usize,
  b: usize,
  c: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  cRow: i32,
  cColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f32, f32>(
    ADDCMUL,
    y,
    a,
    b,
    c,
    columns,
    aRow,
    aColumn,
    bRow,
    bColumn,
    cRow,
    cColumn,
    begin,
    end,
  );
}

export function addcmul_f64(
  y: usize,
  a: usize,
  b: usize,
  c: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  cRow: i32,
  cColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64, f64>(
    ADDCMUL,
    y,
    a,
    b,
    c,
    columns,
    aRow,
    aColumn,
    bRow,
    bColumn,
    cRow,
    cColumn,
    begin,
    end,
  );
}

/** a, but b where it is less, and c where it is greater. */
export function clamp(
  y: usize,
  a: usize,
  b: usize,
  c: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  cRow: i32,
  cColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f32, f32>(
    CLAMP,
    y,
    a,
    b,
    c,
    columns,
    aRow,
    aColumn,
    bRow,
    bColumn,
    cRow,
    cColumn,
    begin,
    end,
  );
}

export function clamp_f64(
  y: usize,
  a: usize,
  b: usize,
  c: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  cRow: i32,
  cColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64, f64>(
    CLAMP,
    y,
    a,
    b,
    c,
    columns,
    aRow,
    aColumn,
    bRow,
    bColumn,
    cRow,
    cColumn,
    begin,
    end,
  );
}

export function clamp_i64(
  y: usize,
  a: usize,
  b: usize,
  c: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  cRow: i32,
  cColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<i64, i64>(
    CLAMP,
    y,
    a,
    b,
    c,
    columns,
    aRow,
    aColumn,
    bRow,
    bColumn,
    cRow,
    cColumn,
    begin,
    end,
  );
}
