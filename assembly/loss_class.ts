/**
 * Losses over classes: x [outer, classes, inner], targets (int64) [outer, inner], which the op has checked: each is
 * from 0 to classes - 1, or equal to `ignore` and takes no part. weight [classes] may be 0 (none). A position is one
 * of the outer * inner targets; kernels do the positions [begin, end).
 *
 *     nll            -w[t] x[t]
 *     cross_entropy  (1 - s) w[t] (lse - x[t]) + s / classes * sum over c of w[c] (lse - x[c]), lse = log sum exp x
 *
 * stats holds, for each position, the largest x and the logarithm of the sum of exp(x - largest).
 */
import { exponentials, exponentialsOfColumns, maxColumns, maxRow } from "./exponentials";
import { loadLanes, storeLanes } from "./lanes";
import { expFlushed } from "./math";

// @ts-ignore: decorator
@inline
function targetAt(target: usize, i: i32): i64 {
  return load<i64>(target + (<usize> i << 3));
}

// @ts-ignore: decorator
@inline
function weightOf<T>(weight: usize, c: i32): f64 {
  return weight ? <f64> load<T>(weight + <usize> c * sizeof<T>()) : 1;
}

/** The address of x[outer, 0, column] of a position. */
// @ts-ignore: decorator
@inline
function columnOf<T>(x: usize, i: i32, classes: i32, inner: i32): usize {
  const outer = i / inner;
  return x + (<usize> outer * <usize> classes * <usize> inner + <usize> (i - outer * inner)) * sizeof<T>();
}

// @ts-ignore: decorator
@inline
function nll<T>(
  y: usize, x: usize, target: usize, weight: usize, classes: i32, inner: i32, ignore: i32, begin: i32, end: i32,
): void {
  for (let i = begin; i < end; i++) {
    const t = targetAt(target, i);
    let v: f64 = 0;
    if (t != <i64> ignore) {
      const at = columnOf<T>(x, i, classes, inner) + <usize> t * <usize> inner * sizeof<T>();
      v = -<f64> load<T>(at) * weightOf<T>(weight, <i32> t);
    }
    store<T>(y + <usize> i * sizeof<T>(), <T> v);
  }
}

/** dy of a position, divided by the total weight if there is one. */
// @ts-ignore: decorator
@inline
function gradOf<T>(dy: usize, total: usize, dyStep: i32, i: i32): f64 {
  const g = <f64> load<T>(dy + <usize> (i * dyStep) * sizeof<T>());
  return total ? g / <f64> load<T>(total) : g;
}

// @ts-ignore: decorator
@inline
function nllGrad<T>(
  dx: usize, dy: usize, total: usize, target: usize, weight: usize, classes: i32, inner: i32, ignore: i32,
  dyStep: i32, begin: i32, end: i32,
): void {
  const step = <usize> inner * sizeof<T>();
  for (let i = begin; i < end; i++) {
    const t = targetAt(target, i), column = columnOf<T>(dx, i, classes, inner);
    for (let c = 0, p = column; c < classes; c++, p += step) store<T>(p, <T> 0);
    if (t == <i64> ignore) continue;
    const g = gradOf<T>(dy, total, dyStep, i);
    store<T>(column + <usize> t * step, <T> (-g * weightOf<T>(weight, <i32> t)));
  }
}

/** y = sum of losses / total, total = sum of the weights of the targets. */
// @ts-ignore: decorator
@inline
function weightedMean<T>(
  y: usize, total: usize, losses: usize, target: usize, weight: usize, ignore: i32, count: i32,
): void {
  let sum: f64 = 0, w: f64 = 0;
  for (let i = 0; i < count; i++) {
    sum += <f64> load<T>(losses + <usize> i * sizeof<T>());
    const t = targetAt(target, i);
    if (t != <i64> ignore) w += weightOf<T>(weight, <i32> t);
  }
  store<T>(total, <T> w);
  store<T>(y, <T> (sum / w));
}

/** The sum over classes of w[c] (m + c - x[c]), where c is the logarithm of the sum: what label smoothing adds. */
// @ts-ignore: decorator
@inline
function smoothSum<T>(x: usize, weight: usize, classes: i32, step: usize, m: f64, log: f64): f64 {
  let sum: f64 = 0;
  for (let c = 0; c < classes; c++, x += step) {
    sum += weightOf<T>(weight, c) * (log - (<f64> load<T>(x) - m));
  }
  return sum;
}

/** The loss of one position, from the largest of its column and the logarithm of its sum of exponentials. */
// @ts-ignore: decorator
@inline
function positionLoss<T>(
  column: usize, step: usize, t: i32, weight: usize, classes: i32, smoothing: f64, m: f64, log: f64,
): f64 {
  const hard = weightOf<T>(weight, t) * (log - (<f64> load<T>(column + <usize> t * step) - m));
  if (smoothing == 0) return hard;
  const soft = smoothSum<T>(column, weight, classes, step, m, log);
  return (1 - smoothing) * hard + smoothing / <f64> classes * soft;
}

export function cross_entropy(
  y: usize, stats: usize, x: usize, target: usize, weight: usize, classes: i32, inner: i32, ignore: i32,
  smoothing: f64, begin: i32, end: i32,
): void {
  const step = <usize> inner << 2;
  for (let i = begin; i < end; ) {
    const column = columnOf<f32>(x, i, classes, inner);
    // Up to four neighbouring positions in the lanes of a vector, where the classes of one are not neighbours.
    const count = inner == 1 ? 1 : min(4, min(inner - i % inner, end - i));
    let m: v128, sums: v128;
    if (inner == 1) {
      m = maxRow(column, classes);
      sums = f32x4.splat(<f32> exponentials(column, 0, classes, m));
    } else {
      const length = <usize> classes * step;
      m = maxColumns(column, length, step, count);
      sums = exponentialsOfColumns(column, 0, length, step, count, m);
    }
    for (let lane = 0; lane < count; lane++, i++) {
      const largest = f32x4.extract_lane(m, 0), log = NativeMath.log(<f64> f32x4.extract_lane(sums, 0));
      m = i32x4.shuffle(m, m, 1, 2, 3, 0);
      sums = i32x4.shuffle(sums, sums, 1, 2, 3, 0);
      const to = stats + (<usize> i << 3), t = targetAt(target, i);
      store<f32>(to, largest);
      store<f32>(to, <f32> log, 4);
      const loss = t == <i64> ignore ? 0 : positionLoss<f32>(
        column + (<usize> lane << 2), step, <i32> t, weight, classes, smoothing, <f64> largest, log,
      );
      store<f32>(y + (<usize> i << 2), <f32> loss);
    }
  }
}

export function cross_entropy_f64(
  y: usize, stats: usize, x: usize, target: usize, weight: usize, classes: i32, inner: i32, ignore: i32,
  smoothing: f64, begin: i32, end: i32,
): void {
  const step = <usize> inner << 3;
  for (let i = begin; i < end; i++) {
    const column = columnOf<f64>(x, i, classes, inner), to = stats + (<usize> i << 4), t = targetAt(target, i);
    let m: f64 = -Infinity, sum: f64 = 0;
    for (let c = 0, p = column; c < classes; c++, p += step) m = max(m, load<f64>(p));
    for (let c = 0, p = column; c < classes; c++, p += step) sum += NativeMath.exp(load<f64>(p) - m);
    const log = NativeMath.log(sum);
    store<f64>(to, m);
    store<f64>(to, log, 8);
    const loss = t == <i64> ignore
      ? 0
      : positionLoss<f64>(column, step, <i32> t, weight, classes, smoothing, m, log);
    store<f64>(y + (<usize> i << 3), loss);
  }
}

/** What each class should get of a position, in all: the sum over its column of `cross_entropy_target`. */
// @ts-ignore: decorator
@inline
function mass<T>(t: i32, weight: usize, classes: i32, smoothing: f64): f64 {
  const hard = weightOf<T>(weight, t);
  if (smoothing == 0) return hard;
  let all: f64 = 0;
  for (let c = 0; c < classes; c++) all += weightOf<T>(weight, c);
  return (1 - smoothing) * hard + smoothing / <f64> classes * all;
}

// @ts-ignore: decorator
@inline
function zeroColumn<T>(p: usize, classes: i32, step: usize): void {
  for (let c = 0; c < classes; c++, p += step) store<T>(p, <T> 0);
}

/** Takes g times what each class should get from a column of gradients. */
// @ts-ignore: decorator
@inline
function subtractTarget<T>(
  column: usize, step: usize, t: i32, weight: usize, classes: i32, smoothing: f64, g: f64,
): void {
  const at = column + <usize> t * step;
  store<T>(at, <T> (<f64> load<T>(at) - g * (1 - smoothing) * weightOf<T>(weight, t)));
  if (smoothing == 0) return;
  const share = g * smoothing / <f64> classes;
  for (let c = 0, p = column; c < classes; c++, p += step) {
    store<T>(p, <T> (<f64> load<T>(p) - share * weightOf<T>(weight, c)));
  }
}

/** The softmax of x times `scale`; 0 where it is denormal. */
// @ts-ignore: decorator
@inline
function share(x: v128, m: v128, log: v128, scale: v128): v128 {
  return f32x4.mul(expFlushed(f32x4.sub(f32x4.sub(x, m), log)), scale);
}

export function cross_entropy_grad(
  dx: usize, dy: usize, total: usize, stats: usize, x: usize, target: usize, weight: usize, classes: i32, inner: i32,
  ignore: i32, smoothing: f64, dyStep: i32, begin: i32, end: i32,
): void {
  const step = <usize> inner << 2, zero = f32x4.splat(0);
  for (let i = begin; i < end; i++) {
    const t = targetAt(target, i), at = stats + (<usize> i << 3);
    const from = columnOf<f32>(x, i, classes, inner), to = from - x + dx;
    if (t == <i64> ignore) {
      zeroColumn<f32>(to, classes, step);
      continue;
    }
    const g = gradOf<f32>(dy, total, dyStep, i);
    const scale = f32x4.splat(<f32> (g * mass<f32>(<i32> t, weight, classes, smoothing)));
    const m = v128.load32_splat(at), log = v128.load32_splat(at, 4);
    if (inner == 1) {
      let p: usize = 0, left = classes;
      for (; left >= 16; left -= 16, p += 64) {
        const q = from + p, r = to + p;
        const v0 = share(v128.load(q), m, log, scale),
          v1 = share(v128.load(q, 16), m, log, scale),
          v2 = share(v128.load(q, 32), m, log, scale),
          v3 = share(v128.load(q, 48), m, log, scale);
        v128.store(r, v0);
        v128.store(r, v1, 16);
        v128.store(r, v2, 32);
        v128.store(r, v3, 48);
      }
      for (; left > 0; left -= 4, p += 16) {
        storeLanes<f32>(to + p, share(loadLanes<f32>(from + p, left, zero), m, log, scale), left);
      }
    } else {
      // Four classes of one position at a time.
      for (let c = 0, p: usize = 0; c < classes; ) {
        let v = zero;
        const count = min(4, classes - c), first = p;
        for (let lane = 0; lane < 4; lane++) {
          v = i32x4.shuffle(v, v, 1, 2, 3, 0);
          if (lane < count) {
            v = v128.load_lane<f32>(from + p, v, 3);
            p += step;
          }
        }
        v = share(v, m, log, scale);
        for (let lane = 0, q = first; lane < count; lane++, q += step) {
          store<f32>(to + q, f32x4.extract_lane(v, 0));
          v = i32x4.shuffle(v, v, 1, 2, 3, 0);
        }
        c += count;
      }
    }
    subtractTarget<f32>(to, step, <i32> t, weight, classes, smoothing, g);
  }
}

export function cross_entropy_grad_f64(
  dx: usize, dy: usize, total: usize, stats: usize, x: usize, target: usize, weight: usize, classes: i32, inner: i32,
  ignore: i32, smoothing: f64, dyStep: i32, begin: i32, end: i32,
): void {
  const step = <usize> inner << 3;
  for (let i = begin; i < end; i++) {
    const t = targetAt(target, i), at = stats + (<usize> i << 4);
    const from = columnOf<f64>(x, i, classes, inner), to = from - x + dx;
    if (t == <i64> ignore) {
      zeroColumn<f64>(to, classes, step);
      continue;
    }
    const g = gradOf<f64>(dy, total, dyStep, i), scale = g * mass<f64>(<i32> t, weight, classes, smoothing);
    const m = load<f64>(at), log = load<f64>(at, 8);
    for (let c = 0, p: usize = 0; c < classes; c++, p += step) {
      store<f64>(to + p, scale * NativeMath.exp(load<f64>(from + p) - m - log));
    }
    subtractTarget<f64>(to, step, <i32> t, weight, classes, smoothing, g);
  }
}

/** What each class of each position should get: w[c] (s / classes + (1 - s) [c is the target]). */
// @ts-ignore: decorator
@inline
function targetShares<T>(
  y: usize, target: usize, weight: usize, classes: i32, inner: i32, ignore: i32, smoothing: f64, begin: i32, end: i32,
): void {
  const step = <usize> inner * sizeof<T>();
  for (let i = begin; i < end; i++) {
    const t = targetAt(target, i), column = columnOf<T>(y, i, classes, inner);
    zeroColumn<T>(column, classes, step);
    if (t != <i64> ignore) subtractTarget<T>(column, step, <i32> t, weight, classes, smoothing, -1);
  }
}

export function nll_loss(
  y: usize, x: usize, target: usize, weight: usize, classes: i32, inner: i32, ignore: i32, begin: i32, end: i32,
): void {
  nll<f32>(y, x, target, weight, classes, inner, ignore, begin, end);
}

export function nll_loss_grad(
  dx: usize, dy: usize, total: usize, target: usize, weight: usize, classes: i32, inner: i32, ignore: i32,
  dyStep: i32, begin: i32, end: i32,
): void {
  nllGrad<f32>(dx, dy, total, target, weight, classes, inner, ignore, dyStep, begin, end);
}

export function weighted_mean(
  y: usize, total: usize, losses: usize, target: usize, weight: usize, _classes: i32, ignore: i32, count: i32,
): void {
  weightedMean<f32>(y, total, losses, target, weight, ignore, count);
}

export function cross_entropy_target(
  y: usize, target: usize, weight: usize, classes: i32, inner: i32, ignore: i32, smoothing: f64, begin: i32, end: i32,
): void {
  targetShares<f32>(y, target, weight, classes, inner, ignore, smoothing, begin, end);
}

export function nll_loss_f64(
  y: usize, x: usize, target: usize, weight: usize, classes: i32, inner: i32, ignore: i32, begin: i32, end: i32,
): void {
  nll<f64>(y, x, target, weight, classes, inner, ignore, begin, end);
}

export function nll_loss_grad_f64(
  dx: usize, dy: usize, total: usize, target: usize, weight: usize, classes: i32, inner: i32, ignore: i32,
  dyStep: i32, begin: i32, end: i32,
): void {
  nllGrad<f64>(dx, dy, total, target, weight, classes, inner, ignore, dyStep, begin, end);
}

export function weighted_mean_f64(
  y: usize, total: usize, losses: usize, target: usize, weight: usize, _classes: i32, ignore: i32, count: i32,
): void {
  weightedMean<f64>(y, total, losses, target, weight, ignore, count);
}

export function cross_entropy_target_f64(
  y: usize, target: usize, weight: usize, classes: i32, inner: i32, ignore: i32, smoothing: f64, begin: i32, end: i32,
): void {
  targetShares<f64>(y, target, weight, classes, inner, ignore, smoothing, begin, end);
}
