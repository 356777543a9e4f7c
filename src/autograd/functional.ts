/**
 * `torch.autograd.functional`: Jacobians, Hessians, and their products with vectors.
 *
 * @module
 */
import { onesLike, zerosLike } from "../ops/create.ts";
import { stack } from "../ops/join.ts";
import { alias, reshape, select } from "../ops/view.ts";
import { viewAs } from "../ops/reshape.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { sameShape, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { list, sweep } from "./backward.ts";
import type { TensorFunction } from "./gradcheck.ts";
import { enableGrad } from "./record.ts";

/** Options of the functions of this module. */
export interface FunctionalOptions {
  /** Record the results, so that they can be differentiated again. */
  createGraph?: boolean;
  /** Throw where an output does not depend on an input, instead of giving zeros. */
  strict?: boolean;
}

/** One tensor or several, as the caller gave them. */
export type Tensors = Tensor | readonly Tensor[];

/** Parameters of `jacobian` and `hessian`, after the function and its inputs. */
export type JacobianArgs = Args<
  [createGraph: boolean, strict: boolean, vectorize: boolean],
  FunctionalOptions & { vectorize?: boolean }
>;

/** Parameters of the products with a vector, after the function and its inputs. */
export type ProductArgs = Args<
  [v: Tensors | null, createGraph: boolean, strict: boolean],
  FunctionalOptions & { v?: Tensors | null }
>;

function prepare(call: string, inputs: Tensors, createGraph: boolean): Tensor[] {
  return list<Tensor>(inputs).map((x, i) => {
    checkTensor(call, `input ${i}`, x);
    if (createGraph && x.requiresGrad) return viewAs(x, x);
    const y = alias(x);
    y.requiresGrad = true;
    return y;
  });
}

function evaluate(call: string, f: TensorFunction, inputs: readonly Tensor[]): [Tensors, Tensor[]] {
  const value = f(...inputs), outputs = [...list<Tensor>(value)];
  outputs.forEach((y) => checkTensor(call, "the function's result", y));
  return [value, outputs];
}

/** Gradients of `outputs`, zeros where there are none. */
function gradients(
  call: string,
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  dys: readonly (Tensor | null)[],
  createGraph: boolean,
  strict: boolean,
): Tensor[] {
  const live = outputs.map((_, i) => i).filter((i) => outputs[i].requiresGrad);
  if (strict && live.length < outputs.length) {
    throw new Error(`${call}: a result does not depend on the inputs`);
  }
  const grads = live.length === 0 ? inputs.map(() => null) : sweep(
    call,
    live.map((i) => outputs[i]),
    live.map((i) => dys[i]),
    { createGraph, retainGraph: true },
    inputs,
  );
  return grads.map((g, i) => {
    if (g === null && strict) throw new Error(`${call}: the result does not depend on input ${i}`);
    return g ?? zerosLike(inputs[i]);
  });
}

/** The vector of a product, checked against the tensors that it multiplies. */
function vector(call: string, v: Tensors | null, like: readonly Tensor[]): Tensor[] {
  if (v === null) {
    if (like.length !== 1 || like[0].numElements !== 1) {
      throw new RangeError(`${call}: v can only be left out for a single tensor of one element`);
    }
    return [onesLike(like[0])];
  }
  const vs = [...list<Tensor>(v)];
  if (vs.length !== like.length) {
    throw new RangeError(`${call}: v has ${vs.length} tensors, expected ${like.length}`);
  }
  vs.forEach((t, i) => {
    checkTensor(call, "v", t);
    if (!sameShape(t.shape, like[i].shape)) {
      throw new RangeError(
        `${call}: v has shape ${show(t.shape)}, expected ${show(like[i].shape)}`,
      );
    }
  });
  return vs;
}

/** One tensor where the caller gave or returned one, else the array. */
function likeGiven<T>(given: Tensors, values: T[]): T | T[] {
  return Array.isArray(given) ? values : values[0];
}

const JACOBIAN = { createGraph: false, strict: false, vectorize: false };
const PRODUCT = { v: null as Tensors | null, createGraph: false, strict: false };

/**
 * The derivative of each element of the results by each element of the inputs: [...output, ...input]; an array where
 * there are several inputs, of arrays where there are several results.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.jacobian.html
 */
export function jacobian(
  f: TensorFunction,
  inputs: Tensors,
  ...args: JacobianArgs
): Tensor | Tensor[] | Tensor[][] {
  const { createGraph, strict } = read("jacobian", JACOBIAN, args);
  return enableGrad(() => {
    const xs = prepare("jacobian", inputs, createGraph);
    const [value, outputs] = evaluate("jacobian", f, xs);
    const blocks = outputs.map((y) => {
      const flat = reshape(y, -1), rows: Tensor[][] = xs.map(() => []);
      for (let i = 0; i < flat.numElements; i++) {
        const one = select(flat, 0, i);
        gradients("jacobian", [one], xs, [null], createGraph, strict)
          .forEach((g, k) => rows[k].push(g));
      }
      return likeGiven(
        inputs,
        xs.map((x, k) => {
          const shape = [...y.shape, ...x.shape];
          return rows[k].length === 0 ? zerosLike(x, shape) : reshape(stack(rows[k]), shape);
        }),
      );
    });
    return likeGiven(value, blocks as Tensor[]);
  });
}

/** The result of a function for `hessian` and its products: one tensor of one element. */
function scalarOf(call: string, f: TensorFunction, xs: readonly Tensor[]): Tensor {
  const [, outputs] = evaluate(call, f, xs);
  if (outputs.length !== 1 || outputs[0].numElements !== 1) {
    throw new RangeError(`${call}: the function must return one tensor of one element`);
  }
  return reshape(outputs[0], []);
}

/**
 * The second derivatives of a function with one result of one element: [...input, ...input]; an array of arrays where
 * there are several inputs.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.hessian.html
 */
export function hessian(
  f: TensorFunction,
  inputs: Tensors,
  ...args: JacobianArgs
): Tensor | Tensor[] | Tensor[][] {
  const { createGraph, strict } = read("hessian", JACOBIAN, args);
  const gradient: TensorFunction = (...xs) => {
    const y = scalarOf("hessian", f, xs);
    return likeGiven(inputs, gradients("hessian", [y], xs, [null], true, strict));
  };
  return jacobian(gradient, inputs, createGraph, strict);
}

/**
 * The results, and the product of `v` (shaped like them) with the Jacobian.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.vjp.html
 */
export function vjp(f: TensorFunction, inputs: Tensors, ...args: ProductArgs): [Tensors, Tensors] {
  const { v, createGraph, strict } = read("vjp", PRODUCT, args);
  return enableGrad(() => {
    const xs = prepare("vjp", inputs, createGraph);
    const [value, outputs] = evaluate("vjp", f, xs), vs = vector("vjp", v, outputs);
    const grads = gradients("vjp", outputs, xs, vs, createGraph, strict);
    return [results(value, outputs, createGraph), likeGiven(inputs, grads)];
  });
}

/**
 * The results, and the product of the Jacobian with `v` (shaped like the inputs).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.jvp.html
 */
export function jvp(f: TensorFunction, inputs: Tensors, ...args: ProductArgs): [Tensors, Tensors] {
  const { v, createGraph, strict } = read("jvp", PRODUCT, args);
  return enableGrad(() => {
    const xs = prepare("jvp", inputs, createGraph), vs = vector("jvp", v, xs);
    const [value, outputs] = evaluate("jvp", f, xs);
    // The gradient is linear in the upstream gradient: differentiating by that gives the Jacobian, not transposed.
    const upstream = outputs.map((y) => zerosLike(y, { requiresGrad: true }));
    const dxs = gradients("jvp", outputs, xs, upstream, true, strict);
    const products = gradients("jvp", dxs, upstream, vs, createGraph, false);
    return [results(value, outputs, createGraph), likeGiven(value, products)];
  });
}

/**
 * The result of a function with one element, and the product of `v` (shaped like the inputs) with its Hessian.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.vhp.html
 */
export function vhp(f: TensorFunction, inputs: Tensors, ...args: ProductArgs): [Tensors, Tensors] {
  return hessianProduct("vhp", f, inputs, args);
}

/**
 * The result of a function with one element, and the product of its Hessian with `v` (shaped like the inputs).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.hvp.html
 */
export function hvp(f: TensorFunction, inputs: Tensors, ...args: ProductArgs): [Tensors, Tensors] {
  // The Hessian is symmetric.
  return hessianProduct("hvp", f, inputs, args);
}

function hessianProduct(
  call: string,
  f: TensorFunction,
  inputs: Tensors,
  args: ProductArgs,
): [Tensors, Tensors] {
  const { v, createGraph, strict } = read(call, PRODUCT, args);
  return enableGrad(() => {
    const xs = prepare(call, inputs, createGraph), vs = vector(call, v, xs);
    const y = scalarOf(call, f, xs);
    const dxs = gradients(call, [y], xs, [null], true, strict);
    const products = gradients(call, dxs, xs, vs, createGraph, strict);
    return [createGraph ? y : alias(y), likeGiven(inputs, products)];
  });
}

function results(value: Tensors, outputs: readonly Tensor[], createGraph: boolean): Tensors {
  return likeGiven(value, outputs.map((y) => createGraph ? y : alias(y)));
}
