/**
 * Products of tensors beyond the matrix product: over chosen axes, of all pairs, of vectors in space.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { computeType } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { emptyOn } from "../tensor/create.ts";
import { axis, broadcast, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { castAll } from "./autocast.ts";
import { tolist } from "./access.ts";
import { mul, sub } from "./arithmetic.ts";
import { contract } from "./contraction.ts";
import { cast, copyInto } from "./copy.ts";
import { matrixProduct, productSaved, productType, refuseInner } from "./product.ts";
import { sumTo } from "./sum_to.ts";
import { detach, reshape, select } from "./view.ts";

/** How many axes to sum over (the last of one tensor with the first of the other), or the axes of each. */
export type TensordotDims =
  | number
  | readonly [a: readonly number[], b: readonly number[]]
  | readonly [a: number, b: number]
  | Tensor;

/**
 * Product of two tensors, summed over axes of both: over the last `dims` of `a` with the first of `b`, or over the axes
 * `dims[0]` of `a` with the axes `dims[1]` of `b` -> the other axes of `a`, then those of `b`.
 *
 * @throws RangeError when the sizes of two axes differ, or the lists of axes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.tensordot.html
 */
export function tensordot(
  a: Tensor,
  b: Tensor,
  ...args: Args<[dims: TensordotDims], { dims?: TensordotDims }>
): Tensor {
  [a, b] = castAll("tensordot", a, b);
  checkTensor("tensordot", "a", a);
  checkTensor("tensordot", "b", b);
  const { dims } = read("tensordot", { dims: 2 as TensordotDims }, args);
  productType("tensordot", a, b);
  const [left, right] = pairedAxes(a, b, dims instanceof Tensor ? tolist(dims) : dims);
  for (let i = 0; i < left.length; i++) {
    const n = a.shape[left[i]], m = b.shape[right[i]];
    if (n !== m && n !== 1 && m !== 1) {
      throw new RangeError(
        `tensordot: ${show(a.shape)} and ${show(b.shape)}: axis ${
          left[i]
        } of size ${n} does not fit axis ${right[i]} of size ${m}`,
      );
    }
  }
  const aLabels = a.shape.map((_, d) => d), bLabels = b.shape.map((_, d) => a.ndim + d);
  left.forEach((d, i) => bLabels[right[i]] = d);
  const output = [
    ...aLabels.filter((d) => !left.includes(d)),
    ...bLabels.filter((_, d) => !right.includes(d)),
  ];
  const terms = [{ x: a, labels: aLabels }, { x: b, labels: bLabels }];
  return contract("tensordot", terms, output, (label) => `axis ${label}`);
}

function pairedAxes(a: Tensor, b: Tensor, dims: unknown): [number[], number[]] {
  if (!Array.isArray(dims)) {
    const n = wholeNumber("tensordot", "dims", dims);
    if (n < 0 || n > a.ndim || n > b.ndim) {
      throw new RangeError(
        `tensordot: ${n} axes cannot be paired of tensors of shapes ${show(a.shape)} and ${
          show(b.shape)
        }`,
      );
    }
    const first = Array.from({ length: n }, (_, d) => d);
    return [first.map((d) => a.ndim - n + d), first];
  }
  if (dims.length !== 2) {
    throw new RangeError(`tensordot: expected two lists of axes, got ${dims.length}`);
  }
  const [left, right] = [a, b].map((x, side) => {
    const list = Array.isArray(dims[side]) ? dims[side] : [dims[side]];
    const result = list.map((d: unknown) =>
      axis("tensordot", wholeNumber("tensordot", "axis", d), x.ndim)
    );
    if (new Set(result).size !== result.length) {
      throw new RangeError(`tensordot: an axis appears twice in ${show(list)}`);
    }
    return result;
  });
  if (left.length !== right.length) {
    throw new RangeError(
      `tensordot: as many axes of both tensors are needed, got ${show(left)} and ${show(right)}`,
    );
  }
  return [left, right];
}

/**
 * Products over the last axes: [..., k] x [..., k] -> the leading axes of both; a 0-d tensor multiplies every element.
 *
 * @throws RangeError when the last sizes differ.
 */
export function inner(input: Tensor, other: Tensor): Tensor {
  [input, other] = castAll("inner", input, other);
  checkTensor("inner", "input", input);
  checkTensor("inner", "other", other);
  if (input.ndim === 0 || other.ndim === 0) return mul(input, other);
  const k = input.shape[input.ndim - 1], l = other.shape[other.ndim - 1];
  if (k !== l) refuseInner("inner", input.shape, other.shape, k, l);
  productType("inner", input, other);
  const rows = (x: Tensor) =>
    x.ndim === 2
      ? x
      : reshape(x, k === 0 ? x.shape.slice(0, -1).reduce((a, b) => a * b, 1) : -1, k);
  const y = matrixProduct("inner", "mm", rows(input), false, rows(other), true);
  return reshape(y, [...input.shape.slice(0, -1), ...other.shape.slice(0, -1)]);
}

/**
 * Kronecker product: every element of `input` times the whole of `other`; sizes multiply, axis by axis, and missing
 * leading axes count as 1.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.kron.html
 */
export function kron(input: Tensor, other: Tensor): Tensor {
  checkTensor("kron", "input", input);
  checkTensor("kron", "other", other);
  const n = Math.max(input.ndim, other.ndim);
  const padded = (x: Tensor) => [...new Array<number>(n - x.ndim).fill(1), ...x.shape];
  const a = padded(input), b = padded(other);
  const product = mul(
    reshape(input, a.flatMap((size) => [size, 1])),
    reshape(other, b.flatMap((size) => [1, size])),
  );
  return reshape(product, a.map((size, d) => size * b[d]));
}

/**
 * Cross product of vectors of 3 elements along axis `dim` (by default the first of size 3); other axes broadcast.
 *
 * @throws RangeError when there is no axis of size 3, or the shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.cross.html
 */
export function cross(
  input: Tensor,
  other: Tensor,
  ...args: Args<[dim: number | null], { dim?: number | null }>
): Tensor {
  checkTensor("cross", "input", input);
  checkTensor("cross", "other", other);
  const { dim } = read("cross", { dim: null as number | null }, args);
  const at = dim === null ? input.shape.indexOf(3) : axis("cross", dim, input.ndim);
  if (at < 0) {
    throw new RangeError(`cross: no axis of size 3 in a tensor of shape ${show(input.shape)}`);
  }
  if (input.ndim !== other.ndim || input.shape[at] !== 3 || other.shape[at] !== 3) {
    throw new RangeError(
      `cross: expected two tensors of as many axes with size 3 at axis ${at}, got ${
        show(input.shape)
      } and ${show(other.shape)}`,
    );
  }
  productType("cross", input, other);
  return crossProduct(input, other, at);
}

/** The cross product along axis `dim`, whose gradients are cross products again. */
function crossProduct(a: Tensor, b: Tensor, dim: number): Tensor {
  const compute = computeType(a.dtype);
  const shape = broadcast("cross", a.shape, b.shape), y = emptyOn(a.backend, shape, compute);
  const p = cast(detach(a), compute), q = cast(detach(b), compute);
  for (let i = 0; i < 3; i++) {
    const j = (i + 1) % 3, k = (i + 2) % 3;
    const forth = mul(select(p, dim, j), select(q, dim, k)),
      back = mul(select(p, dim, k), select(q, dim, j));
    copyInto(select(y, dim, i), sub(forth, back));
  }
  return record("linalg_cross", cast(y, a.dtype), [a, b], [
    (dy) => sumTo(crossProduct(b, dy, dim), a.shape),
    (dy) => sumTo(crossProduct(dy, a, dim), b.shape),
  ], productSaved(a, b));
}
