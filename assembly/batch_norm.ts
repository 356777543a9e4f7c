/**
 * Normalisation of channels over batches: as normalize.ts, for x [batches, channels, inner] with statistics for each
 * channel. `stats` holds all means, then all rstd. weight, bias and the running statistics are 0 where there are none.
 */
import { loadLanes, storeLanes } from "./lanes";
import {
  apply,
  applyGrad,
  at,
  BLOCK,
  columnGrads,
  gradSums,
  put,
  sumOf,
  term,
} from "./normalize_sums";

/** Sums over rows of the columns [begin, end), or of squared differences from their means, into y. */
// @ts-ignore: decorator
@inline
function columnSums<T>(
  squares: bool,
  y: usize,
  x: usize,
  means: usize,
  rows: i32,
  columns: i32,
  begin: i32,
  end: i32,
): void {
  const zero = i64x2.splat(0), width = <i32> (16 / sizeof<T>());
  const stride = <usize> columns * sizeof<T>();
  memory.fill(y + <usize> begin * sizeof<T>(), 0, <usize> (end - begin) * sizeof<T>());
  for (let block = 0; block < rows; block += BLOCK) {
    const stop = min(block + BLOCK, rows);
    for (let c = begin; c < end; c += width) {
      const column = <usize> c * sizeof<T>(), left = end - c;
      const mean = squares ? loadLanes<T>(means + column, left, zero) : zero;
      let s = zero;
      for (let i = block, p = x + <usize> block * stride + column; i < stop; i++, p += stride) {
        s = v128.add<T>(s, term<T>(squares, loadLanes<T>(p, left, zero), mean));
      }
      storeLanes<T>(y + column, v128.add<T>(s, loadLanes<T>(y + column, left, zero)), left);
    }
  }
}

/** stats[c] and stats[channels + c] from the mean and variance of a channel, which move the running ones. */
// @ts-ignore: decorator
@inline
function settle<T>(
  stats: usize,
  runningMean: usize,
  runningVar: usize,
  channels: i32,
  c: i32,
  n: f64,
  variance: f64,
  momentum: f64,
  eps: f64,
): void {
  put<T>(stats, channels + c, 1 / NativeMath.sqrt(variance + eps));
  if (runningMean) {
    const old = at<T>(runningMean, c, 0);
    put<T>(runningMean, c, (1 - momentum) * old + momentum * at<T>(stats, c, 0));
  }
  if (runningVar) {
    const unbiased = variance * (n / (n - 1));
    put<T>(runningVar, c, (1 - momentum) * at<T>(runningVar, c, 0) + momentum * unbiased);
  }
}

// @ts-ignore: decorator
@inline
function batchNorm<T>(
  y: usize,
  stats: usize,
  runningMean: usize,
  runningVar: usize,
  x: usize,
  weight: usize,
  bias: usize,
  batches: i32,
  channels: i32,
  inner: i32,
  training: i32,
  momentum: f64,
  eps: f64,
  begin: i32,
  end: i32,
): void {
  const zero = i64x2.splat(0), width = <i32> (16 / sizeof<T>());
  const segment = <usize> inner * sizeof<T>(), stride = <usize> channels * segment;
  const n = <f64> batches * <f64> inner, rstds = stats + <usize> channels * sizeof<T>();
  const wholeColumns = inner == 1;
  if (!training) {
    for (let c = begin; c < end; c++) {
      put<T>(stats, c, at<T>(runningMean, c, 0));
      put<T>(rstds, c, 1 / NativeMath.sqrt(at<T>(runningVar, c, 1) + eps));
    }
  } else if (wholeColumns) {
    columnSums<T>(false, stats, x, 0, batches, channels, begin, end);
    for (let c = begin; c < end; c++) put<T>(stats, c, at<T>(stats, c, 0) / n);
    columnSums<T>(true, rstds, x, stats, batches, channels, begin, end);
    for (let c = begin; c < end; c++) {
      const variance = at<T>(rstds, c, 0) / n;
      settle<T>(stats, runningMean, runningVar, channels, c, n, variance, momentum, eps);
    }
  }
  if (wholeColumns) {
    for (let b = 0; b < batches; b++) {
      for (let c = begin; c < end; c += width) {
        const column = <usize> c * sizeof<T>(), p = <usize> b * stride + column, left = end - c;
        const mean = loadLanes<T>(stats + column, left, zero);
        let v = v128.sub<T>(loadLanes<T>(x + p, left, zero), mean);
        v = v128.mul<T>(v, loadLanes<T>(rstds + column, left, zero));
        if (weight) v = v128.mul<T>(v, loadLanes<T>(weight + column, left, zero));
        if (bias) v = v128.add<T>(v, loadLanes<T>(bias + column, left, zero));
        storeLanes<T>(y + p, v, left);
      }
    }
    return;
  }
  for (let c = begin; c < end; c++) {
    const first = <usize> c * segment;
    if (training) {
      let total: f64 = 0, squares: f64 = 0;
      for (let b = 0; b < batches; b++) {
        total += sumOf<T>(false, x + <usize> b * stride + first, inner, zero);
      }
      put<T>(stats, c, total / n);
      const m = v128.splat<T>(<T> at<T>(stats, c, 0));
      for (let b = 0; b < batches; b++) {
        squares += sumOf<T>(true, x + <usize> b * stride + first, inner, m);
      }
      settle<T>(stats, runningMean, runningVar, channels, c, n, squares / n, momentum, eps);
    }
    const mean = v128.splat<T>(<T> at<T>(stats, c, 0)),
      scale = v128.splat<T>(<T> (at<T>(rstds, c, 0) * at<T>(weight, c, 1))),
      shift = v128.splat<T>(<T> at<T>(bias, c, 0));
    for (let b = 0; b < batches; b++) {
      const p = <usize> b * stride + first;
      apply<T>(y + p, x + p, 0, 0, inner, mean, scale, shift);
    }
  }
}

/** Not `training`, the running statistics are used, and stay as they are. */
export function batch_norm(
  y: usize,
  stats: usize,
  runningMean: usize,
  runningVar: usize,
  x: usize,
  weight: usize,
  bias: usize,
  batches: i32,
  channels: i32,
  inner: i32,
  training: i32,
  momentum: f64,
  eps: f64,
  begin: i32,
  end: i32,
): void {
  batchNorm<f32>(
    y, stats, runningMean, runningVar, x, weight, bias, batches, channels, inner, training,
    momentum, eps, begin, end,
  );
}

export function batch_norm_f64(
  y: usize,
  stats: usize,
  runningMean: usize,
  runningVar: usize,
  x: usize,
  weight: usize,
  bias: usize,
  batches: i32,
  channels: i32,
  inner: i32,
  training: i32,
  momentum: f64,
  eps: f64,
  begin: i32,
  end: i32,
): void {
  batchNorm<f64>(
    y, stats, runningMean, runningVar, x, weight, bias, batches, channels, inner, training,
    momentum, eps, begin, end,
  );
}

// @ts-ignore: decorator
@inline
function batchNormGrad<T>(
  dx: usize,
  dWeight: usize,
  dBias: usize,
  dy: usize,
  x: usize,
  stats: usize,
  weight: usize,
  batches: i32,
  channels: i32,
  inner: i32,
  training: i32,
  begin: i32,
  end: i32,
): void {
  const zero = i64x2.splat(0), width = <i32> (16 / sizeof<T>());
  const segment = <usize> inner * sizeof<T>(), stride = <usize> channels * segment;
  const n = <f64> batches * <f64> inner, rstds = stats + <usize> channels * sizeof<T>();
  if (inner == 1) {
    columnGrads<T>(dWeight, dBias, dy, x, stats, channels, 0, batches, channels, begin, end);
    if (!dx) return;
    const share = v128.splat<T>(<T> (training ? 1 / n : 0));
    for (let b = 0; b < batches; b++) {
      for (let c = begin; c < end; c += width) {
        const column = <usize> c * sizeof<T>(), p = <usize> b * stride + column, left = end - c;
        const mean = loadLanes<T>(stats + column, left, zero),
          rstd = loadLanes<T>(rstds + column, left, zero);
        const xhat = v128.mul<T>(v128.sub<T>(loadLanes<T>(x + p, left, zero), mean), rstd);
        const s = v128.mul<T>(loadLanes<T>(dBias + column, left, zero), share),
          t = v128.mul<T>(loadLanes<T>(dWeight + column, left, zero), share);
        let v = v128.sub<T>(loadLanes<T>(dy + p, left, zero), v128.add<T>(s, v128.mul<T>(xhat, t)));
        v = v128.mul<T>(v, rstd);
        if (weight) v = v128.mul<T>(v, loadLanes<T>(weight + column, left, zero));
        storeLanes<T>(dx + p, v, left);
      }
    }
    return;
  }
  for (let c = begin; c < end; c++) {
    const first = <usize> c * segment, mean = v128.splat<T>(<T> at<T>(stats, c, 0));
    const rstd = at<T>(rstds, c, 0), factor = rstd * at<T>(weight, c, 1);
    let sums = f64x2.splat(0);
    for (let b = 0; b < batches; b++) {
      const p = <usize> b * stride + first;
      sums = f64x2.add(sums, gradSums<T>(dy + p, x + p, 0, inner, mean));
    }
    const total = f64x2.extract_lane(sums, 0), product = f64x2.extract_lane(sums, 1);
    put<T>(dBias, c, total);
    put<T>(dWeight, c, product * rstd);
    if (!dx) continue;
    const share = training ? factor / n : 0, scale = v128.splat<T>(<T> factor);
    const slope = v128.splat<T>(<T> (share * rstd * rstd * product));
    const shift = v128.splat<T>(<T> (share * total));
    for (let b = 0; b < batches; b++) {
      const p = <usize> b * stride + first;
      applyGrad<T>(dx + p, dy + p, x + p, 0, inner, mean, scale, slope, shift);
    }
  }
}

/** dx (left out if it is 0), dWeight and dBias. */
export function batch_norm_grad(
  dx: usize,
  dWeight: usize,
  dBias: usize,
  dy: usize,
  x: usize,
  stats: usize,
  weight: usize,
  batches: i32,
  channels: i32,
  inner: i32,
  training: i32,
  begin: i32,
  end: i32,
): void {
  batchNormGrad<f32>(
    dx, dWeight, dBias, dy, x, stats, weight, batches, channels, inner, training, begin, end,
  );
}

export function batch_norm_grad_f64(
  dx: usize,
  dWeight: usize,
  dBias: usize,
  dy: usize,
  x: usize,
  stats: usize,
  weight: usize,
  batches: i32,
  channels: i32,
  inner: i32,
  training: i32,
  begin: i32,
  end: i32,
): void {
  batchNormGrad<f64>(
    dx, dWeight, dBias, dy, x, stats, weight, batches, channels, inner, training, begin, end,
  );
}
