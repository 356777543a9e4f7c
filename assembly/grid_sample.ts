// deno-fmt-ignore-file: it deletes @inline before functions, and gives each of many parameters a line.
/**
 * Sampling at the points of a grid: x [samples, channels, size0, size1, size2], grid [samples, points, axes] of numbers in
 * -1 .. 1, the last axis of x first -> y [samples, channels, points]. With two axes, size0 is 1. `mode`: 0 linear, 1
 * nearest, 2 cubic; `padding`: 0 zeros, 1 border, 2 reflection; `corners`: whether -1 and 1 are the centres of the first
 * and the last element rather than their outer edges.
 *
 * Scratch, for the point at hand: for each axis up to four places, their weights, and the derivatives of these; then the
 * elements that it reads, as offsets in a plane and weights, and the derivatives of these by the three axes.
 */

/** Bytes of one axis in scratch, and of its parts: int32 places, weights, derivatives. */
const AXIS: usize = 80, WEIGHTS: usize = 16, DERIVATIVES: usize = 48;
/** Where the list of elements begins, and its parts: int32 offsets, weights, derivatives by each axis. */
const OFFSETS: usize = 240, PRODUCTS: usize = 304, SLOPES: usize = 432;
/** Bytes from one axis' derivatives to the next one's: 16 elements of 8 bytes. */
const SLOPE: usize = 128;
/** Positions beyond this are taken as this: a whole number that float32 holds. */
const FAR: i32 = 1 << 30;

/** The derivative of a position by its coordinate, given beside the position by the functions below. */
let slope: f64 = 0;

/** `position` mirrored at `low` and `low + span` until it lies between them. */
// @ts-ignore: decorator
@inline
function reflected<T>(position: T, low: T, span: T): T {
  if (span <= 0) {
    slope = 0;
    return 0;
  }
  let away = position - low;
  if (away < 0) {
    away = -away;
    slope = -slope;
  }
  const turns = floor<T>(away / span), rest = away - turns * span;
  // An even number of turns leaves the direction as it was.
  if (turns * <T>0.5 == floor<T>(turns * <T>0.5)) return rest + low;
  slope = -slope;
  return span - rest + low;
}

/** A position outside of the axis moved into it as `padding` says. */
// @ts-ignore: decorator
@inline
function inside<T>(position: T, size: i32, padding: i32, corners: i32): T {
  if (padding == 0) return position;
  if (padding == 2) {
    position = corners ? reflected<T>(position, 0, <T>(size - 1)) : reflected<T>(position, <T>-0.5, <T>size);
  }
  if (position <= 0) {
    slope = 0;
    return 0;
  }
  if (position >= <T>(size - 1)) {
    slope = 0;
    return <T>(size - 1);
  }
  return position;
}

/** The place of tap `i`: -1 where there is nothing to read. */
// @ts-ignore: decorator
@inline
function placeOf<T>(position: T, size: i32): i32 {
  return position >= 0 && position < <T>size ? <i32>position : -1;
}

/** Writes tap `i` of an axis. */
// @ts-ignore: decorator
@inline
function tap<T>(at: usize, i: usize, place: i32, weight: T, derivative: T): void {
  store<i32>(at + (i << 2), place);
  store<T>(at + WEIGHTS + i * sizeof<T>(), weight);
  store<T>(at + DERIVATIVES + i * sizeof<T>(), derivative);
}

/** The nearest whole number: halves go to the even one over two axes, away from 0 over three, as in PyTorch. */
// @ts-ignore: decorator
@inline
function rounded<T>(position: T, axes: i32): T {
  if (axes == 2) return nearest<T>(position);
  const whole = trunc<T>(position), rest = position - whole;
  return rest >= <T>0.5 ? whole + 1 : rest <= <T>-0.5 ? whole - 1 : whole;
}

/** Cubic convolution's weight of an element at distance 0 <= d <= 1, and at 1 <= d <= 2; derivatives by d. */
// @ts-ignore: decorator
@inline
function near<T>(d: T): T {
  return (<T>1.25 * d - <T>2.25) * d * d + 1;
}
// @ts-ignore: decorator
@inline
function nearSlope<T>(d: T): T {
  return (<T>3.75 * d - <T>4.5) * d;
}
// @ts-ignore: decorator
@inline
function far<T>(d: T): T {
  return ((<T>-0.75 * d + <T>3.75) * d - 6) * d + 3;
}
// @ts-ignore: decorator
@inline
function farSlope<T>(d: T): T {
  return (<T>-2.25 * d + <T>7.5) * d - 6;
}

/** Writes the taps of one axis at `at` for a coordinate; gives their number. */
// @ts-ignore: decorator
@inline
function tapsOf<T>(at: usize, coordinate: T, size: i32, axes: i32, mode: i32, padding: i32, corners: i32): i32 {
  // As PyTorch's documentation has it.
  if (coordinate != coordinate) coordinate = -1;
  const scale = <T>(corners ? size - 1 : size) * <T>0.5;
  let position = (coordinate + 1) * scale;
  if (!corners) position -= <T>0.5;
  position = min<T>(max<T>(position, <T>-FAR), <T>FAR);
  slope = 1;
  if (mode == 2) {
    const first = floor<T>(position), t = position - first;
    tap<T>(at, 0, placeOf<T>(inside<T>(first - 1, size, padding, corners), size), far<T>(t + 1), scale * farSlope<T>(t + 1));
    tap<T>(at, 1, placeOf<T>(inside<T>(first, size, padding, corners), size), near<T>(t), scale * nearSlope<T>(t));
    tap<T>(at, 2, placeOf<T>(inside<T>(first + 1, size, padding, corners), size), near<T>(1 - t), -scale * nearSlope<T>(1 - t));
    tap<T>(at, 3, placeOf<T>(inside<T>(first + 2, size, padding, corners), size), far<T>(2 - t), -scale * farSlope<T>(2 - t));
    return 4;
  }
  position = inside<T>(position, size, padding, corners);
  if (mode == 1) {
    tap<T>(at, 0, placeOf<T>(rounded<T>(position, axes), size), 1, 0);
    return 1;
  }
  const first = floor<T>(position), t = position - first, derivative = scale * <T>slope;
  tap<T>(at, 0, placeOf<T>(first, size), 1 - t, -derivative);
  tap<T>(at, 1, placeOf<T>(first + 1, size), t, derivative);
  return 2;
}

/** Writes the list of elements that the point at `point` reads; gives their number. */
// @ts-ignore: decorator
@inline
function elementsOf<T>(
  scratch: usize, point: usize, size0: i32, size1: i32, size2: i32, axes: i32, mode: i32, padding: i32, corners: i32,
  slopes: bool,
): i32 {
  const axis0 = scratch, axis1 = scratch + AXIS, axis2 = scratch + 2 * AXIS;
  const n2 = tapsOf<T>(axis2, load<T>(point), size2, axes, mode, padding, corners);
  const n1 = tapsOf<T>(axis1, load<T>(point + sizeof<T>()), size1, axes, mode, padding, corners);
  let n0 = 1;
  if (axes == 3) n0 = tapsOf<T>(axis0, load<T>(point + 2 * sizeof<T>()), size0, axes, mode, padding, corners);
  else tap<T>(axis0, 0, 0, 1, 0);
  let count = 0;
  for (let i0: usize = 0; i0 < <usize>n0; i0++) {
    const p0 = load<i32>(axis0 + (i0 << 2));
    if (p0 < 0) continue;
    const w0 = load<T>(axis0 + WEIGHTS + i0 * sizeof<T>()), d0 = load<T>(axis0 + DERIVATIVES + i0 * sizeof<T>());
    for (let i1: usize = 0; i1 < <usize>n1; i1++) {
      const p1 = load<i32>(axis1 + (i1 << 2));
      if (p1 < 0) continue;
      const w1 = load<T>(axis1 + WEIGHTS + i1 * sizeof<T>()), d1 = load<T>(axis1 + DERIVATIVES + i1 * sizeof<T>());
      const row = (p0 * size1 + p1) * size2;
      for (let i2: usize = 0; i2 < <usize>n2; i2++) {
        const p2 = load<i32>(axis2 + (i2 << 2));
        if (p2 < 0) continue;
        const w2 = load<T>(axis2 + WEIGHTS + i2 * sizeof<T>()), d2 = load<T>(axis2 + DERIVATIVES + i2 * sizeof<T>());
        const to = scratch + <usize>count * sizeof<T>();
        store<i32>(scratch + OFFSETS + (<usize>count << 2), (row + p2) * <i32>sizeof<T>());
        store<T>(to + PRODUCTS, w0 * w1 * w2);
        if (slopes) {
          store<T>(to + SLOPES, w0 * w1 * d2);
          store<T>(to + SLOPES + SLOPE, w0 * d1 * w2);
          store<T>(to + SLOPES + 2 * SLOPE, d0 * w1 * w2);
        }
        count++;
      }
    }
  }
  return count;
}

// @ts-ignore: decorator
@inline
function sample<T>(
  y: usize, x: usize, grid: usize, channels: i32, size0: i32, size1: i32, size2: i32, points: i32, axes: i32,
  mode: i32, padding: i32, corners: i32, scratch: usize, begin: i32, end: i32,
): void {
  const plane = <usize>(size0 * size1 * size2) * sizeof<T>(), line = <usize>points * sizeof<T>();
  for (let q = begin; q < end; q++) {
    const s = q / points, p = q - s * points;
    const count = elementsOf<T>(
      scratch, grid + <usize>q * <usize>axes * sizeof<T>(), size0, size1, size2, axes, mode, padding, corners, false,
    );
    let from = x + <usize>s * <usize>channels * plane;
    let to = y + <usize>s * <usize>channels * line + <usize>p * sizeof<T>();
    if (count == 4) {
      const list = scratch + OFFSETS, products = scratch + PRODUCTS;
      const o0 = <usize>load<i32>(list), o1 = <usize>load<i32>(list, 4);
      const o2 = <usize>load<i32>(list, 8), o3 = <usize>load<i32>(list, 12);
      const w0 = load<T>(products), w1 = load<T>(products + sizeof<T>());
      const w2 = load<T>(products + 2 * sizeof<T>()), w3 = load<T>(products + 3 * sizeof<T>());
      for (let c = 0; c < channels; c++, from += plane, to += line) {
        store<T>(
          to, w0 * load<T>(from + o0) + w1 * load<T>(from + o1) + w2 * load<T>(from + o2) + w3 * load<T>(from + o3),
        );
      }
      continue;
    }
    if (count == 1) {
      from += <usize>load<i32>(scratch + OFFSETS);
      const weight = load<T>(scratch + PRODUCTS);
      for (let c = 0; c < channels; c++, from += plane, to += line) store<T>(to, weight * load<T>(from));
      continue;
    }
    for (let c = 0; c < channels; c++, from += plane, to += line) {
      let sum: T = 0;
      for (let k: usize = 0; k < <usize>count; k++) {
        sum += load<T>(scratch + PRODUCTS + k * sizeof<T>()) *
          load<T>(from + <usize>load<i32>(scratch + OFFSETS + (k << 2)));
      }
      store<T>(to, sum);
    }
  }
}

/** y at the points [begin, end) of all samples. */
export function grid_sample(
  y: usize, x: usize, grid: usize, channels: i32, size0: i32, size1: i32, size2: i32, points: i32, axes: i32,
  mode: i32, padding: i32, corners: i32, scratch: usize, begin: i32, end: i32,
): void {
  sample<f32>(y, x, grid, channels, size0, size1, size2, points, axes, mode, padding, corners, scratch, begin, end);
}

/** The same in float64. */
export function grid_sample_f64(
  y: usize, x: usize, grid: usize, channels: i32, size0: i32, size1: i32, size2: i32, points: i32, axes: i32,
  mode: i32, padding: i32, corners: i32, scratch: usize, begin: i32, end: i32,
): void {
  sample<f64>(y, x, grid, channels, size0, size1, size2, points, axes, mode, padding, corners, scratch, begin, end);
}

// @ts-ignore: decorator
@inline
function spread<T>(
  dx: usize, dy: usize, grid: usize, channels: i32, size0: i32, size1: i32, size2: i32, points: i32, axes: i32,
  mode: i32, padding: i32, corners: i32, scratch: usize, begin: i32, end: i32,
): void {
  const plane = <usize>(size0 * size1 * size2) * sizeof<T>(), line = <usize>points * sizeof<T>();
  for (let s = begin; s < end; s++) {
    const first = dx + <usize>s * <usize>channels * plane;
    memory.fill(first, 0, <usize>channels * plane);
    for (let p = 0; p < points; p++) {
      const count = elementsOf<T>(
        scratch, grid + <usize>(s * points + p) * <usize>axes * sizeof<T>(), size0, size1, size2, axes, mode, padding,
        corners, false,
      );
      let to = first, from = dy + <usize>s * <usize>channels * line + <usize>p * sizeof<T>();
      for (let c = 0; c < channels; c++, to += plane, from += line) {
        const g = load<T>(from);
        for (let k: usize = 0; k < <usize>count; k++) {
          const at = to + <usize>load<i32>(scratch + OFFSETS + (k << 2));
          store<T>(at, load<T>(at) + load<T>(scratch + PRODUCTS + k * sizeof<T>()) * g);
        }
      }
    }
  }
}

/** The gradient of grid_sample's x, for the samples [begin, end): points share elements, samples do not. */
export function grid_sample_grad_x(
  dx: usize, dy: usize, grid: usize, channels: i32, size0: i32, size1: i32, size2: i32, points: i32, axes: i32,
  mode: i32, padding: i32, corners: i32, scratch: usize, begin: i32, end: i32,
): void {
  spread<f32>(dx, dy, grid, channels, size0, size1, size2, points, axes, mode, padding, corners, scratch, begin, end);
}

/** The same in float64. */
export function grid_sample_grad_x_f64(
  dx: usize, dy: usize, grid: usize, channels: i32, size0: i32, size1: i32, size2: i32, points: i32, axes: i32,
  mode: i32, padding: i32, corners: i32, scratch: usize, begin: i32, end: i32,
): void {
  spread<f64>(dx, dy, grid, channels, size0, size1, size2, points, axes, mode, padding, corners, scratch, begin, end);
}

// @ts-ignore: decorator
@inline
function slopesOf<T>(
  dGrid: usize, dy: usize, x: usize, grid: usize, channels: i32, size0: i32, size1: i32, size2: i32, points: i32,
  axes: i32, mode: i32, padding: i32, corners: i32, scratch: usize, begin: i32, end: i32,
): void {
  const plane = <usize>(size0 * size1 * size2) * sizeof<T>(), line = <usize>points * sizeof<T>();
  for (let q = begin; q < end; q++) {
    const s = q / points, p = q - s * points, at = <usize>q * <usize>axes * sizeof<T>();
    const count = elementsOf<T>(scratch, grid + at, size0, size1, size2, axes, mode, padding, corners, true);
    const first = x + <usize>s * <usize>channels * plane;
    const line0 = dy + <usize>s * <usize>channels * line + <usize>p * sizeof<T>();
    let g0: T = 0, g1: T = 0, g2: T = 0;
    for (let k: usize = 0; k < <usize>count; k++) {
      let from = first + <usize>load<i32>(scratch + OFFSETS + (k << 2)), dyFrom = line0, sum: T = 0;
      for (let c = 0; c < channels; c++, from += plane, dyFrom += line) sum += load<T>(from) * load<T>(dyFrom);
      const slopes = scratch + SLOPES + k * sizeof<T>();
      g2 += sum * load<T>(slopes);
      g1 += sum * load<T>(slopes + SLOPE);
      g0 += sum * load<T>(slopes + 2 * SLOPE);
    }
    store<T>(dGrid + at, g2);
    store<T>(dGrid + at + sizeof<T>(), g1);
    if (axes == 3) store<T>(dGrid + at + 2 * sizeof<T>(), g0);
  }
}

/** The gradient of grid_sample's grid, for the points [begin, end) of all samples. */
export function grid_sample_grad_grid(
  dGrid: usize, dy: usize, x: usize, grid: usize, channels: i32, size0: i32, size1: i32, size2: i32, points: i32,
  axes: i32, mode: i32, padding: i32, corners: i32, scratch: usize, begin: i32, end: i32,
): void {
  slopesOf<f32>(
    dGrid, dy, x, grid, channels, size0, size1, size2, points, axes, mode, padding, corners, scratch, begin, end,
  );
}

/** The same in float64. */
export function grid_sample_grad_grid_f64(
  dGrid: usize, dy: usize, x: usize, grid: usize, channels: i32, size0: i32, size1: i32, size2: i32, points: i32,
  axes: i32, mode: i32, padding: i32, corners: i32, scratch: usize, begin: i32, end: i32,
): void {
  slopesOf<f64>(
    dGrid, dy, x, grid, channels, size0, size1, size2, points, axes, mode, padding, corners, scratch, begin, end,
  );
}
