/**
 * Steps of recurrent cells in one kernel each way.
 *
 * @module
 */
import { mode, recordAll } from "../autograd/record.ts";
import { float32, float64 } from "../backend/dtype.ts";
import { emptyOn } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { dense } from "./copy.ts";
import { chunk } from "./cut.ts";
import { cat } from "./join.ts";
import { sigmoid, tanh } from "./unary.ts";

/** Whether there are kernels for these; states of other dtypes than the products are composed, and promoted. */
function hasKernels({ dtype }: Tensor, state: Tensor): boolean {
  return (dtype === float32 || dtype === float64) && state.dtype === dtype;
}

/** y (1 - y): the derivative of a sigmoid from its result. */
function sigmoidSlope(y: Tensor): Tensor {
  return mul(y, sub(1, y));
}

/** 1 - y^2: the derivative of tanh from its result. */
function tanhSlope(y: Tensor): Tensor {
  return sub(1, mul(y, y));
}

/** The values of an LSTM's gates, and the next cell state, in operations that can be differentiated. */
function lstmParts(
  x: Tensor,
  s: Tensor,
  c: Tensor,
): Record<"i" | "f" | "g" | "o" | "next" | "t", Tensor> {
  const [ai, af, ag, ao] = chunk(add(x, s), 4, 1);
  const i = sigmoid(ai), f = sigmoid(af), g = tanh(ag), o = sigmoid(ao);
  const next = add(mul(f, c), mul(i, g));
  return { i, f, g, o, next, t: tanh(next) };
}

/**
 * The next state of an LSTM. x and s: the products of the input and of the state before, [batch, 4 * hidden], c: [batch,
 * hidden] -> h and c: [batch, hidden].
 */
export function lstmCell(x: Tensor, s: Tensor, c: Tensor): [h: Tensor, c: Tensor] {
  if (!hasKernels(x, c)) {
    const { o, t, next } = lstmParts(x, s, c);
    return [mul(o, t), next];
  }
  const { backend, dtype, shape } = x, [batch, hidden] = c.shape, { kernels } = backend;
  const values = emptyOn(backend, shape, dtype), cell = dense(c);
  const h = emptyOn(backend, c.shape, dtype), next = emptyOn(backend, c.shape, dtype);
  const [products, states] = [dense(x), dense(s)];
  const forward = dtype === float64 ? kernels.lstm_cell_f64 : kernels.lstm_cell;
  forward(
    h.pointer,
    next.pointer,
    values.pointer,
    products.pointer,
    states.pointer,
    cell.pointer,
    hidden,
    0,
    batch,
  );
  const [out, outNext] = recordAll("lstm_cell", [h, next] as const, [x, s, c], ([dh, dNext]) => {
    if (mode.grad) return lstmGradients(dh, dNext, x, s, c);
    const dGates = emptyOn(backend, shape, dtype), dc = emptyOn(backend, c.shape, dtype);
    const dy = dh === null ? null : dense(dh), given = dNext === null ? null : dense(dNext);
    const backward = dtype === float64 ? kernels.lstm_cell_grad_f64 : kernels.lstm_cell_grad;
    backward(
      dGates.pointer,
      dc.pointer,
      dy?.pointer ?? 0,
      given?.pointer ?? 0,
      values.pointer,
      cell.pointer,
      next.pointer,
      hidden,
      0,
      batch,
    );
    return [dGates, dGates, dc];
  }, [x, s, c, next]);
  return [out, outNext];
}

/** The gradients of an LSTM's step, which can be differentiated themselves. */
function lstmGradients(
  dh: Tensor | null,
  dNext: Tensor | null,
  x: Tensor,
  s: Tensor,
  c: Tensor,
): Tensor[] {
  const { i, f, g, o, t } = lstmParts(x, s, c);
  const dy = dh ?? mul(t, 0);
  const through = mul(mul(dy, o), tanhSlope(t));
  const d = dNext === null ? through : add(dNext, through);
  const dGates = cat([
    mul(mul(d, g), sigmoidSlope(i)),
    mul(mul(d, c), sigmoidSlope(f)),
    mul(mul(d, i), tanhSlope(g)),
    mul(mul(dy, t), sigmoidSlope(o)),
  ], 1);
  return [dGates, dGates, mul(d, f)];
}

/** The values of a GRU's gates, in operations that can be differentiated; `sn` is the state's share of n. */
function gruParts(x: Tensor, s: Tensor): Record<"r" | "z" | "n" | "sn", Tensor> {
  const [xr, xz, xn] = chunk(x, 3, 1), [sr, sz, sn] = chunk(s, 3, 1);
  const r = sigmoid(add(xr, sr));
  return { r, z: sigmoid(add(xz, sz)), n: tanh(add(xn, mul(r, sn))), sn };
}

/**
 * The next state of a GRU. x and s: the products of the input and of the state before, [batch, 3 * hidden], h: [batch,
 * hidden] -> [batch, hidden].
 */
export function gruCell(x: Tensor, s: Tensor, h: Tensor): Tensor {
  if (!hasKernels(x, h)) {
    const { z, n } = gruParts(x, s);
    return add(mul(sub(h, n), z), n);
  }
  const { backend, dtype, shape } = x, [batch, hidden] = h.shape, { kernels } = backend;
  const values = emptyOn(backend, shape, dtype), y = emptyOn(backend, h.shape, dtype);
  const products = dense(x), states = dense(s), before = dense(h);
  const forward = dtype === float64 ? kernels.gru_cell_f64 : kernels.gru_cell;
  forward(
    y.pointer,
    values.pointer,
    products.pointer,
    states.pointer,
    before.pointer,
    hidden,
    0,
    batch,
  );
  return recordAll("gru_cell", [y] as const, [x, s, h], ([dy]) => {
    if (mode.grad) return gruGradients(dy!, x, s, h);
    const dx = emptyOn(backend, shape, dtype), ds = emptyOn(backend, shape, dtype);
    const dh = emptyOn(backend, h.shape, dtype), given = dense(dy!);
    const backward = dtype === float64 ? kernels.gru_cell_grad_f64 : kernels.gru_cell_grad;
    backward(
      dx.pointer,
      ds.pointer,
      dh.pointer,
      given.pointer,
      values.pointer,
      states.pointer,
      before.pointer,
      hidden,
      0,
      batch,
    );
    return [dx, ds, dh];
  }, [x, s, h])[0];
}

/** The gradients of a GRU's step, which can be differentiated themselves. */
function gruGradients(dy: Tensor, x: Tensor, s: Tensor, h: Tensor): Tensor[] {
  const { r, z, n, sn } = gruParts(x, s);
  const dn = mul(mul(dy, sub(1, z)), tanhSlope(n));
  const dz = mul(mul(dy, sub(h, n)), sigmoidSlope(z));
  const dr = mul(mul(dn, sn), sigmoidSlope(r));
  return [cat([dr, dz, dn], 1), cat([dr, dz, mul(dn, r)], 1), mul(dy, z)];
}
