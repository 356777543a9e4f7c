/**
 * PyTorch as it was when much of what people learn from was written: `torch.FloatTensor`, `loss.data[0]`.
 * `autograd.Variable` is in src/autograd/variable.ts, `sizeAverage` in the losses.
 *
 * @module
 */
import {
  bfloat16,
  bool,
  type DType,
  float16,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  uint8,
} from "./backend/dtype.ts";
import { type Element, item } from "./ops/access.ts";
import { empty } from "./ops/create.ts";
import { at } from "./ops/subscript.ts";
import { type Nested, tensor } from "./tensor/create.ts";
import type { Tensor } from "./tensor/tensor.ts";

/** What `torch.FloatTensor` and its like take: numbers, a tensor, or sizes. */
export type LegacyArgs = [data: Nested | Tensor] | number[];

/** Makes tensors of one dtype: `torch.FloatTensor([1, 2])` of numbers, `torch.FloatTensor(2, 3)` of a size. */
export interface TensorType {
  /** A tensor of numbers, or one of this size that is not initialised. */
  (...args: LegacyArgs): Tensor;
  /** The same. */
  new (...args: LegacyArgs): Tensor;
}

function tensorType(dtype: DType): TensorType {
  return function (...args: LegacyArgs): Tensor {
    const [first] = args;
    if (args.length === 0 || typeof first === "number") {
      return empty(args.length === 0 ? [0] : args as number[], { dtype });
    }
    return tensor(first, { dtype });
  } as unknown as TensorType;
}

/** Makes float32 tensors. */
export const FloatTensor: TensorType = tensorType(float32);
/** Makes float64 tensors. */
export const DoubleTensor: TensorType = tensorType(float64);
/** Makes float16 tensors. */
export const HalfTensor: TensorType = tensorType(float16);
/** Makes bfloat16 tensors. */
export const BFloat16Tensor: TensorType = tensorType(bfloat16);
/** Makes int64 tensors. */
export const LongTensor: TensorType = tensorType(int64);
/** Makes int32 tensors. */
export const IntTensor: TensorType = tensorType(int32);
/** Makes int16 tensors. */
export const ShortTensor: TensorType = tensorType(int16);
/** Makes int8 tensors. */
export const CharTensor: TensorType = tensorType(int8);
/** Makes uint8 tensors. */
export const ByteTensor: TensorType = tensorType(uint8);
/** Makes bool tensors. */
export const BoolTensor: TensorType = tensorType(bool);

/** `x[i]`: what Python calls for a subscript. Today: `x.at(i)`. */
export { at as __getitem__ };

/**
 * Whether the one element is not zero: what Python calls for `if x:`.
 *
 * @throws RangeError when there are several.
 */
export function __bool__(x: Tensor): boolean {
  if (x.numElements === 0) return false;
  if (x.numElements > 1) {
    throw new RangeError(
      `bool: the truth value of a tensor of ${x.numElements} elements is ambiguous; use any() or all()`,
    );
  }
  return Boolean(item(x));
}

/** `loss.data[0]`: the number of a 0-d tensor, which once had one axis. Today: `loss.item()`. */
export function element(x: Tensor): Element {
  if (x.ndim === 0) return item(x);
  throw new RangeError(
    `x[0]: only a 0-d tensor is read like this, this one has ${x.ndim} axes; use x.at(0)`,
  );
}
