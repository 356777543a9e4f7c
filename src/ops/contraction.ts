/**
 * Sums of products over labelled axes, pair by pair: what einsum and tensordot come down to.
 *
 * @module
 */
import { type DType, promoteTypes } from "../backend/dtype.ts";
import { sameShape, show } from "../tensor/shape.ts";
import { sizeOf, type Tensor } from "../tensor/tensor.ts";
import { mul } from "./arithmetic.ts";
import { cast, copy_ } from "./copy.ts";
import { zerosLike } from "./create.ts";
import { batchedProduct } from "./product.ts";
import { sum } from "./reduce.ts";
import { permute, reshape, viewOf } from "./view.ts";

/** A tensor and the label of each of its axes. */
export interface Labelled {
  x: Tensor;
  labels: readonly number[];
}

/**
 * The product of `terms`, summed over every label that `output` lacks, with the axes of `output`. Sizes of one label are
 * equal or 1; a label twice in one term takes its diagonal. `name` shows a label in messages.
 */
export function contract(
  call: string,
  terms: readonly Labelled[],
  output: readonly number[],
  name: (label: number) => string,
): Tensor {
  const sizes = new Map<number, number>();
  const simple = terms.map(({ x, labels }, i) => {
    const term = takeDiagonals(call, x, labels, i, name);
    term.labels.forEach((label, d) => {
      const size = term.x.shape[d], met = sizes.get(label) ?? 1;
      if (met !== 1 && size !== 1 && size !== met) {
        throw new RangeError(
          `${call}: ${name(label)} has size ${size} in operand ${i} of shape ${
            show(x.shape)
          }, but size ${met} before`,
        );
      }
      if (met === 1) sizes.set(label, size);
    });
    return term;
  });
  // An axis of size 1 that is broadcast multiplies every element alike: without it nothing changes.
  const rest = simple.map(({ x, labels }) => {
    const kept = labels.map((_, d) => d).filter((d) =>
      x.shape[d] !== 1 || sizes.get(labels[d]) === 1
    );
    return kept.length === labels.length ? { x, labels } : {
      x: reshape(x, kept.map((d) => x.shape[d])),
      labels: kept.map((d) => labels[d]),
    };
  });
  let result = rest[0];
  for (let i = 1; i < rest.length; i++) {
    const needed = new Set(output);
    for (let j = i + 1; j < rest.length; j++) for (const l of rest[j].labels) needed.add(l);
    result = pair(call, result, rest[i], needed);
  }
  result = sumOver(result, (label) => !output.includes(label));
  return ordered(result, output);
}

/** `x` with each label once: axes that share one become their diagonal. */
function takeDiagonals(
  call: string,
  x: Tensor,
  labels: readonly number[],
  operand: number,
  name: (label: number) => string,
): Labelled {
  const left = [...labels];
  for (let d = 0; d < left.length; d++) {
    for (let e = left.indexOf(left[d], d + 1); e >= 0; e = left.indexOf(left[d], d + 1)) {
      if (x.shape[d] !== x.shape[e]) {
        throw new RangeError(
          `${call}: ${name(left[d])} is twice in operand ${operand}, with sizes ${x.shape[d]} and ${
            x.shape[e]
          }`,
        );
      }
      x = diagonal(x, d, e);
      left.splice(e, 1);
    }
  }
  return { x, labels: left };
}

/** The diagonal of two axes of equal size, in the place of the first. */
function diagonal(x: Tensor, first: number, second: number): Tensor {
  const shape = [...x.shape], strides = [...x.strides];
  strides[first] += strides[second];
  shape.splice(second, 1);
  strides.splice(second, 1);
  return viewOf("diagonal", x, shape, strides, x.offset, (dy) => {
    const dx = zerosLike(dy, x.shape);
    copy_(diagonal(dx, first, second), dy);
    return dx;
  });
}

/** `term` summed over the labels that `drop` names. */
function sumOver({ x, labels }: Labelled, drop: (label: number) => boolean): Labelled {
  const dims = labels.map((_, d) => d).filter((d) => drop(labels[d]));
  if (dims.length === 0) return { x, labels };
  return { x: sum(x, dims), labels: labels.filter((l) => !drop(l)) };
}

/** The axes of `term` in the order `labels`. */
function ordered(term: Labelled, labels: readonly number[]): Tensor {
  if (sameShape(term.labels, labels)) return term.x;
  return permute(term.x, labels.map((l) => term.labels.indexOf(l)));
}

/** The product of two terms, summed over the labels of both that are not needed any more. */
function pair(call: string, a: Labelled, b: Labelled, needed: ReadonlySet<number>): Labelled {
  a = sumOver(a, (l) => !needed.has(l) && !b.labels.includes(l));
  b = sumOver(b, (l) => !needed.has(l) && !a.labels.includes(l));
  const shared = a.labels.filter((l) => b.labels.includes(l));
  const batch = shared.filter((l) => needed.has(l)), inner = shared.filter((l) => !needed.has(l));
  const left = a.labels.filter((l) => !shared.includes(l)),
    right = b.labels.filter((l) => !shared.includes(l));
  const labels = [...batch, ...left, ...right];
  const size = (term: Labelled, l: number) => term.x.shape[term.labels.indexOf(l)];
  const batchShape = batch.map((l) => size(a, l)),
    leftShape = left.map((l) => size(a, l)),
    rightShape = right.map((l) => size(b, l));
  if (inner.length === 0) {
    const x = shaped(ordered(a, [...batch, ...left]), [
      ...batchShape,
      ...leftShape,
      ...right.map(() => 1),
    ]);
    const y = shaped(ordered(b, [...batch, ...right]), [
      ...batchShape,
      ...left.map(() => 1),
      ...rightShape,
    ]);
    return { x: mul(x, y), labels };
  }
  const [dtype, depth] = [innerType(a, b), sizeOf(inner.map((l) => size(a, l)))];
  const x = shaped(ordered(a, [...batch, ...left, ...inner]), [
    ...batchShape,
    sizeOf(leftShape),
    depth,
  ]);
  const y = shaped(ordered(b, [...batch, ...inner, ...right]), [
    ...batchShape,
    depth,
    sizeOf(rightShape),
  ]);
  const product = batchedProduct(call, "bmm", cast(x, dtype), false, cast(y, dtype), false);
  return { x: shaped(product, [...batchShape, ...leftShape, ...rightShape]), labels };
}

/** The dtype to multiply in: where sums made int64 of one side's integers, the other side follows. */
function innerType({ x: a }: Labelled, { x: b }: Labelled): DType {
  return a.dtype.kind === "int" && b.dtype.kind === "int"
    ? promoteTypes(a.dtype, b.dtype)
    : a.dtype;
}

function shaped(x: Tensor, shape: number[]): Tensor {
  return sameShape(x.shape, shape) ? x : reshape(x, shape);
}
