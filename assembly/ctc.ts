/**
 * Connectionist temporal classification: the likelihood of a label sequence, summed over all alignments.
 *
 * x: logarithms of probabilities [steps, batches, classes]; lengths (int64) [3, batches]: steps and labels of each batch,
 * and where its labels begin in `targets` (int64); the op has checked them all. A path goes through the states 0 .. 2n of
 * a batch of n labels: blank, label, blank, ..., label, blank. alpha [batches, steps, states] (float64) is the logarithm of
 * the sum over paths up to a step and state. Kernels do the batches [begin, end).
 *
 * Graves, Fernandez, Gomez, Schmidhuber, "Connectionist Temporal Classification" (2006).
 */

/** The class of a state. */
// @ts-ignore: decorator
@inline
function labelOf(labels: usize, state: i32, blank: i32): i32 {
  return state & 1 ? <i32> load<i64>(labels + (<usize> (state >> 1) << 3)) : blank;
}

/** log(exp(a) + exp(b) + exp(c)). */
// @ts-ignore: decorator
@inline
function logSum(a: f64, b: f64, c: f64): f64 {
  const m = max(max(a, b), c);
  if (m == -Infinity) return m;
  return m + NativeMath.log(NativeMath.exp(a - m) + NativeMath.exp(b - m) + NativeMath.exp(c - m));
}

// @ts-ignore: decorator
@inline
function forward<T>(
  y: usize, alpha: usize, x: usize, targets: usize, lengths: usize, steps: i32, batches: i32, classes: i32,
  states: i32, blank: i32, begin: i32, end: i32,
): void {
  const column = <usize> batches << 3, row = <usize> states << 3;
  const step = <usize> batches * <usize> classes * sizeof<T>();
  for (let b = begin; b < end; b++) {
    const at = lengths + (<usize> b << 3);
    const n = <i32> load<i64>(at), last = 2 * <i32> load<i64>(at + column);
    const labels = targets + (<usize> load<i64>(at + 2 * column) << 3);
    let a = alpha + <usize> b * <usize> steps * row, p = x + <usize> b * <usize> classes * sizeof<T>();
    for (let t = 0; t < n; t++, a += row, p += step) {
      const before = a - row;
      for (let s = 0; s <= last; s++) {
        const label = labelOf(labels, s, blank);
        let v: f64;
        if (t == 0) v = s < 2 ? 0 : -Infinity;
        else {
          const from = before + (<usize> s << 3);
          const skips = s > 1 && label != blank && label != labelOf(labels, s - 2, blank);
          v = logSum(
            load<f64>(from),
            s > 0 ? load<f64>(from - 8) : -Infinity,
            skips ? load<f64>(from - 16) : -Infinity,
          );
        }
        store<f64>(a + (<usize> s << 3), v + <f64> load<T>(p + <usize> label * sizeof<T>()));
      }
    }
    let likelihood: f64 = last == 0 ? 0 : -Infinity;
    if (n > 0) {
      const tail = a - row + (<usize> last << 3);
      likelihood = logSum(load<f64>(tail), last > 0 ? load<f64>(tail - 8) : -Infinity, -Infinity);
    }
    store<T>(y + <usize> b * sizeof<T>(), <T> -likelihood);
  }
}

/**
 * dx = dy (exp(x) - the part of all paths that is in a state of the class), where x counts as a result of log_softmax,
 * as in PyTorch. beta [batches, 2, states] (float64) is room for the sums over paths from a step on. Where no path fits,
 * y is infinite and the gradient NaN, or 0 if `zeroInfinity`.
 */
// @ts-ignore: decorator
@inline
function backward<T>(
  dx: usize, beta: usize, dy: usize, y: usize, alpha: usize, x: usize, targets: usize, lengths: usize, steps: i32,
  batches: i32, classes: i32, states: i32, blank: i32, zeroInfinity: i32, begin: i32, end: i32,
): void {
  const column = <usize> batches << 3, row = <usize> states << 3;
  const step = <usize> batches * <usize> classes * sizeof<T>();
  for (let b = begin; b < end; b++) {
    const at = lengths + (<usize> b << 3);
    const n = <i32> load<i64>(at), last = 2 * <i32> load<i64>(at + column);
    const labels = targets + (<usize> load<i64>(at + 2 * column) << 3);
    const loss = <f64> load<T>(y + <usize> b * sizeof<T>()), g = <f64> load<T>(dy + <usize> b * sizeof<T>());
    const impossible = loss == Infinity;
    const column0 = <usize> b * <usize> classes * sizeof<T>();
    for (let t = steps - 1; t >= 0; t--) {
      const from = x + <usize> t * step + column0, to = dx + <usize> t * step + column0;
      const fill: T = t < n && impossible && zeroInfinity == 0 ? <T> NaN : <T> 0;
      for (let c = 0; c < classes; c++) store<T>(to + <usize> c * sizeof<T>(), fill);
      if (t >= n || impossible) continue;
      const a = alpha + (<usize> b * <usize> steps + <usize> t) * row;
      // Two rows take turns: that of this step and that of the next.
      const rows = beta + <usize> b * 2 * row, now = rows + <usize> (t & 1) * row, next = rows + <usize> (1 - (t & 1)) * row;
      let total: f64 = 0;
      // What all paths add up to in this step, rather than the loss, which was rounded: parts then sum to 1.
      let most: f64 = -Infinity;
      for (let s = 0; s <= last; s++) {
        const label = labelOf(labels, s, blank), p = <f64> load<T>(from + <usize> label * sizeof<T>());
        let v: f64;
        if (t == n - 1) v = s + 1 >= last ? 0 : -Infinity;
        else {
          const e = next + (<usize> s << 3);
          const skips = s + 2 <= last && label != blank && label != labelOf(labels, s + 2, blank);
          v = logSum(
            load<f64>(e),
            s < last ? load<f64>(e, 8) : -Infinity,
            skips ? load<f64>(e, 16) : -Infinity,
          );
        }
        v += p;
        store<f64>(now + (<usize> s << 3), v);
        const path = v == -Infinity ? v : v - p + load<f64>(a + (<usize> s << 3));
        most = max(most, path);
      }
      for (let s = 0; s <= last; s++) total += NativeMath.exp(pathThrough<T>(now, a, from, labels, s, blank) - most);
      for (let s = 0; s <= last; s++) {
        const cell = to + <usize> labelOf(labels, s, blank) * sizeof<T>();
        const part = NativeMath.exp(pathThrough<T>(now, a, from, labels, s, blank) - most) / total;
        store<T>(cell, <T> (<f64> load<T>(cell) - part));
      }
      for (let c = 0; c < classes; c++) {
        const cell = to + <usize> c * sizeof<T>();
        const p = NativeMath.exp(<f64> load<T>(from + <usize> c * sizeof<T>()));
        store<T>(cell, <T> (g * (p + <f64> load<T>(cell))));
      }
    }
  }
}

/** The logarithm of the sum over the paths that go through a state at a step. */
// @ts-ignore: decorator
@inline
function pathThrough<T>(beta: usize, alpha: usize, x: usize, labels: usize, s: i32, blank: i32): f64 {
  const v = load<f64>(beta + (<usize> s << 3));
  if (v == -Infinity) return v;
  const p = <f64> load<T>(x + <usize> labelOf(labels, s, blank) * sizeof<T>());
  return v - p + load<f64>(alpha + (<usize> s << 3));
}

export function ctc_loss(
  y: usize, alpha: usize, x: usize, targets: usize, lengths: usize, steps: i32, batches: i32, classes: i32,
  states: i32, blank: i32, begin: i32, end: i32,
): void {
  forward<f32>(y, alpha, x, targets, lengths, steps, batches, classes, states, blank, begin, end);
}

export function ctc_loss_grad(
  dx: usize, beta: usize, dy: usize, y: usize, alpha: usize, x: usize, targets: usize, lengths: usize, steps: i32,
  batches: i32, classes: i32, states: i32, blank: i32, zeroInfinity: i32, begin: i32, end: i32,
): void {
  backward<f32>(
    dx, beta, dy, y, alpha, x, targets, lengths, steps, batches, classes, states, blank, zeroInfinity, begin, end,
  );
}

export function ctc_loss_f64(
  y: usize, alpha: usize, x: usize, targets: usize, lengths: usize, steps: i32, batches: i32, classes: i32,
  states: i32, blank: i32, begin: i32, end: i32,
): void {
  forward<f64>(y, alpha, x, targets, lengths, steps, batches, classes, states, blank, begin, end);
}

export function ctc_loss_grad_f64(
  dx: usize, beta: usize, dy: usize, y: usize, alpha: usize, x: usize, targets: usize, lengths: usize, steps: i32,
  batches: i32, classes: i32, states: i32, blank: i32, zeroInfinity: i32, begin: i32, end: i32,
): void {
  backward<f64>(
    dx, beta, dy, y, alpha, x, targets, lengths, steps, batches, classes, states, blank, zeroInfinity, begin, end,
  );
}
