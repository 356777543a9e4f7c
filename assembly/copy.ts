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
  for (let row = begin; row < end; row++) {
    const i2 = row % n2, rest = row / n2, i1 = rest % n1, i0 = rest / n1;
    let p = y + <usize> (i0 * y0 + i1 * y1 + i2 * y2) * sizeof<T>();
    let q = x + <usize> (i0 * x0 + i1 * x1 + i2 * x2) * sizeof<T>();
    if (x3 == 1 && y3 == 1) {
      memory.copy(p, q, bytes);
    } else if (x3 == 0 && y3 == 1) {
      const value = load<T>(q);
      const last = p + bytes;
      const vector = v128.splat<T>(value);
      for (; p + 16 <= last; p += 16) v128.store(p, vector);
      for (; p < last; p += sizeof<T>()) store<T>(p, value);
    } else {
      const yStep = <usize> y3 * sizeof<T>(), xStep = <usize> x3 * sizeof<T>();
      for (let j = 0; j < n3; j++, p += yStep, q += xStep) store<T>(p, load<T>(q));
    }
  }
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
  for (let i = begin; i < end; i++) {
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
