/**
 * The gradients of activation functions: operations themselves, so that they can be differentiated.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { lt } from "./compare.ts";
import { zerosLike } from "./create.ts";
import { type KernelTable, kernelTable } from "./elementwise.ts";
import { softplus } from "./activation.ts";
import { where } from "./pointwise.ts";
import { exp, sigmoid, tanh } from "./unary.ts";
import { activateGrad, type Parameters } from "./unary_kernel.ts";

const SIGMOID = kernelTable("sigmoid_grad"),
  TANH = kernelTable("tanh_grad"),
  THRESHOLD = kernelTable("threshold_grad"),
  HARDTANH = kernelTable("hardtanh_grad"),
  LEAKY_RELU = kernelTable("leaky_relu_grad"),
  ELU = kernelTable("elu_grad"),
  GELU = kernelTable("gelu_grad"),
  GELU_TANH = kernelTable("gelu_tanh_grad"),
  SILU = kernelTable("silu_grad"),
  MISH = kernelTable("mish_grad"),
  SOFTPLUS = kernelTable("softplus_grad"),
  HARDSWISH = kernelTable("hardswish_grad"),
  HARDSIGMOID = kernelTable("hardsigmoid_grad"),
  LOGSIGMOID = kernelTable("logsigmoid_grad"),
  SHRINK = kernelTable("shrink_grad"),
  LOGIT = kernelTable("logit_grad");

/** dy (1 - s) s, where s is the result of sigmoid. */
export function sigmoidGrad(dy: Tensor, y: Tensor): Tensor {
  return record("sigmoid_backward", activateGrad("sigmoid", SIGMOID, dy, y), [dy, y], [
    (g) => sigmoidGrad(g, y),
    (g) => mul(mul(g, dy), sub(1, mul(y, 2))),
  ], [dy, y]);
}

/** dy (1 - y^2), where y is the result of tanh. */
export function tanhGrad(dy: Tensor, y: Tensor): Tensor {
  return record("tanh_backward", activateGrad("tanh", TANH, dy, y), [dy, y], [
    (g) => tanhGrad(g, y),
    (g) => mul(mul(g, dy), mul(y, -2)),
  ], [dy, y]);
}

/** A gradient that depends on `x` only by where it jumps: of a function that is linear in pieces. */
function piecewise(
  op: string,
  table: KernelTable,
  dy: Tensor,
  x: Tensor,
  parameters?: Parameters,
): Tensor {
  const dx = activateGrad(op, table, dy, x, parameters);
  return record(`${op}_backward`, dx, [dy, x], [
    (g) => piecewise(op, table, g, x, parameters),
    (g) => zerosLike(g),
  ], [x]);
}

/** dy where x > threshold, else 0; of relu, x may be the result. */
export function thresholdGrad(dy: Tensor, x: Tensor, threshold: number): Tensor {
  return piecewise("threshold", THRESHOLD, dy, x, [threshold, 0, 0]);
}

/** dy where low < x < high, else 0. */
export function hardtanhGrad(dy: Tensor, x: Tensor, low: number, high: number): Tensor {
  return piecewise("hardtanh", HARDTANH, dy, x, [low, high, 0]);
}

/** dy where x > 0, else dy times the slope. */
export function leakyReluGrad(dy: Tensor, x: Tensor, slope: number): Tensor {
  return piecewise("leaky_relu", LEAKY_RELU, dy, x, [slope, 0, 0]);
}

/** dy / 6 where -3 < x < 3, else 0. */
export function hardsigmoidGrad(dy: Tensor, x: Tensor): Tensor {
  return piecewise("hardsigmoid", HARDSIGMOID, dy, x);
}

/** dy where |x| > lambda, else 0. */
export function shrinkGrad(op: string, dy: Tensor, x: Tensor, lambd: number): Tensor {
  return piecewise(op, SHRINK, dy, x, [lambd, 0, 0]);
}

/** A gradient dy f'(x), given its own table, parameters, and f''(x). */
function smooth(
  op: string,
  table: KernelTable,
  dy: Tensor,
  x: Tensor,
  second: (gdy: Tensor) => Tensor,
  parameters?: Parameters,
): Tensor {
  const dx = activateGrad(op, table, dy, x, parameters);
  return record(`${op}_backward`, dx, [dy, x], [
    (g) => smooth(op, table, g, x, second, parameters),
    (g) => second(mul(g, dy)),
  ], [dy, x]);
}

/** dy a exp(c x) where x <= 0, else dy b; as PyTorch has it, the second derivative is 0 at 0. */
export function eluGrad(dy: Tensor, x: Tensor, [a, b, c]: Parameters): Tensor {
  return smooth("elu", ELU, dy, x, (g) => {
    return where(lt(x, 0), eluGrad(g, x, [a * c, 0, c]), 0);
  }, [a, b, c]);
}

/** The derivative of x Phi(x), times dy; the second one is (2 - x^2) phi(x). */
export function geluGrad(dy: Tensor, x: Tensor): Tensor {
  return smooth("gelu", GELU, dy, x, (g) => {
    const square = mul(x, x), density = mul(exp(mul(square, -0.5)), 0.3989422804014327);
    return mul(g, mul(density, sub(2, square)));
  });
}

/** The derivative of x (1 + tanh(u)) / 2, u = k (x + 0.044715 x^3), times dy. */
export function geluTanhGrad(dy: Tensor, x: Tensor): Tensor {
  return smooth("gelu", GELU_TANH, dy, x, (g) => {
    // With t = tanh(u): (1 - t^2) (u' + x u'' / 2 - x t u'^2); 1 - t^2 = 4 sigmoid(2u) sigmoid(-2u) does not cancel.
    const k = Math.sqrt(2 / Math.PI), square = mul(x, x);
    const u = mul(x, add(mul(square, 0.044715 * k), k)), v = mul(u, 2);
    const bend = mul(square, 3 * 0.044715 * k), slope = add(bend, k);
    const inner = sub(add(slope, bend), mul(mul(x, tanh(u)), mul(slope, slope)));
    return mul(g, mul(mul(mul(sigmoid(v), sigmoid(mul(v, -1))), 4), inner));
  });
}

/** The derivative of x s, s = sigmoid(x), times dy; the second one is s (1 - s) (2 + x (1 - 2s)). */
export function siluGrad(dy: Tensor, x: Tensor): Tensor {
  return smooth("silu", SILU, dy, x, (g) => {
    const s = sigmoid(x);
    return sigmoidGrad(mul(g, add(mul(x, sub(1, mul(s, 2))), 2)), s);
  });
}

/** The derivative of x w, w = tanh(softplus(x)), times dy. */
export function mishGrad(dy: Tensor, x: Tensor): Tensor {
  return smooth("mish", MISH, dy, x, (g) => {
    // With s = sigmoid(x): s (1 - w^2) (2 + x (1 - s - 2 w s)).
    const s = sigmoid(x), w = tanh(softplus(x));
    const inner = add(mul(x, sub(sub(1, s), mul(mul(w, s), 2))), 2);
    return tanhGrad(mul(mul(g, s), inner), w);
  });
}

/** dy sigmoid(beta x) where beta x <= threshold, else dy. */
export function softplusGrad(dy: Tensor, x: Tensor, beta: number, threshold: number): Tensor {
  return smooth("softplus", SOFTPLUS, dy, x, (g) => {
    const z = mul(x, beta);
    return where(lt(z, threshold), mul(sigmoidGrad(g, sigmoid(z)), beta), 0);
  }, [beta, threshold, 0]);
}

/** dy sigmoid(-x). */
export function logsigmoidGrad(dy: Tensor, x: Tensor): Tensor {
  return smooth("log_sigmoid", LOGSIGMOID, dy, x, (g) => mul(sigmoidGrad(g, sigmoid(x)), -1));
}

/** dy (x / 3 + 1 / 2) where -3 <= x < 3, 0 below and dy above. */
export function hardswishGrad(dy: Tensor, x: Tensor): Tensor {
  return smooth("hardswish", HARDSWISH, dy, x, (g) => hardtanhGrad(mul(g, 1 / 3), x, -3, 3));
}

/** dy / (x (1 - x)) where low <= x <= high; elsewhere 0 if `clamped`, else NaN. */
export function logitGrad(dy: Tensor, x: Tensor, [low, high, clamped]: Parameters): Tensor {
  const parameters: Parameters = [low, high, clamped];
  return smooth("logit", LOGIT, dy, x, (g) => {
    const once = logitGrad(mul(g, sub(mul(x, 2), 1)), x, parameters);
    return logitGrad(once, x, parameters);
  }, parameters);
}
