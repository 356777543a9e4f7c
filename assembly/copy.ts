/**
 * Copies between layouts and between dtypes.
 *
 * A copy goes over up to four axes of sizes [n0, n1, n2, n3], each with a stride (in elements) on either side; n0 is
 * implied by the range of rows, a row being one index of the first three axes.
 */
import { Brain, Half, narrowOne, narrowRun, widenRun } from "./half";

// @ts-ignore: decorator
@inline
function copy<T>(
  y: usize,
  x: usize,
  n1: i32,
  n2: i32,
  n3: i32,
  y0: i32,
  y1: i32,
  y2: i32,
  y3: i32,
  x0: i32,
  x1: i32,
  x2: i32,
  x3: i32,
  begin: i32,
  end: i32,
): void {
  const bytes = <usize> n3 * sizeof<T>();
  const yRow = <usize> y2 * sizeof<T>(), xRow = <usize> x2 * sizeof<T>();
  const yStep = <usize> y3 * sizeof<T>(), xStep = <usize> x3 * sizeof<T>();
  for (let row = begin; row < end;) {
    // The rows that differ in the third axis alone.
    const i2 = row % n2, rest = row / n2, i1 = rest % n1, i0 = rest / n1, count = min(n2 - i2, end - row);
    let p = y + <usize> (i0 * y0 + i1 * y1 + i2 * y2) * sizeof<T>();
    let q = x + <usize> (i0 * x0 + i1 * x1 + i2 * x2) * sizeof<T>();
    row += count;
    let left = count;
    if (sizeof<T>() == 4 && y3 == 1 && x2 == 1 && x3 > 1) {
      for (; left >= 8; left -= 8, p += yRow << 3, q += 32) transposeEight(p, yRow, q, xStep, n3);
    }
    for (; left > 0; left--, p += yRow, q += xRow) {
      if (x3 == 1 && y3 == 1) copyRow<T>(p, q, bytes);
      else if (x3 == 0 && y3 == 1) fillRow<T>(p, load<T>(q), bytes);
      else {
        for (let j = 0, to = p, from = q; j < n3; j++, to += yStep, from += xStep) {
          store<T>(to, load<T>(from));
        }
      }
    }
  }
}

/** `bytes` bytes; a call of memory.copy costs as much as some 200 of them. */
// @ts-ignore: decorator
@inline
function copyRow<T>(p: usize, q: usize, bytes: usize): void {
  if (bytes > 256) {
    memory.copy(p, q, bytes);
    return;
  }
  const last = p + bytes;
  for (; p + 64 <= last; p += 64, q += 64) {
    const a = v128.load(q), b = v128.load(q, 16), c = v128.load(q, 32), d = v128.load(q, 48);
    v128.store(p, a);
    v128.store(p, b, 16);
    v128.store(p, c, 32);
    v128.store(p, d, 48);
  }
  for (; p + 16 <= last; p += 16, q += 16) v128.store(p, v128.load(q));
  for (; p < last; p += sizeof<T>(), q += sizeof<T>()) store<T>(p, load<T>(q));
}

// @ts-ignore: decorator
@inline
function fillRow<T>(p: usize, value: T, bytes: usize): void {
  const last = p + bytes, vector = v128.splat<T>(value);
  for (; p + 16 <= last; p += 16) v128.store(p, vector);
  for (; p < last; p += sizeof<T>()) store<T>(p, value);
}

/** Eight rows of n elements of four bytes from eight neighbouring columns of x: as many as a set of the cache holds lines. */
function transposeEight(y: usize, yRow: usize, x: usize, xStep: usize, n: i32): void {
  let p = y, q = x, left = n;
  for (; left >= 4; left -= 4, p += 16, q += xStep << 2) {
    transposeFour(p, yRow, q, xStep);
    transposeFour(p + (yRow << 2), yRow, q + 16, xStep);
  }
  for (; left > 0; left--, p += 4, q += xStep) {
    for (let k = 0; k < 8; k++) store<u32>(p + <usize> k * yRow, load<u32>(q + (<usize> k << 2)));
  }
}

/** A block of 4 x 4. */
// @ts-ignore: decorator
@inline
function transposeFour(y: usize, yRow: usize, x: usize, xStep: usize): void {
  const a = v128.load(x), b = v128.load(x + xStep), c = v128.load(x + 2 * xStep), d = v128.load(x + 3 * xStep);
  const ab = i32x4.shuffle(a, b, 0, 4, 1, 5), cd = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const AB = i32x4.shuffle(a, b, 2, 6, 3, 7), CD = i32x4.shuffle(c, d, 2, 6, 3, 7);
  v128.store(y, i64x2.shuffle(ab, cd, 0, 2));
  v128.store(y + yRow, i64x2.shuffle(ab, cd, 1, 3));
  v128.store(y + 2 * yRow, i64x2.shuffle(AB, CD, 0, 2));
  v128.store(y + 3 * yRow, i64x2.shuffle(AB, CD, 1, 3));
}

/** Copies elements of one byte. */
export function copy_b1(
  y: usize,
  x: usize,
  n1: i32,
  n2: i32,
  n3: i32,
  y0: i32,
  y1: i32,
  y2: i32,
  y3: i32,
  x0: i32,
  x1: i32,
  x2: i32,
  x3: i32,
  begin: i32,
  end: i32,
): void {
  copy<u8>(y, x, n1, n2, n3, y0, y1, y2, y3, x0, x1, x2, x3, begin, end);
}

/** Copies elements of two bytes. */
export function copy_b2(
  y: usize,
  x: usize,
  n1: i32,
  n2: i32,
  n3: i32,
  y0: i32,
  y1: i32,
  y2: i32,
  y3: i32,
  x0: i32,
  x1: i32,
  x2: i32,
  x3: i32,
  begin: i32,
  end: i32,
): void {
  copy<u16>(y, x, n1, n2, n3, y0, y1, y2, y3, x0, x1, x2, x3, begin, end);
}

/** Copies elements of four bytes. */
export function copy_b4(
  y: usize,
  x: usize,
  n1: i32,
  n2: i32,
  n3: i32,
  y0: i32,
  y1: i32,
  y2: i32,
  y3: i32,
  x0: i32,
  x1: i32,
  x2: i32,
  x3: i32,
  begin: i32,
  end: i32,
): void {
  copy<u32>(y, x, n1, n2, n3, y0, y1, y2, y3, x0, x1, x2, x3, begin, end);
}

/** Copies elements of eight bytes. */
export function copy_b8(
  y: usize,
  x: usize,
  n1: i32,
  n2: i32,
  n3: i32,
  y0: i32,
  y1: i32,
  y2: i32,
  y3: i32,
  x0: i32,
  x1: i32,
  x2: i32,
  x3: i32,
  begin: i32,
  end: i32,
): void {
  copy<u64>(y, x, n1, n2, n3, y0, y1, y2, y3, x0, x1, x2, x3, begin, end);
}

/** C++'s conversion of one element, with wrap-around among integers; a float beyond an integer type's range saturates in 64 bits first. */
// @ts-ignore: decorator
@inline
function convert<T, U>(x: T): U {
  if (isFloat<T>() && isInteger<U>()) return <U> (<i64> x);
  return <U> x;
}

// @ts-ignore: decorator
@inline
function castTo<T, U>(y: usize, x: usize, begin: i32, end: i32): void {
  let i = begin;
  if (isFloat<T>() && isFloat<U>()) {
    if (sizeof<T>() == 4 && sizeof<U>() == 8) {
      for (; i + 4 <= end; i += 4) {
        const p = y + (<usize> i << 3), v = v128.load(x + (<usize> i << 2));
        v128.store(p, f64x2.promote_low_f32x4(v));
        v128.store(p, f64x2.promote_low_f32x4(i64x2.shuffle(v, v, 1, 0)), 16);
      }
    }
    if (sizeof<T>() == 8 && sizeof<U>() == 4) {
      for (; i + 4 <= end; i += 4) {
        const q = x + (<usize> i << 3), low = f32x4.demote_f64x2_zero(v128.load(q));
        const high = f32x4.demote_f64x2_zero(v128.load(q, 16));
        v128.store(y + (<usize> i << 2), i64x2.shuffle(low, high, 0, 2));
      }
    }
  }
  for (; i < end; i++) {
    store<U>(y + <usize> i * sizeof<U>(), convert<T, U>(load<T>(x + <usize> i * sizeof<T>())));
  }
}

/** Converts from T to a 16-bit float. */
// @ts-ignore: decorator
@inline
function castTo16<T, U>(y: usize, x: usize, begin: i32, end: i32): void {
  const to = y + (<usize> begin << 1), from = x + <usize> begin * sizeof<T>();
  if (isFloat<T>() && sizeof<T>() == 4) {
    narrowRun<U>(to, from, end - begin);
    return;
  }
  for (let i = 0; i < end - begin; i++) {
    store<u16>(to + (<usize> i << 1), narrowOne<U>(<f32> load<T>(from + <usize> i * sizeof<T>())));
  }
}

/** Converts from T to the dtype numbered `to` (see src/backend/dtype.ts). */
function castFrom<T>(y: usize, x: usize, to: i32, begin: i32, end: i32): void {
  switch (to) {
    case 0:
      for (let i = begin; i < end; i++) {
        store<u8>(y + i, <u8> (load<T>(x + <usize> i * sizeof<T>()) != <T> 0));
      }
      break;
    case 1:
      castTo<T, u8>(y, x, begin, end);
      break;
    case 2:
      castTo<T, i8>(y, x, begin, end);
      break;
    case 3:
      castTo<T, i16>(y, x, begin, end);
      break;
    case 4:
      castTo<T, i32>(y, x, begin, end);
      break;
    case 5:
      castTo<T, i64>(y, x, begin, end);
      break;
    case 6:
      castTo16<T, Half>(y, x, begin, end);
      break;
    case 7:
      castTo16<T, Brain>(y, x, begin, end);
      break;
    case 8:
      castTo<T, f32>(y, x, begin, end);
      break;
    default:
      castTo<T, f64>(y, x, begin, end);
  }
}

/**
 * y[i] = x[i] in another dtype, for i in [begin, end); `from` and `to` are dtype ids. float16 and bfloat16 go to and
 * from float32 only.
 */
export function cast(y: usize, x: usize, from: i32, to: i32, begin: i32, end: i32): void {
  switch (from) {
    case 0:
    case 1:
      castFrom<u8>(y, x, to, begin, end);
      break;
    case 2:
      castFrom<i8>(y, x, to, begin, end);
      break;
    case 3:
      castFrom<i16>(y, x, to, begin, end);
      break;
    case 4:
      castFrom<i32>(y, x, to, begin, end);
      break;
    case 5:
      castFrom<i64>(y, x, to, begin, end);
      break;
    case 6:
      widenRun<Half>(y + (<usize> begin << 2), x + (<usize> begin << 1), end - begin);
      break;
    case 7:
      widenRun<Brain>(y + (<usize> begin << 2), x + (<usize> begin << 1), end - begin);
      break;
    case 8:
      castFrom<f32>(y, x, to, begin, end);
      break;
    default:
      castFrom<f64>(y, x, to, begin, end);
  }
}
