/**
 * Running totals along the middle axis of [outer, n, inner]; kernels do the slices [begin, end) of the outer * inner
 * slices. float32 is computed in float64 and rounded at each element.
 */

// What runs. The loops below are inlined into each export, where it is a constant.
const SUM = 0, PRODUCT = 1, LOG_SUM_EXP = 2;

/** log(exp(a) + exp(b)). */
// @ts-ignore: decorator
@inline
function logAddExp(a: f64, b: f64): f64 {
  if (a != a || b != b) return NaN;
  const high = max(a, b), low = min(a, b);
  if (high == low && (high == Infinity || high == -Infinity)) return high;
  return high + NativeMath.log1p(NativeMath.exp(low - high));
}

/** The total after one more element. */
// @ts-ignore: decorator
@inline
function next<T, A>(op: i32, total: A, x: usize): A {
  const v = <A> load<T>(x);
  if (op == SUM) return <A> (total + v);
  if (op == PRODUCT) return <A> (total * v);
  return <A> logAddExp(<f64> total, <f64> v);
}

/** Eight neighbouring columns at a time where there are as many: one at a time, a column reads a whole cache line of each row. */
// @ts-ignore: decorator
@inline
function scan<T, A>(
  op: i32,
  y: usize,
  x: usize,
  n: i32,
  inner: i32,
  reverse: i32,
  begin: i32,
  end: i32,
): void {
  const size = sizeof<T>(), step = <isize> (reverse ? -inner : inner) * <isize> size;
  const start: A = op == SUM ? 0 : op == PRODUCT ? 1 : <A> -Infinity;
  for (let i = begin; i < end;) {
    const outer = i / inner, column = i - outer * inner, first = outer * n * inner + column;
    let at = <usize> (reverse ? first + (n - 1) * inner : first) * size;
    let t0 = start;
    if (min(inner - column, end - i) >= 8) {
      let t1 = start, t2 = start, t3 = start, t4 = start, t5 = start, t6 = start, t7 = start;
      for (let k = 0; k < n; k++, at += step) {
        const p = x + at, q = y + at;
        store<T>(q, <T> (t0 = next<T, A>(op, t0, p)));
        store<T>(q + size, <T> (t1 = next<T, A>(op, t1, p + size)));
        store<T>(q + 2 * size, <T> (t2 = next<T, A>(op, t2, p + 2 * size)));
        store<T>(q + 3 * size, <T> (t3 = next<T, A>(op, t3, p + 3 * size)));
        store<T>(q + 4 * size, <T> (t4 = next<T, A>(op, t4, p + 4 * size)));
        store<T>(q + 5 * size, <T> (t5 = next<T, A>(op, t5, p + 5 * size)));
        store<T>(q + 6 * size, <T> (t6 = next<T, A>(op, t6, p + 6 * size)));
        store<T>(q + 7 * size, <T> (t7 = next<T, A>(op, t7, p + 7 * size)));
      }
      i += 8;
      continue;
    }
    for (let k = 0; k < n; k++, at += step) store<T>(y + at, <T> (t0 = next<T, A>(op, t0, x + at)));
    i++;
  }
}

export function cumsum(
  y: usize,
  x: usize,
  n: i32,
  inner: i32,
  reverse: i32,
  begin: i32,
  end: i32,
): void {
  scan<f32, f64>(SUM, y, x, n, inner, reverse, begin, end);
}

export function cumsum_f64(
  y: usize,
  x: usize,
  n: i32,
  inner: i32,
  reverse: i32,
  begin: i32,
  end: i32,
): void {
  scan<f64, f64>(SUM, y, x, n, inner, reverse, begin, end);
}

export function cumsum_i64(
  y: usize,
  x: usize,
  n: i32,
  inner: i32,
  reverse: i32,
  begin: i32,
  end: i32,
): void {
  scan<i64, i64>(SUM, y, x, n, inner, reverse, begin, end);
}

export function cumprod(
  y: usize,
  x: usize,
  n: i32,
  inner: i32,
  reverse: i32,
  begin: i32,
  end: i32,
): void {
  scan<f32, f64>(PRODUCT, y, x, n, inner, reverse, begin, end);
}

export function cumprod_f64(
  y: usize,
  x: usize,
  n: i32,
  inner: i32,
  reverse: i32,
  begin: i32,
  end: i32,
): void {
  scan<f64, f64>(PRODUCT, y, x, n, inner, reverse, begin, end);
}

export function cumprod_i64(
  y: usize,
  x: usize,
  n: i32,
  inner: i32,
  reverse: i32,
  begin: i32,
  end: i32,
): void {
  scan<i64, i64>(PRODUCT, y, x, n, inner, reverse, begin, end);
}

export function logcumsumexp(
  y: usize,
  x: usize,
  n: i32,
  inner: i32,
  reverse: i32,
  begin: i32,
  end: i32,
): void {
  scan<f32, f64>(LOG_SUM_EXP, y, x, n, inner, reverse, begin, end);
}

export function logcumsumexp_f64(
  y: usize,
  x: usize,
  n: i32,
  inner: i32,
  reverse: i32,
  begin: i32,
  end: i32,
): void {
  scan<f64, f64>(LOG_SUM_EXP, y, x, n, inner, reverse, begin, end);
}

/**
 * y[k] = b[k] + a[k] * y[k - 1], or in reverse y[k] = b[k] + a[k + 1] * y[k + 1]; a[0] is not used. Either is what the
 * gradient of the other takes.
 */
// @ts-ignore: decorator
@inline
function recurrence<T>(
  y: usize,
  a: usize,
  b: usize,
  n: i32,
  inner: i32,
  reverse: i32,
  begin: i32,
  end: i32,
): void {
  const step = <usize> inner * sizeof<T>();
  for (let i = begin; i < end; i++) {
    const outer = i / inner, first = outer * n * inner + (i - outer * inner);
    let at = <usize> first * sizeof<T>(), total: f64 = 0;
    if (reverse) {
      at += <usize> n * step;
      for (let k = n - 1; k >= 0; k--) {
        const before = k < n - 1 ? <f64> load<T>(a + at) * total : 0;
        at -= step;
        total = <f64> load<T>(b + at) + before;
        store<T>(y + at, <T> total);
      }
    } else {
      for (let k = 0; k < n; k++, at += step) {
        total = <f64> load<T>(b + at) + (k > 0 ? <f64> load<T>(a + at) * total : 0);
        store<T>(y + at, <T> total);
      }
    }
  }
}

export function linear_recurrence(
  y: usize,
  a: usize,
  b: usize,
  n: i32,
  inner: i32,
  reverse: i32,
  begin: i32,
  end: i32,
): void {
  recurrence<f32>(y, a, b, n, inner, reverse, begin, end);
}

export function linear_recurrence_f64(
  y: usize,
  a: usize,
  b: usize,
  n: i32,
  inner: i32,
  reverse: i32,
  begin: i32,
  end: i32,
): void {
  recurrence<f64>(y, a, b, n, inner, reverse, begin, end);
}
