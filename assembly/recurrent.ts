/**
 * Steps of recurrent cells: from both products, of the input (x) and of the state before (s), to the next state. All are
 * [batch, gates * hidden], contiguous; rows [begin, end) of the batch are done.
 *
 *     LSTM  c' = f c + i g, h' = o tanh(c');  i, f, o = sigmoid(x + s), g = tanh(x + s)
 *     GRU   h' = n + z (h - n);  r, z = sigmoid(x + s), n = tanh(x + r s)
 *
 * The gates' values are kept for the gradients, which are computed from them alone.
 */
import { loadLanes, storeLanes } from "./lanes";
import { sigmoidVector, tanhVector } from "./math";
import { fma } from "./simd";
import { sigmoidOf } from "./special";

// @ts-ignore: decorator
@inline
function at(p: usize, count: i32): v128 {
  return loadLanes<f32>(p, count, f32x4.splat(0));
}

/** The gradient of a sigmoid from its result. */
// @ts-ignore: decorator
@inline
function throughSigmoid(dy: v128, y: v128): v128 {
  return f32x4.mul(dy, f32x4.mul(y, f32x4.sub(f32x4.splat(1), y)));
}

/** The gradient of tanh from its result. */
// @ts-ignore: decorator
@inline
function throughTanh(dy: v128, y: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.mul(dy, f32x4.mul(f32x4.sub(one, y), f32x4.add(one, y)));
}

/** The next h and c, and the values of the gates i, f, g, o. */
export function lstm_cell(
  h: usize,
  next: usize,
  gates: usize,
  x: usize,
  s: usize,
  c: usize,
  hidden: i32,
  begin: i32,
  end: i32,
): void {
  const part = <usize> hidden << 2;
  for (let row = begin; row < end; row++) {
    const first = <usize> row * part, p = first << 2;
    for (let j: usize = 0; j < part; j += 16) {
      const n = <i32> ((part - j) >> 2), q = p + j, r = first + j;
      const i = sigmoidVector(f32x4.add(at(x + q, n), at(s + q, n)));
      const f = sigmoidVector(f32x4.add(at(x + q + part, n), at(s + q + part, n)));
      const g = tanhVector(f32x4.add(at(x + q + 2 * part, n), at(s + q + 2 * part, n)));
      const o = sigmoidVector(f32x4.add(at(x + q + 3 * part, n), at(s + q + 3 * part, n)));
      const cell = fma(i, g, f32x4.mul(f, at(c + r, n)));
      storeLanes<f32>(gates + q, i, n);
      storeLanes<f32>(gates + q + part, f, n);
      storeLanes<f32>(gates + q + 2 * part, g, n);
      storeLanes<f32>(gates + q + 3 * part, o, n);
      storeLanes<f32>(next + r, cell, n);
      storeLanes<f32>(h + r, f32x4.mul(o, tanhVector(cell)), n);
    }
  }
}

/** The same in float64. */
export function lstm_cell_f64(
  h: usize,
  next: usize,
  gates: usize,
  x: usize,
  s: usize,
  c: usize,
  hidden: i32,
  begin: i32,
  end: i32,
): void {
  const part = <usize> hidden << 3;
  for (let row = begin; row < end; row++) {
    const first = <usize> row * part, p = first << 2;
    for (let j: usize = 0; j < part; j += 8) {
      const q = p + j, r = first + j;
      const i = sigmoidOf(load<f64>(x + q) + load<f64>(s + q));
      const f = sigmoidOf(load<f64>(x + q + part) + load<f64>(s + q + part));
      const g = NativeMath.tanh(load<f64>(x + q + 2 * part) + load<f64>(s + q + 2 * part));
      const o = sigmoidOf(load<f64>(x + q + 3 * part) + load<f64>(s + q + 3 * part));
      const cell = i * g + f * load<f64>(c + r);
      store<f64>(gates + q, i);
      store<f64>(gates + q + part, f);
      store<f64>(gates + q + 2 * part, g);
      store<f64>(gates + q + 3 * part, o);
      store<f64>(next + r, cell);
      store<f64>(h + r, o * NativeMath.tanh(cell));
    }
  }
}

/** The gradients of the gates' sums and of c, from those of the next h and c; either of these may be 0 for none. */
export function lstm_cell_grad(
  dGates: usize,
  dc: usize,
  dh: usize,
  dNext: usize,
  gates: usize,
  c: usize,
  next: usize,
  hidden: i32,
  begin: i32,
  end: i32,
): void {
  const part = <usize> hidden << 2, zero = f32x4.splat(0);
  for (let row = begin; row < end; row++) {
    const first = <usize> row * part, p = first << 2;
    for (let j: usize = 0; j < part; j += 16) {
      const n = <i32> ((part - j) >> 2), q = p + j, r = first + j;
      const i = at(gates + q, n), f = at(gates + q + part, n);
      const g = at(gates + q + 2 * part, n), o = at(gates + q + 3 * part, n);
      const t = tanhVector(at(next + r, n)), dy = dh ? at(dh + r, n) : zero;
      const given = dNext ? at(dNext + r, n) : zero;
      const d = f32x4.add(given, throughTanh(f32x4.mul(dy, o), t));
      storeLanes<f32>(dGates + q, throughSigmoid(f32x4.mul(d, g), i), n);
      storeLanes<f32>(dGates + q + part, throughSigmoid(f32x4.mul(d, at(c + r, n)), f), n);
      storeLanes<f32>(dGates + q + 2 * part, throughTanh(f32x4.mul(d, i), g), n);
      storeLanes<f32>(dGates + q + 3 * part, throughSigmoid(f32x4.mul(dy, t), o), n);
      storeLanes<f32>(dc + r, f32x4.mul(d, f), n);
    }
  }
}

/** The same in float64. */
export function lstm_cell_grad_f64(
  dGates: usize,
  dc: usize,
  dh: usize,
  dNext: usize,
  gates: usize,
  c: usize,
  next: usize,
  hidden: i32,
  begin: i32,
  end: i32,
): void {
  const part = <usize> hidden << 3;
  for (let row = begin; row < end; row++) {
    const first = <usize> row * part, p = first << 2;
    for (let j: usize = 0; j < part; j += 8) {
      const q = p + j, r = first + j;
      const i = load<f64>(gates + q), f = load<f64>(gates + q + part);
      const g = load<f64>(gates + q + 2 * part), o = load<f64>(gates + q + 3 * part);
      const t = NativeMath.tanh(load<f64>(next + r)), dy = dh ? load<f64>(dh + r) : 0.0;
      const given = dNext ? load<f64>(dNext + r) : 0.0;
      const d = given + dy * o * ((1 - t) * (1 + t));
      store<f64>(dGates + q, d * g * (i * (1 - i)));
      store<f64>(dGates + q + part, d * load<f64>(c + r) * (f * (1 - f)));
      store<f64>(dGates + q + 2 * part, d * i * ((1 - g) * (1 + g)));
      store<f64>(dGates + q + 3 * part, dy * t * (o * (1 - o)));
      store<f64>(dc + r, d * f);
    }
  }
}

/** The next h, and the values of the gates r, z, n. */
export function gru_cell(
  y: usize,
  gates: usize,
  x: usize,
  s: usize,
  h: usize,
  hidden: i32,
  begin: i32,
  end: i32,
): void {
  const part = <usize> hidden << 2;
  for (let row = begin; row < end; row++) {
    const first = <usize> row * part, p = first * 3;
    for (let j: usize = 0; j < part; j += 16) {
      const count = <i32> ((part - j) >> 2), q = p + j, at0 = first + j;
      const r = sigmoidVector(f32x4.add(at(x + q, count), at(s + q, count)));
      const z = sigmoidVector(f32x4.add(at(x + q + part, count), at(s + q + part, count)));
      const n = tanhVector(fma(r, at(s + q + 2 * part, count), at(x + q + 2 * part, count)));
      storeLanes<f32>(gates + q, r, count);
      storeLanes<f32>(gates + q + part, z, count);
      storeLanes<f32>(gates + q + 2 * part, n, count);
      storeLanes<f32>(y + at0, fma(z, f32x4.sub(at(h + at0, count), n), n), count);
    }
  }
}

/** The same in float64. */
export function gru_cell_f64(
  y: usize,
  gates: usize,
  x: usize,
  s: usize,
  h: usize,
  hidden: i32,
  begin: i32,
  end: i32,
): void {
  const part = <usize> hidden << 3;
  for (let row = begin; row < end; row++) {
    const first = <usize> row * part, p = first * 3;
    for (let j: usize = 0; j < part; j += 8) {
      const q = p + j, at0 = first + j;
      const r = sigmoidOf(load<f64>(x + q) + load<f64>(s + q));
      const z = sigmoidOf(load<f64>(x + q + part) + load<f64>(s + q + part));
      const n = NativeMath.tanh(load<f64>(x + q + 2 * part) + r * load<f64>(s + q + 2 * part));
      store<f64>(gates + q, r);
      store<f64>(gates + q + part, z);
      store<f64>(gates + q + 2 * part, n);
      store<f64>(y + at0, n + z * (load<f64>(h + at0) - n));
    }
  }
}

/** The gradients of both products and of h. */
export function gru_cell_grad(
  dx: usize,
  ds: usize,
  dh: usize,
  dy: usize,
  gates: usize,
  s: usize,
  h: usize,
  hidden: i32,
  begin: i32,
  end: i32,
): void {
  const part = <usize> hidden << 2, one = f32x4.splat(1);
  for (let row = begin; row < end; row++) {
    const first = <usize> row * part, p = first * 3;
    for (let j: usize = 0; j < part; j += 16) {
      const count = <i32> ((part - j) >> 2), q = p + j, at0 = first + j;
      const r = at(gates + q, count), z = at(gates + q + part, count);
      const n = at(gates + q + 2 * part, count), d = at(dy + at0, count);
      const dn = throughTanh(f32x4.mul(d, f32x4.sub(one, z)), n);
      const dz = throughSigmoid(f32x4.mul(d, f32x4.sub(at(h + at0, count), n)), z);
      const dr = throughSigmoid(f32x4.mul(dn, at(s + q + 2 * part, count)), r);
      storeLanes<f32>(dx + q, dr, count);
      storeLanes<f32>(dx + q + part, dz, count);
      storeLanes<f32>(dx + q + 2 * part, dn, count);
      storeLanes<f32>(ds + q, dr, count);
      storeLanes<f32>(ds + q + part, dz, count);
      storeLanes<f32>(ds + q + 2 * part, f32x4.mul(dn, r), count);
      storeLanes<f32>(dh + at0, f32x4.mul(d, z), count);
    }
  }
}

/** The same in float64. */
export function gru_cell_grad_f64(
  dx: usize,
  ds: usize,
  dh: usize,
  dy: usize,
  gates: usize,
  s: usize,
  h: usize,
  hidden: i32,
  begin: i32,
  end: i32,
): void {
  const part = <usize> hidden << 3;
  for (let row = begin; row < end; row++) {
    const first = <usize> row * part, p = first * 3;
    for (let j: usize = 0; j < part; j += 8) {
      const q = p + j, at0 = first + j;
      const r = load<f64>(gates + q), z = load<f64>(gates + q + part);
      const n = load<f64>(gates + q + 2 * part), d = load<f64>(dy + at0);
      const dn = d * (1 - z) * ((1 - n) * (1 + n));
      const dz = d * (load<f64>(h + at0) - n) * (z * (1 - z));
      const dr = dn * load<f64>(s + q + 2 * part) * (r * (1 - r));
      store<f64>(dx + q, dr);
      store<f64>(dx + q + part, dz);
      store<f64>(dx + q + 2 * part, dn);
      store<f64>(ds + q, dr);
      store<f64>(ds + q + part, dz);
      store<f64>(ds + q + 2 * part, dn * r);
      store<f64>(dh + at0, d * z);
    }
  }
}
