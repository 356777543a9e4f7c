/**
 * Normalisation of rows: y = (x - mean) * rstd * weight + bias with rstd = 1 / sqrt(variance + eps), and its gradients
 *
 *     dx = rstd * (g - sum g / n - xhat * sum (g * xhat) / n)     g = dy * weight, xhat = (x - mean) * rstd
 *     dWeight = sum dy * xhat                                    dBias = sum dy
 *
 * x is [rows, channels, inner]; the channels of row r are weight[(r % groups) * channels ...]. Not `centred`, the mean
 * counts as zero. `stats` holds all means, then all rstd. weight and bias are 0 where there are none. Variances are
 * computed from the mean, in a second pass, while the elements are in the cache.
 */
import { apply, applyGrad, at, columnGrads, gradSums, place, put, sumOf } from "./normalize_sums";

// @ts-ignore: decorator
@inline
function rowNorm<T>(
  y: usize,
  stats: usize,
  x: usize,
  weight: usize,
  bias: usize,
  rows: i32,
  groups: i32,
  channels: i32,
  inner: i32,
  centred: i32,
  eps: f64,
  begin: i32,
  end: i32,
): void {
  const n = channels * inner, bytes = <usize> n * sizeof<T>(), zero = i64x2.splat(0);
  for (let r = begin; r < end; r++) {
    const from = x + <usize> r * bytes, to = y + <usize> r * bytes, first = r % groups * channels;
    const mean = <T> (centred ? sumOf<T>(false, from, n, zero) / n : 0), m = v128.splat<T>(mean);
    const rstd = 1 / NativeMath.sqrt(sumOf<T>(true, from, n, m) / n + eps);
    put<T>(stats, r, mean);
    put<T>(stats, rows + r, rstd);
    if (inner == 1) {
      const scale = v128.splat<T>(<T> rstd);
      apply<T>(to, from, place<T>(weight, first), place<T>(bias, first), n, m, scale, zero);
      continue;
    }
    const segment = <usize> inner * sizeof<T>();
    for (let c = 0; c < channels; c++) {
      const scale = v128.splat<T>(<T> (rstd * at<T>(weight, first + c, 1)));
      const shift = v128.splat<T>(<T> at<T>(bias, first + c, 0)), p = <usize> c * segment;
      apply<T>(to + p, from + p, 0, 0, inner, m, scale, shift);
    }
  }
}

export function row_norm(
  y: usize,
  stats: usize,
  x: usize,
  weight: usize,
  bias: usize,
  rows: i32,
  groups: i32,
  channels: i32,
  inner: i32,
  centred: i32,
  eps: f64,
  begin: i32,
  end: i32,
): void {
  rowNorm<f32>(y, stats, x, weight, bias, rows, groups, channels, inner, centred, eps, begin, end);
}

export function row_norm_f64(
  y: usize,
  stats: usize,
  x: usize,
  weight: usize,
  bias: usize,
  rows: i32,
  groups: i32,
  channels: i32,
  inner: i32,
  centred: i32,
  eps: f64,
  begin: i32,
  end: i32,
): void {
  rowNorm<f64>(y, stats, x, weight, bias, rows, groups, channels, inner, centred, eps, begin, end);
}

// @ts-ignore: decorator
@inline
function rowNormGrad<T>(
  dx: usize,
  dy: usize,
  x: usize,
  stats: usize,
  weight: usize,
  rows: i32,
  groups: i32,
  channels: i32,
  inner: i32,
  centred: i32,
  begin: i32,
  end: i32,
): void {
  const n = channels * inner, bytes = <usize> n * sizeof<T>();
  const segment = <usize> inner * sizeof<T>();
  for (let r = begin; r < end; r++) {
    const row = <usize> r * bytes, first = r % groups * channels, w = place<T>(weight, first);
    const mean = v128.splat<T>(<T> at<T>(stats, r, 0)), rstd = at<T>(stats, rows + r, 0);
    let sums = f64x2.splat(0);
    if (inner == 1) sums = gradSums<T>(dy + row, x + row, w, n, mean);
    else {
      for (let c = 0; c < channels; c++) {
        const p = row + <usize> c * segment, s = gradSums<T>(dy + p, x + p, 0, inner, mean);
        sums = f64x2.add(sums, f64x2.mul(s, f64x2.splat(at<T>(w, c, 1))));
      }
    }
    const total = f64x2.extract_lane(sums, 0), product = f64x2.extract_lane(sums, 1);
    const shift = v128.splat<T>(<T> (centred ? rstd * total / n : 0));
    const slope = v128.splat<T>(<T> (rstd * rstd * rstd * product / n));
    if (inner == 1) {
      const scale = v128.splat<T>(<T> rstd);
      applyGrad<T>(dx + row, dy + row, x + row, w, n, mean, scale, slope, shift);
      continue;
    }
    for (let c = 0; c < channels; c++) {
      const p = row + <usize> c * segment, scale = v128.splat<T>(<T> (rstd * at<T>(w, c, 1)));
      applyGrad<T>(dx + p, dy + p, x + p, 0, inner, mean, scale, slope, shift);
    }
  }
}

export function row_norm_grad(
  dx: usize,
  dy: usize,
  x: usize,
  stats: usize,
  weight: usize,
  rows: i32,
  groups: i32,
  channels: i32,
  inner: i32,
  centred: i32,
  begin: i32,
  end: i32,
): void {
  rowNormGrad<f32>(
    dx, dy, x, stats, weight, rows, groups, channels, inner, centred, begin, end,
  );
}

export function row_norm_grad_f64(
  dx: usize,
  dy: usize,
  x: usize,
  stats: usize,
  weight: usize,
  rows: i32,
  groups: i32,
  channels: i32,
  inner: i32,
  centred: i32,
  begin: i32,
  end: i32,
): void {
  rowNormGrad<f64>(
    dx, dy, x, stats, weight, rows, groups, channels, inner, centred, begin, end,
  );
}

// @ts-ignore: decorator
@inline
function rowNormGradAffine<T>(
  dWeight: usize,
  dBias: usize,
  dy: usize,
  x: usize,
  stats: usize,
  rows: i32,
  groups: i32,
  channels: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  const batches = rows / groups, columns = groups * channels;
  if (inner == 1) {
    for (let c = begin; c < end;) {
      const group = c / channels, stop = min(end, (group + 1) * channels);
      const own = stats + <usize> group * sizeof<T>();
      columnGrads<T>(dWeight, dBias, dy, x, own, rows, groups, batches, columns, c, stop);
      c = stop;
    }
    return;
  }
  for (let c = begin; c < end; c++) {
    let bias: f64 = 0, weight: f64 = 0;
    for (let b = 0; b < batches; b++) {
      const r = b * groups + c / channels, mean = v128.splat<T>(<T> at<T>(stats, r, 0));
      const p = (<usize> b * columns + c) * inner * sizeof<T>();
      const sums = gradSums<T>(dy + p, x + p, 0, inner, mean);
      bias += f64x2.extract_lane(sums, 0);
      weight += f64x2.extract_lane(sums, 1) * at<T>(stats, rows + r, 0);
    }
    put<T>(dBias, c, bias);
    put<T>(dWeight, c, weight);
  }
}

/** dWeight and dBias of the channels [begin, end) of groups * channels. */
export function row_norm_grad_affine(
  dWeight: usize,
  dBias: usize,
  dy: usize,
  x: usize,
  stats: usize,
  rows: i32,
  groups: i32,
  channels: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  rowNormGradAffine<f32>(
    dWeight, dBias, dy, x, stats, rows, groups, channels, inner, begin, end,
  );
}

export function row_norm_grad_affine_f64(
  dWeight: usize,
  dBias: usize,
  dy: usize,
  x: usize,
  stats: usize,
  rows: i32,
  groups: i32,
  channels: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  rowNormGradAffine<f64>(
    dWeight, dBias, dy, x, stats, rows, groups, channels, inner, begin, end,
  );
}
