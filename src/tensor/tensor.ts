/**
 * The tensor: shape, strides, dtype and storage, and how it was made. No arithmetic: see src/ops and methods.ts.
 *
 * @module
 */
import type { Node } from "../autograd/record.ts";
import type { Backend } from "../backend/backend.ts";
import { type DType, type TypedArray, typedArrayOf } from "../backend/dtype.ts";
import type { Storage } from "../backend/storage.ts";
import type { TensorMethods } from "./methods.ts";

/** Row-major strides, in elements, of a contiguous tensor of `shape`. */
export function contiguousStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = step;
    step *= Math.max(shape[d], 1);
  }
  return strides;
}

/** The number of elements of `shape`. */
export function sizeOf(shape: readonly number[]): number {
  let n = 1;
  for (let d = 0; d < shape.length; d++) n *= shape[d];
  return n;
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let step = 1, dense = true;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] === 0) return true;
    if (shape[d] !== 1 && strides[d] !== step) dense = false;
    step *= shape[d];
  }
  return dense;
}

/** What a view remembers of the tensor it looks into, so that writing to either can rewrite the other's history. */
export interface ViewOf {
  /** The tensor that owns the storage's history; never itself a view. */
  readonly base: Tensor;
  /** `base.rewritten` when the view's own history was made. */
  seen: number;
  /** Makes the view's history anew, from the base's. */
  readonly renew: (view: Tensor) => void;
  /** Why it may not be changed in place while gradients are recorded, if so. */
  readonly fixed: string | null;
}

/** What counts in-place changes: the storage, or a counter of its own for `x.data`. */
export interface VersionCounter {
  /** How often the elements were changed in place. */
  version: number;
}

/**
 * An n-dimensional array on a device. Made by `torch.tensor`, `torch.zeros` and their like.
 *
 * @see https://pytorch.org/docs/stable/tensors.html
 */
export class Tensor {
  /** The memory behind it, shared with its views. */
  storage: Storage;
  /** Sizes of its axes; empty for a scalar. */
  shape: readonly number[];
  /** Elements to step over for one step along each axis. */
  strides: readonly number[];
  /** Index of its first element in the storage. */
  offset: number;
  /** The type of its elements. */
  dtype: DType;
  /** The number of its elements. */
  numElements: number;
  /** Whether its elements lie in row-major order without gaps. */
  dense: boolean;
  /** What `grad` holds. */
  gradient: Tensor | null = null;
  /** Whether `grad` was read or set, so that somebody else may hold the gradient too. */
  gradientShared = false;
  /** How it was computed; null for a leaf. Use `gradFn`. */
  node: Node | null = null;
  /** Which of the node's outputs it is. */
  outputNumber = 0;
  /** Whether it is a leaf that collects a gradient. Use `requiresGrad`. */
  leafRequiresGrad = false;
  /** Where a leaf's gradient goes; made when first needed. */
  accumulator: Node | null = null;
  /** The base, if it is a view that autograd must know of; else null. */
  viewOf: ViewOf | null = null;
  /** How often its history was rewritten by in-place operations. */
  rewritten = 0;
  /** Counts in-place changes of its elements. */
  counter: VersionCounter;
  /** Whether it was made in `inferenceMode`. */
  inference = false;

  /** Use the functions of `torch` to make tensors; this wraps a storage as it is. */
  constructor(
    storage: Storage,
    shape: readonly number[],
    dtype: DType,
    strides?: readonly number[],
    offset = 0,
  ) {
    this.storage = storage;
    this.shape = shape;
    this.dtype = dtype;
    this.offset = offset;
    this.counter = storage;
    this.numElements = sizeOf(shape);
    if (strides === undefined) {
      this.strides = contiguousStrides(shape);
      this.dense = true;
    } else {
      this.strides = strides;
      this.dense = isRowMajor(shape, strides);
    }
  }

  /** Makes it show its storage in another layout; its history is the caller's to mend. */
  layOut(shape: readonly number[], strides: readonly number[], offset: number = this.offset): void {
    this.shape = shape;
    this.strides = strides;
    this.offset = offset;
    this.numElements = sizeOf(shape);
    this.dense = isRowMajor(shape, strides);
  }

  /** Its gradient, after `backward()`, if it is a leaf that requires one (or retains it); else null. */
  get grad(): Tensor | null {
    this.gradientShared = true;
    return this.gradient;
  }

  set grad(value: Tensor | null) {
    if (value === null || value === undefined) {
      this.gradient = null;
      return;
    }
    if (!(value instanceof Tensor) || value.dtype !== this.dtype) {
      const met = value instanceof Tensor ? value.dtype.name : typeof value;
      throw new TypeError(`grad: expected a tensor of ${this.dtype.name} or null, got ${met}`);
    }
    if (value.ndim !== this.ndim || value.shape.some((n, d) => n !== this.shape[d])) {
      throw new RangeError(
        `grad: expected the tensor's shape [${this.shape.join(", ")}], got [${
          value.shape.join(", ")
        }]`,
      );
    }
    this.gradient = value;
    this.gradientShared = true;
  }

  /** The device's backend. */
  get backend(): Backend {
    return this.storage.backend!;
  }

  /** The device: `"cpu"`, `"cuda:0"`. */
  get device(): string {
    return this.storage.backend!.name;
  }

  /** The address of its first element, for a kernel call that follows at once. */
  get pointer(): number {
    const { storage } = this;
    return storage.backend!.touch(storage) + this.offset * this.dtype.size;
  }

  /** The number of axes. */
  get ndim(): number {
    return this.shape.length;
  }

  /** How often its elements were changed in place. */
  get version(): number {
    return this.counter.version;
  }

  /** How it was computed, for autograd: null for a leaf. */
  get gradFn(): Node | null {
    const { viewOf } = this;
    if (viewOf !== null && viewOf.base.rewritten !== viewOf.seen) viewOf.renew(this);
    return this.node;
  }

  /** Whether it takes part in differentiation. May be set on leaves of floating-point dtype. */
  get requiresGrad(): boolean {
    return this.leafRequiresGrad || this.gradFn !== null;
  }

  set requiresGrad(value: boolean) {
    if (value && !this.dtype.isFloatingPoint) {
      throw new TypeError(
        `requiresGrad: only floating-point tensors can require gradients, this one is ${this.dtype}`,
      );
    }
    if (this.gradFn !== null) {
      if (value) return;
      throw new Error(
        "requiresGrad: only a leaf's requiresGrad can be set to false; use detach() for a computed tensor",
      );
    }
    this.leafRequiresGrad = value;
  }

  /** Whether it was not computed from tensors that require gradients. */
  get isLeaf(): boolean {
    return this.gradFn === null;
  }

  /** The elements, copied out in row-major order; int64 as bigints, bool as 0 and 1, 16-bit floats as bit patterns. */
  toTypedArray(): TypedArray {
    const { dtype } = this;
    if (this.dense) {
      const bytes = this.backend.read(
        this.storage,
        this.offset * dtype.size,
        this.numElements * dtype.size,
      );
      return typedArrayOf(dtype, bytes.buffer);
    }
    // Strided: read what the view spans, and pick.
    let low = 0, high = 0;
    for (let d = 0; d < this.ndim; d++) {
      const reach = (this.shape[d] - 1) * this.strides[d];
      if (reach < 0) low += reach;
      else high += reach;
    }
    const span = this.backend.read(
      this.storage,
      (this.offset + low) * dtype.size,
      (high - low + 1) * dtype.size,
    );
    const source = typedArrayOf(dtype, span.buffer);
    const result = typedArrayOf(dtype, new ArrayBuffer(this.numElements * dtype.size));
    const index = new Array<number>(this.ndim).fill(0);
    let at = -low;
    for (let i = 0; i < this.numElements; i++) {
      result[i] = source[at];
      for (let d = this.ndim - 1; d >= 0; d--) {
        at += this.strides[d];
        if (++index[d] < this.shape[d]) break;
        at -= index[d] * this.strides[d];
        index[d] = 0;
      }
    }
    return result;
  }

  /** Frees its storage at once; using it, or a view of it, afterwards throws. */
  [Symbol.dispose](): void {
    this.storage.free();
  }
}

/** The methods of a tensor: every chainable op, under its own name. */
export interface Tensor extends TensorMethods {}
