/**
 * Functions of one variable: y[i] = f(x[i]) for i in [begin, end), both contiguous.
 */

// The functions. The loops below are inlined into each export, where the function is a constant.
const NEG = 0, ABS = 1, SQRT = 2, EXP = 3;

// @ts-ignore: decorator
@inline
function hasVector(op: i32): bool {
  return op <= SQRT;
}

// @ts-ignore: decorator
@inline
function vector(op: i32, x: v128): v128 {
  if (op == NEG) return f32x4.neg(x);
  if (op == ABS) return f32x4.abs(x);
  return f32x4.sqrt(x);
}

// @ts-ignore: decorator
@inline
function scalar<T>(op: i32, x: T): T {
  if (op == NEG) return <T> -x;
  if (isFloat<T>()) {
    // float32 through float64: rounded once, and never on the hot path.
    if (op == ABS) return <T> NativeMath.abs(<f64> x);
    if (op == SQRT) return <T> NativeMath.sqrt(<f64> x);
    return <T> NativeMath.exp(<f64> x);
  }
  return x < <T> 0 ? <T> -x : x;
}

// @ts-ignore: decorator
@inline
function loop<T>(op: i32, y: usize, x: usize, begin: i32, end: i32): void {
  let i = begin;
  if (isFloat<T>() && sizeof<T>() == 4 && hasVector(op)) {
    for (; i + 4 <= end; i += 4) {
      v128.store(y + (<usize> i << 2), vector(op, v128.load(x + (<usize> i << 2))));
    }
  }
  for (; i < end; i++) {
    store<T>(y + <usize> i * sizeof<T>(), scalar<T>(op, load<T>(x + <usize> i * sizeof<T>())));
  }
}

export function neg(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(NEG, y, x, begin, end);
}

export function neg_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(NEG, y, x, begin, end);
}

export function neg_i64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<i64>(NEG, y, x, begin, end);
}

export function neg_i32(y: usize, x: usize, begin: i32, end: i32): void {
  loop<i32>(NEG, y, x, begin, end);
}

export function neg_u8(y: usize, x: usize, begin: i32, end: i32): void {
  loop<u8>(NEG, y, x, begin, end);
}

export function abs(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(ABS, y, x, begin, end);
}

export function abs_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(ABS, y, x, begin, end);
}

export function abs_i64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<i64>(ABS, y, x, begin, end);
}

export function abs_i32(y: usize, x: usize, begin: i32, end: i32): void {
  loop<i32>(ABS, y, x, begin, end);
}

export function abs_u8(y: usize, x: usize, begin: i32, end: i32): void {
  loop<u8>(ABS, y, x, begin, end);
}

export function sqrt(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(SQRT, y, x, begin, end);
}

export function sqrt_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(SQRT, y, x, begin, end);
}

export function exp(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(EXP, y, x, begin, end);
}

export function exp_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(EXP, y, x, begin, end);
}
