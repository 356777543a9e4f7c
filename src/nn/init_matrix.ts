/**
 * Starting values of weight matrices as a whole: orthogonal, and sparse.
 *
 * @module
 */
import { noGrad } from "../autograd/record.ts";
import { float32, float64 } from "../backend/dtype.ts";
import { mul } from "../ops/arithmetic.ts";
import { copy_, denseAs } from "../ops/copy.ts";
import {
  checkFloat,
  drawType,
  fillNormal,
  generatorFor,
  type GeneratorOption,
  NO_GENERATOR,
} from "../ops/draw.ts";
import { normal_ } from "../ops/random_in_place.ts";
import { reshape, transpose } from "../ops/view.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { convert, emptyOn } from "../tensor/create.ts";
import { show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * Fills `tensor` [rows, ...] with a matrix [rows, columns] of orthogonal rows, or columns where there are fewer of
 * them, of length `gain`.
 *
 * @throws RangeError when it has fewer than two axes.
 * @see Saxe et al., Exact solutions to the nonlinear dynamics of learning in deep linear neural networks (2013)
 */
export function orthogonal_(
  tensor: Tensor,
  ...args: Args<[gain: number], { gain?: number } & GeneratorOption>
): Tensor {
  const call = "init.orthogonal_";
  const { gain, generator } = read(call, { gain: 1, ...NO_GENERATOR }, args);
  checkTensor(call, "tensor", tensor);
  if (tensor.ndim < 2) {
    throw new RangeError(
      `${call}: expected a tensor of two axes or more, got ${show(tensor.shape)}`,
    );
  }
  checkFloat(call, tensor.dtype);
  if (tensor.numElements === 0) return tensor;
  const rows = tensor.shape[0], columns = tensor.numElements / rows, { backend } = tensor;
  return noGrad(() => {
    const drawn = emptyOn(backend, [rows, columns], tensor.dtype);
    fillNormal(drawn, generatorFor(call, drawn, generator), 0, 1);
    // The kernel works on rows, in place: on those of a transposed copy, unless there are fewer rows.
    const tall = rows >= columns;
    const q = denseAs(tall ? transpose(drawn, 0, 1) : drawn, float64);
    backend.kernels.orthonormalize_f64(q.pointer, Math.min(rows, columns), Math.max(rows, columns));
    const result = mul(tall ? transpose(q, 0, 1) : q, gain);
    return copy_(tensor, reshape(result, tensor.shape));
  });
}

/**
 * Fills `tensor` [rows, columns] with normal numbers of mean 0, and sets a part `sparsity` of each column, rounded up,
 * to zero.
 *
 * @throws RangeError when it does not have two axes, or `sparsity` is not from 0 to 1.
 * @see Martens, Deep learning via Hessian-free optimization (2010)
 */
export function sparse_(
  tensor: Tensor,
  ...args: Args<
    [sparsity: number, std: number],
    {
      sparsity?: number;
      std?: number;
    } & GeneratorOption
  >
): Tensor {
  const call = "init.sparse_";
  const { sparsity, std, generator } = read(
    call,
    { sparsity: NaN, std: 0.01, ...NO_GENERATOR },
    args,
  );
  checkTensor(call, "tensor", tensor);
  if (tensor.ndim !== 2) {
    throw new RangeError(`${call}: expected a tensor of two axes, got ${show(tensor.shape)}`);
  }
  if (!(sparsity >= 0 && sparsity <= 1)) {
    throw new RangeError(`${call}: sparsity must be from 0 to 1, got ${sparsity}`);
  }
  return noGrad(() => {
    normal_(tensor, 0, std, { generator });
    const [rows, columns] = tensor.shape, { backend } = tensor, type = drawType(tensor.dtype);
    if (tensor.numElements === 0) return tensor;
    const source = generatorFor(call, tensor, generator), zeros = Math.ceil(sparsity * rows);
    const inPlace = tensor.dense && type === tensor.dtype;
    const y = inPlace ? tensor : denseAs(tensor, type);
    const clear = backend.kernels[
      type === float32 ? "clear_random_rows" : "clear_random_rows_f64"
    ];
    clear(y.pointer, backend.scratch(rows * 4), source.pointer, rows, columns, zeros);
    return inPlace
      ? tensor
      : copy_(tensor, y.dtype === tensor.dtype ? y : convert(y, tensor.dtype));
  });
}
