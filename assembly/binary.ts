/**
 * Two operands with broadcasting: y = op(a, b). What each operation does to two elements, and the loop around it.
 *
 * y is contiguous, [rows, columns]; a and b have a row and a column stride in elements, 0 where they are broadcast.
 * Kernels do the elements [begin, end) of y in row-major order.
 */

// The operations: those up to MINIMUM have a vector form for float32. `loop` is inlined into each kernel, where the
// operation is a constant.
export const ADD = 0, SUB = 1, MUL = 2, DIV = 3, MAXIMUM = 4, MINIMUM = 5;
export const DIV_TRUNC = 6, DIV_FLOOR = 7, REMAINDER = 8, FMOD = 9;
export const POW = 10, ATAN2 = 11, HYPOT = 12, LOGADDEXP = 13, LOGADDEXP2 = 14, XLOGY = 15;
export const COPYSIGN = 16, FMAX = 17, FMIN = 18;
export const BITWISE_AND = 19, BITWISE_OR = 20, BITWISE_XOR = 21;
export const BITWISE_LEFT_SHIFT = 22, BITWISE_RIGHT_SHIFT = 23;

const LN2 = 0.6931471805599453;

// @ts-ignore: decorator
@inline
function vector(op: i32, a: v128, b: v128): v128 {
  if (op == ADD) return f32x4.add(a, b);
  if (op == SUB) return f32x4.sub(a, b);
  if (op == MUL) return f32x4.mul(a, b);
  if (op == DIV) return f32x4.div(a, b);
  // Not a number where a or b is not: pmax keeps a. f32x4.max takes three times as many instructions on x64.
  return v128.or(op == MAXIMUM ? f32x4.pmax(a, b) : f32x4.pmin(a, b), f32x4.ne(b, b));
}

/**
 * y = op(a, b) for count floats, a multiple of four; b is as long, or one number. 1M floats: four vectors at a time took
 * 163 us, eight 150, and 195 within a kernel that also does all else, where V8 keeps too little in registers: so the
 * usual operations have functions of their own.
 */
// @ts-ignore: decorator
@inline
function dense(op: i32, each: bool, r: usize, p: usize, q: usize, count: i32): void {
  const b = v128.load32_splat(q);
  for (; count >= 32; count -= 32, p += 128, r += 128) {
    const y0 = vector(op, v128.load(p), each ? v128.load(q) : b);
    const y1 = vector(op, v128.load(p, 16), each ? v128.load(q, 16) : b);
    const y2 = vector(op, v128.load(p, 32), each ? v128.load(q, 32) : b);
    const y3 = vector(op, v128.load(p, 48), each ? v128.load(q, 48) : b);
    const y4 = vector(op, v128.load(p, 64), each ? v128.load(q, 64) : b);
    const y5 = vector(op, v128.load(p, 80), each ? v128.load(q, 80) : b);
    const y6 = vector(op, v128.load(p, 96), each ? v128.load(q, 96) : b);
    const y7 = vector(op, v128.load(p, 112), each ? v128.load(q, 112) : b);
    v128.store(r, y0);
    v128.store(r, y1, 16);
    v128.store(r, y2, 32);
    v128.store(r, y3, 48);
    v128.store(r, y4, 64);
    v128.store(r, y5, 80);
    v128.store(r, y6, 96);
    v128.store(r, y7, 112);
    if (each) q += 128;
  }
  for (; count > 0; count -= 4, p += 16, r += 16) {
    v128.store(r, vector(op, v128.load(p), each ? v128.load(q) : b));
    if (each) q += 16;
  }
}

function addDense(r: usize, p: usize, q: usize, count: i32): void {
  dense(ADD, true, r, p, q, count);
}

function subDense(r: usize, p: usize, q: usize, count: i32): void {
  dense(SUB, true, r, p, q, count);
}

function mulDense(r: usize, p: usize, q: usize, count: i32): void {
  dense(MUL, true, r, p, q, count);
}

function addNumber(r: usize, p: usize, q: usize, count: i32): void {
  dense(ADD, false, r, p, q, count);
}

function mulNumber(r: usize, p: usize, q: usize, count: i32): void {
  dense(MUL, false, r, p, q, count);
}

/** Bitwise operations do not mind how wide the elements are. */
// @ts-ignore: decorator
@inline
function bits(op: i32, a: v128, b: v128): v128 {
  if (op == BITWISE_AND) return v128.and(a, b);
  if (op == BITWISE_OR) return v128.or(a, b);
  return v128.xor(a, b);
}

/** The floor of a / b, from an exact remainder: a / b itself may round up to a whole number. */
function floorOfQuotient(a: f64, b: f64): f64 {
  if (b == 0) return a / b;
  const rest = a % b;
  let quotient = (a - rest) / b;
  if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
  if (quotient == 0) return copysign<f64>(0, a / b);
  const whole = floor<f64>(quotient);
  return quotient - whole > 0.5 ? whole + 1 : whole;
}

/** The remainder with the sign of b, as Python's. */
function floorRemainder(a: f64, b: f64): f64 {
  const rest = a % b;
  return rest != 0 && (b < 0) != (rest < 0) ? rest + b : rest;
}

/** C's pow: unlike JavaScript's, 1 to any power is 1, and so is -1 to an infinite one. */
function power(a: f64, b: f64): f64 {
  if (a == 1 || (a == -1 && NativeMath.abs(b) == Infinity)) return 1;
  return NativeMath.pow(a, b);
}

/** a to the power of b, modulo 2^64; for b < 0 the whole part of the quotient. */
function wholePower(a: i64, b: i64): i64 {
  if (b < 0) return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
  let result: i64 = 1;
  for (; b != 0; b >>= 1, a *= a) if (b & 1) result *= a;
  return result;
}

/** log(e^a + e^b), from the larger of the two. */
function logOfSum(a: f64, b: f64): f64 {
  if (a == b && NativeMath.abs(a) == Infinity) return a;
  return max<f64>(a, b) + NativeMath.log1p(NativeMath.exp(-NativeMath.abs(a - b)));
}

/** log2(2^a + 2^b). */
function log2OfSum(a: f64, b: f64): f64 {
  if (a == b && NativeMath.abs(a) == Infinity) return a;
  const smaller = NativeMath.exp(-LN2 * NativeMath.abs(a - b));
  return max<f64>(a, b) + NativeMath.log1p(smaller) / LN2;
}

// @ts-ignore: decorator
@inline
function scalar<T>(op: i32, a: T, b: T): T {
  if (op == ADD) return <T> (a + b);
  if (op == SUB) return <T> (a - b);
  if (op == MUL) return <T> (a * b);
  if (isFloat<T>()) {
    if (op == DIV) return <T> (a / b);
    if (op == MAXIMUM) return max<T>(a, b);
    if (op == MINIMUM) return min<T>(a, b);
    if (op == DIV_TRUNC) return trunc<T>(<T> (a / b));
    if (op == DIV_FLOOR) return <T> floorOfQuotient(a, b);
    if (op == REMAINDER) return <T> floorRemainder(a, b);
    if (op == FMOD) return <T> (<f64> a % <f64> b);
    if (op == POW) return <T> power(a, b);
    if (op == ATAN2) return <T> NativeMath.atan2(a, b);
    if (op == HYPOT) return <T> NativeMath.hypot(a, b);
    if (op == LOGADDEXP) return <T> logOfSum(a, b);
    if (op == LOGADDEXP2) return <T> log2OfSum(a, b);
    if (op == XLOGY) return b != b ? b : a == 0 ? <T> 0 : <T> (<f64> a * NativeMath.log(b));
    if (op == COPYSIGN) return copysign<T>(a, b);
    // The number where the other is not one.
    if (op == FMAX) return b != b ? a : a != a ? b : max<T>(a, b);
    return b != b ? a : a != a ? b : min<T>(a, b);
  } else {
    if (op == MAXIMUM) return a > b ? a : b;
    if (op == MINIMUM) return a < b ? a : b;
    if (op == BITWISE_AND) return <T> (a & b);
    if (op == BITWISE_OR) return <T> (a | b);
    if (op == BITWISE_XOR) return <T> (a ^ b);
    if (op == BITWISE_LEFT_SHIFT) return <T> (a << b);
    if (op == BITWISE_RIGHT_SHIFT) return <T> (a >> b);
    if (op == POW) return <T> wholePower(a, b);
    // Kernels never trap: the operation refuses a division by zero, and the lowest number / -1 wraps.
    if (b == <T> 0) return <T> 0;
    if (op == FMOD || op == REMAINDER) {
      const rest = <T> (a % b);
      return op == REMAINDER && rest != <T> 0 && (b < <T> 0) != (rest < <T> 0)
        ? <T> (rest + b)
        : rest;
    }
    if (b == <T> -1) return <T> (<T> 0 - a);
    const quotient = <T> (a / b);
    return op == DIV_FLOOR && quotient * b != a && (b < <T> 0) != (a < <T> 0)
      ? <T> (quotient - <T> 1)
      : quotient;
  }
}

/** y = op(a, b) for elements of type T. */
// @ts-ignore: decorator
@inline
export function loop<T>(
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
    if (isFloat<T>() && sizeof<T>() == 4 && op <= MINIMUM) {
      const whole = left & ~3, bytes = <usize> whole << 2;
      if (aColumn == 1 && bColumn == 1) {
        if (op == ADD) addDense(r, p, q, whole);
        else if (op == SUB) subDense(r, p, q, whole);
        else if (op == MUL) mulDense(r, p, q, whole);
        else dense(op, true, r, p, q, whole);
        left -= whole, p += bytes, q += bytes, r += bytes;
      } else if (aColumn == 1 && bColumn == 0) {
        if (op == ADD) addNumber(r, p, q, whole);
        else if (op == MUL) mulNumber(r, p, q, whole);
        else dense(op, false, r, p, q, whole);
        left -= whole, p += bytes, r += bytes;
      } else if (aColumn == 0 && bColumn == 1) {
        const a0 = v128.load32_splat(p);
        for (; left >= 4; left -= 4, q += 16, r += 16) v128.store(r, vector(op, a0, v128.load(q)));
      }
    }
    if (isInteger<T>() && op >= BITWISE_AND && op <= BITWISE_XOR && aColumn == 1 && bColumn <= 1) {
      const lanes = <i32> (16 / sizeof<T>());
      let b0 = v128.splat<T>(load<T>(q));
      for (; left >= lanes; left -= lanes, p += 16, q += <usize> bColumn << 4, r += 16) {
        if (bColumn == 1) b0 = v128.load(q);
        v128.store(r, bits(op, v128.load(p), b0));
      }
    }
    const aStep = <usize> aColumn * sizeof<T>(), bStep = <usize> bColumn * sizeof<T>();
    for (; left > 0; left--, p += aStep, q += bStep, r += sizeof<T>()) {
      store<T>(r, scalar<T>(op, load<T>(p), load<T>(q)));
    }
  }
}
