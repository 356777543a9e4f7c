/**
 * The multi-label margin loss. x: [rows, classes], target (int64): [rows, classes], each row a list of the classes that
 * apply, ended by -1; the op has checked it. Kernels do the rows [begin, end).
 *
 *     y = sum over listed t and unlisted c of max(0, 1 - (x[t] - x[c])) / classes
 */

/** How many classes are listed. */
// @ts-ignore: decorator
@inline
function listed(target: usize, classes: i32): i32 {
  let n = 0;
  while (n < classes && load<i64>(target + (<usize> n << 3)) >= 0) n++;
  return n;
}

// @ts-ignore: decorator
@inline
function isListed(target: usize, n: i32, c: i32): bool {
  for (let j = 0; j < n; j++) if (load<i64>(target + (<usize> j << 3)) == <i64> c) return true;
  return false;
}

// @ts-ignore: decorator
@inline
function forward<T>(y: usize, x: usize, target: usize, classes: i32, begin: i32, end: i32): void {
  for (let i = begin; i < end; i++) {
    const row = x + <usize> i * <usize> classes * sizeof<T>(), list = target + (<usize> i * <usize> classes << 3);
    const n = listed(list, classes);
    let sum: f64 = 0;
    for (let c = 0; c < classes; c++) {
      if (isListed(list, n, c)) continue;
      const other = <f64> load<T>(row + <usize> c * sizeof<T>());
      for (let j = 0; j < n; j++) {
        const z = 1 - <f64> load<T>(row + <usize> load<i64>(list + (<usize> j << 3)) * sizeof<T>()) + other;
        if (!(z <= 0)) sum += z;
      }
    }
    store<T>(y + <usize> i * sizeof<T>(), <T> (sum / <f64> classes));
  }
}

/** dx = dy * derivative, dy: [rows]. */
// @ts-ignore: decorator
@inline
function backward<T>(
  dx: usize, dy: usize, x: usize, target: usize, classes: i32, begin: i32, end: i32,
): void {
  for (let i = begin; i < end; i++) {
    const at = <usize> i * <usize> classes * sizeof<T>(), row = x + at, to = dx + at;
    const list = target + (<usize> i * <usize> classes << 3), n = listed(list, classes);
    const g = <f64> load<T>(dy + <usize> i * sizeof<T>()) / <f64> classes;
    for (let c = 0; c < classes; c++) store<T>(to + <usize> c * sizeof<T>(), <T> 0);
    for (let c = 0; c < classes; c++) {
      if (isListed(list, n, c)) continue;
      const other = <f64> load<T>(row + <usize> c * sizeof<T>()), own = to + <usize> c * sizeof<T>();
      for (let j = 0; j < n; j++) {
        const t = <usize> load<i64>(list + (<usize> j << 3)) * sizeof<T>();
        if (1 - <f64> load<T>(row + t) + other <= 0) continue;
        store<T>(own, <T> (<f64> load<T>(own) + g));
        store<T>(to + t, <T> (<f64> load<T>(to + t) - g));
      }
    }
  }
}

export function multilabel_margin_loss(
  y: usize, x: usize, target: usize, classes: i32, begin: i32, end: i32,
): void {
  forward<f32>(y, x, target, classes, begin, end);
}

export function multilabel_margin_loss_grad(
  dx: usize, dy: usize, x: usize, target: usize, classes: i32, begin: i32, end: i32,
): void {
  backward<f32>(dx, dy, x, target, classes, begin, end);
}

export function multilabel_margin_loss_f64(
  y: usize, x: usize, target: usize, classes: i32, begin: i32, end: i32,
): void {
  forward<f64>(y, x, target, classes, begin, end);
}

export function multilabel_margin_loss_grad_f64(
  dx: usize, dy: usize, x: usize, target: usize, classes: i32, begin: i32, end: i32,
): void {
  backward<f64>(dx, dy, x, target, classes, begin, end);
}
