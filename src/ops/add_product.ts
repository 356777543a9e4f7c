/**
 * Products that are added to a tensor: beta * input + alpha * product.
 *
 * @module
 */
import { type Grad, record } from "../autograd/record.ts";
import { int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { sameShape, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castAll } from "./autocast.ts";
import { add, mul } from "./arithmetic.ts";
import { cast, copyInto } from "./copy.ts";
import { zerosLike } from "./create.ts";
import { gradFor, resultType } from "./elementwise.ts";
import { beginInPlace, recordInPlace } from "./in_place.ts";
import {
  batchedProduct,
  checkBatches,
  checkExpands,
  checkRank,
  matrixProduct,
  multiply,
  productSaved,
  productType,
  refuseInner,
  sumRows,
  vectorProduct,
} from "./product.ts";
import { detach, expand, reshape, transpose, unsqueeze } from "./view.ts";

/** Options of products that are added to a tensor: beta * input + alpha * product. */
export interface AddProductOptions {
  /** Factor of the tensor that is added to; where it is 0 that tensor is not read. */
  beta?: number | bigint | boolean;
  /** Factor of the product. */
  alpha?: number | bigint | boolean;
}

/** beta and alpha, by position or by name. */
export type AddProductArgs = Args<
  [beta: number | bigint | boolean, alpha: number | bigint | boolean],
  AddProductOptions
>;

/** A result, not yet recorded, with what it was computed from. */
interface Sum {
  y: Tensor;
  inputs: [input: Tensor, a: Tensor, b: Tensor];
  grads: Grad[];
  saved: readonly Tensor[];
}

function recorded(op: string, { y, inputs, grads, saved }: Sum): Tensor {
  return record(op, y, inputs, grads, saved);
}

/** Writes a sum into its input. */
function recordedInPlace(op: string, { y, inputs, grads, saved }: Sum): Tensor {
  const x = inputs[0];
  if (!sameShape(x.shape, y.shape)) {
    throw new RangeError(
      `${op}_: the result's shape ${show(y.shape)} is not that of the tensor, ${show(x.shape)}`,
    );
  }
  if (x.dtype !== y.dtype) {
    throw new TypeError(
      `${op}_: a result of ${y.dtype} cannot be written into a tensor of ${x.dtype}`,
    );
  }
  beginInPlace(`${op}_`, x);
  copyInto(x, y);
  return recordInPlace(op, x, inputs, grads, saved);
}

/** beta and alpha as numbers; products of integers take their whole parts, as PyTorch does. */
function factors(call: string, x: Tensor, args: AddProductArgs): { beta: number; alpha: number } {
  const { beta, alpha } = read(call, { beta: 1, alpha: 1 } as Required<AddProductOptions>, args);
  const factor = (name: string, value: unknown): number => {
    if (typeof value !== "number" && typeof value !== "bigint" && typeof value !== "boolean") {
      throw new TypeError(`${call}: ${name} must be a number, got ${typeof value}`);
    }
    return x.dtype.kind === "float" ? Number(value) : Math.trunc(Number(value));
  };
  return { beta: factor("beta", beta), alpha: factor("alpha", alpha) };
}

/** beta * input + alpha * product, in the product's shape; no history. */
function combine(input: Tensor, product: Tensor, beta: number, alpha: number): Tensor {
  const y = scaled(detach(product), alpha);
  return beta === 0 ? y : add(y, scaled(detach(input), beta));
}

function scaled(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : mul(x, factor);
}

/** The gradient of `input` in beta * input + ... */
function inputGrad(dy: Tensor, input: Tensor, beta: number): Tensor {
  return beta === 0 ? zerosLike(input) : scaled(gradFor(dy, input), beta);
}

function addmmSum(
  call: string,
  input: Tensor,
  mat1: Tensor,
  mat2: Tensor,
  args: AddProductArgs,
): Sum {
  checkTensor(call, "input", input);
  checkRank(call, "mat1", mat1, 2);
  checkRank(call, "mat2", mat2, 2);
  const { beta, alpha } = factors(call, mat1, args);
  productType(call, mat1, mat2, input);
  if (mat1.shape[1] !== mat2.shape[0]) {
    refuseInner(call, mat1.shape, mat2.shape, mat1.shape[1], mat2.shape[0]);
  }
  checkExpands(call, input, [mat1.shape[0], mat2.shape[1]]);
  // A row that is added to every row goes along with the product, and so does a whole matrix.
  const plain = beta === 1 && alpha === 1;
  const row = plain && input.ndim === 1 && input.shape[0] === mat2.shape[1];
  const rows = plain && sameShape(input.shape, [mat1.shape[0], mat2.shape[1]]);
  const y = row || rows
    ? multiply(call, mat1, false, mat2, false, detach(input), { rows })
    : combine(input, multiply(call, mat1, false, mat2, false), beta, alpha);
  return {
    y,
    inputs: [input, mat1, mat2],
    grads: [
      row ? sumRows : (dy) => inputGrad(dy, input, beta),
      (dy) => matrixProduct("mm", "mm", scaled(dy, alpha), false, mat2, true),
      (dy) => matrixProduct("mm", "mm", mat1, true, scaled(dy, alpha), false),
    ],
    saved: productSaved(mat1, mat2),
  };
}

/**
 * beta * input + alpha * (mat1 x mat2): input broadcasts to [m, n], [m, k] x [k, n] -> [m, n].
 *
 * @throws RangeError when the inner sizes differ or `input` does not broadcast to the product's shape.
 */
export function addmm(
  input: Tensor,
  mat1: Tensor,
  mat2: Tensor,
  ...args: AddProductArgs
): Tensor {
  [input, mat1, mat2] = castAll("addmm", input, mat1, mat2);
  return recorded("addmm", addmmSum("addmm", input, mat1, mat2, args));
}

/** `addmm` in place: x = beta * x + alpha * (mat1 x mat2), x: [m, n]. */
export function addmm_(
  x: Tensor,
  mat1: Tensor,
  mat2: Tensor,
  ...args: AddProductArgs
): Tensor {
  return recordedInPlace("addmm", addmmSum("addmm_", x, mat1, mat2, args));
}

function baddbmmSum(
  call: string,
  input: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  args: AddProductArgs,
): Sum {
  checkTensor(call, "input", input);
  checkBatches(call, batch1, batch2);
  const { beta, alpha } = factors(call, batch1, args);
  productType(call, batch1, batch2, input);
  const product = batchedProduct(call, "bmm", detach(batch1), false, detach(batch2), false);
  checkExpands(call, input, product.shape);
  return {
    y: combine(input, product, beta, alpha),
    inputs: [input, batch1, batch2],
    grads: [
      (dy) => inputGrad(dy, input, beta),
      (dy) => batchedProduct("bmm", "bmm", scaled(dy, alpha), false, batch2, true),
      (dy) => batchedProduct("bmm", "bmm", batch1, true, scaled(dy, alpha), false),
    ],
    saved: productSaved(batch1, batch2),
  };
}

/** beta * input + alpha * (batch1 x batch2): input broadcasts, [b, m, k] x [b, k, n] -> [b, m, n]. */
export function baddbmm(
  input: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  ...args: AddProductArgs
): Tensor {
  [input, batch1, batch2] = castAll("baddbmm", input, batch1, batch2);
  return recorded("baddbmm", baddbmmSum("baddbmm", input, batch1, batch2, args));
}

/** `baddbmm` in place, x: [b, m, n]. */
export function baddbmm_(
  x: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  ...args: AddProductArgs
): Tensor {
  return recordedInPlace("baddbmm", baddbmmSum("baddbmm_", x, batch1, batch2, args));
}

function addbmmSum(
  call: string,
  input: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  args: AddProductArgs,
): Sum {
  checkTensor(call, "input", input);
  checkBatches(call, batch1, batch2);
  const { beta, alpha } = factors(call, batch1, args);
  productType(call, batch1, batch2, input);
  const [b, m, k] = batch1.shape, n = batch2.shape[2];
  if (k !== batch2.shape[1]) refuseInner(call, batch1.shape, batch2.shape, k, batch2.shape[1]);
  checkExpands(call, input, [m, n]);
  // The sum over the batch is one product with the batch in its inner axis.
  const left = reshape(transpose(detach(batch1), 0, 1), m, b * k),
    right = reshape(detach(batch2), b * k, n);
  return {
    y: combine(input, multiply(call, left, false, right, false), beta, alpha),
    inputs: [input, batch1, batch2],
    grads: [
      (dy) => inputGrad(dy, input, beta),
      (dy) => batchedProduct("bmm", "bmm", spread(dy, b, alpha), false, batch2, true),
      (dy) => batchedProduct("bmm", "bmm", batch1, true, spread(dy, b, alpha), false),
    ],
    saved: productSaved(batch1, batch2),
  };
}

/** factor * dy for each of `batches` matrices: [m, n] -> [batches, m, n], without a copy. */
function spread(dy: Tensor, batches: number, factor: number): Tensor {
  return expand(unsqueeze(scaled(dy, factor), 0), batches, -1, -1);
}

/** beta * input + alpha * the sum of the batch's products: [b, m, k] x [b, k, n] -> [m, n]. */
export function addbmm(
  input: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  ...args: AddProductArgs
): Tensor {
  [input, batch1, batch2] = castAll("addbmm", input, batch1, batch2);
  return recorded("addbmm", addbmmSum("addbmm", input, batch1, batch2, args));
}

/** `addbmm` in place, x: [m, n]. */
export function addbmm_(
  x: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  ...args: AddProductArgs
): Tensor {
  return recordedInPlace("addbmm", addbmmSum("addbmm_", x, batch1, batch2, args));
}

function addmvSum(
  call: string,
  input: Tensor,
  mat: Tensor,
  vec: Tensor,
  args: AddProductArgs,
): Sum {
  checkTensor(call, "input", input);
  checkRank(call, "mat", mat, 2);
  checkRank(call, "vec", vec, 1);
  const { beta, alpha } = factors(call, mat, args);
  productType(call, mat, vec, input);
  const product = vectorProduct(call, "mv", detach(mat), false, detach(vec));
  checkExpands(call, input, product.shape);
  return {
    y: combine(input, product, beta, alpha),
    inputs: [input, mat, vec],
    grads: [
      (dy) => inputGrad(dy, input, beta),
      (dy) => mul(unsqueeze(scaled(dy, alpha), 1), vec),
      (dy) => vectorProduct("mv", "mv", mat, true, scaled(dy, alpha)),
    ],
    saved: productSaved(mat, vec),
  };
}

/** beta * input + alpha * (mat x vec): input broadcasts to [m], [m, k] x [k] -> [m]. */
export function addmv(input: Tensor, mat: Tensor, vec: Tensor, ...args: AddProductArgs): Tensor {
  [input, mat, vec] = castAll("addmv", input, mat, vec);
  return recorded("addmv", addmvSum("addmv", input, mat, vec, args));
}

/** `addmv` in place, x: [m]. */
export function addmv_(x: Tensor, mat: Tensor, vec: Tensor, ...args: AddProductArgs): Tensor {
  return recordedInPlace("addmv", addmvSum("addmv_", x, mat, vec, args));
}

function addrSum(
  call: string,
  input: Tensor,
  vec1: Tensor,
  vec2: Tensor,
  args: AddProductArgs,
): Sum {
  checkTensor(call, "input", input);
  checkRank(call, "vec1", vec1, 1);
  checkRank(call, "vec2", vec2, 1);
  const dtype = resultType(input, vec1, vec2);
  const given = read(call, { beta: 1, alpha: 1 } as Required<AddProductOptions>, args);
  if (dtype.kind !== "float" && [given.beta, given.alpha].some((f) => Number(f) % 1 !== 0)) {
    throw new TypeError(
      `${call}: beta and alpha must be whole numbers for ${dtype}, got ${given.beta} and ${given.alpha}`,
    );
  }
  const { beta, alpha } = factors(call, input, args);
  checkExpands(call, input, [vec1.shape[0], vec2.shape[0]]);
  // In bool, + is "or" and a factor is true or false: sums of ones tell the same.
  const type = dtype.kind === "bool" ? int64 : dtype;
  const factor = (n: number): number => dtype.kind === "bool" ? (n === 0 ? 0 : 1) : n;
  const product = cast(mul(unsqueeze(detach(vec1), 1), detach(vec2)), type);
  const y = cast(combine(cast(detach(input), type), product, factor(beta), factor(alpha)), dtype);
  return {
    y,
    inputs: [input, vec1, vec2],
    grads: [
      (dy) => inputGrad(dy, input, beta),
      (dy) =>
        cast(vectorProduct("mv", "mv", scaled(dy, alpha), false, cast(vec2, dtype)), vec1.dtype),
      (dy) =>
        cast(vectorProduct("mv", "mv", scaled(dy, alpha), true, cast(vec1, dtype)), vec2.dtype),
    ],
    saved: productSaved(vec1, vec2),
  };
}

/** beta * input + alpha * the outer product: input broadcasts to [n, m], [n] x [m] -> [n, m]. */
export function addr(input: Tensor, vec1: Tensor, vec2: Tensor, ...args: AddProductArgs): Tensor {
  [input, vec1, vec2] = castAll("addr", input, vec1, vec2);
  return recorded("addr", addrSum("addr", input, vec1, vec2, args));
}

/** `addr` in place, x: [n, m]. */
export function addr_(x: Tensor, vec1: Tensor, vec2: Tensor, ...args: AddProductArgs): Tensor {
  return recordedInPlace("addr", addrSum("addr_", x, vec1, vec2, args));
}
