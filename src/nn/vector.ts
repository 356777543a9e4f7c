/**
 * All parameters as one vector, and back.
 *
 * @module
 */
import { noGrad } from "../autograd/record.ts";
import { copy_ } from "../ops/copy.ts";
import { cat } from "../ops/join.ts";
import { detach, narrow, reshape } from "../ops/view.ts";
import { checkTensor } from "../tensor/arguments.ts";
import { show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** The elements of all parameters, one after another: -> [n]. */
export function parametersToVector(parameters: Iterable<Tensor>): Tensor {
  return cat(Array.from(parameters, (p) => reshape(p, -1)));
}

/**
 * Sets the parameters to the elements of `vector` [n], one after another.
 *
 * @throws RangeError unless there are as many as the parameters have; these stay as they were.
 */
export function vectorToParameters(vector: Tensor, parameters: Iterable<Tensor>): void {
  checkTensor("vectorToParameters", "vector", vector);
  const list = [...parameters], n = list.reduce((sum, p) => sum + p.numElements, 0);
  if (vector.ndim !== 1 || vector.numElements !== n) {
    throw new RangeError(
      `vectorToParameters: a vector of shape ${show(vector.shape)}, expected [${n}]`,
    );
  }
  noGrad(() => {
    let at = 0;
    for (const p of list) {
      copy_(detach(p), reshape(narrow(vector, 0, at, p.numElements), [...p.shape]));
      at += p.numElements;
    }
  });
}
