/**
 * Loading a module's state.
 *
 * @module
 */
import { noGrad } from "../autograd/record.ts";
import { float32, float64 } from "../backend/dtype.ts";
import { copy_ } from "../ops/copy.ts";
import { detach, select } from "../ops/view.ts";
import { sameShape } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Tensors by name: what `stateDict` gives. */
export type StateDict = Record<string, Tensor>;

/** The names that a state and a module do not share. */
export interface IncompatibleKeys {
  /** Names that the module has and the state lacks. */
  missingKeys: string[];
  /** Names that the state has and the module lacks. */
  unexpectedKeys: string[];
}

/**
 * Copies `state` into the tensors `own`, all or nothing. When every number of the state is float64 and those of the module
 * float32, `widen` is called first: no digits are lost.
 */
export function loadState(
  module: string,
  own: ReadonlyMap<string, Tensor>,
  state: Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>,
  strict: boolean,
  widen: () => void,
): IncompatibleKeys {
  if (state === null || typeof state !== "object" || state instanceof Tensor) {
    throw new TypeError(
      `loadStateDict: expected an object or a Map of tensors by name, got ${typeof state}`,
    );
  }
  if (state instanceof Promise) {
    throw new TypeError("loadStateDict: got a promise of a state; await it first");
  }
  const given = state instanceof Map
    ? state as Map<string, Tensor>
    : new Map(Object.entries(state));
  const missingKeys = [...own.keys()].filter((key) => !given.has(key));
  const unexpectedKeys = [...given.keys()].filter((key) => !own.has(key));
  const problems: string[] = [];
  let sizes = 0;
  const copies: [Tensor, Tensor][] = [];
  for (const [key, target] of own) {
    if (!given.has(key)) continue;
    let source = given.get(key) as Tensor;
    if (!(source instanceof Tensor)) {
      problems.push(
        `While copying the parameter named "${key}", expected a tensor from checkpoint but received ${
          source === null ? "null" : typeof source
        }`,
      );
      continue;
    }
    // Scalars were saved as one element by early versions of PyTorch.
    if (target.ndim === 0 && source.ndim === 1 && source.shape[0] > 0) {
      source = select(detach(source), 0, 0);
    }
    if (!sameShape(source.shape, target.shape)) {
      sizes++;
      problems.push(
        `size mismatch for ${key}: copying a param with shape ${
          torchSize(source.shape)
        } from checkpoint, the shape in current model is ${torchSize(target.shape)}.`,
      );
      continue;
    }
    copies.push([target, source]);
  }
  const list = (keys: string[]) => keys.map((k) => `"${k}"`).join(", ");
  if (strict && unexpectedKeys.length > 0) {
    problems.unshift(`Unexpected key(s) in state_dict: ${list(unexpectedKeys)}. `);
  }
  if (strict && missingKeys.length > 0) {
    problems.unshift(`Missing key(s) in state_dict: ${list(missingKeys)}. `);
  }
  if (problems.length > 0) {
    const message = `loadStateDict: Error(s) in loading state_dict for ${module}:\n\t${
      problems.join("\n\t")
    }`;
    throw problems.length === sizes ? new RangeError(message) : new Error(message);
  }
  const numbers = copies.filter(([target]) => target.dtype.isFloatingPoint);
  if (
    numbers.length > 0 &&
    numbers.every(([target, source]) => target.dtype === float32 && source.dtype === float64)
  ) widen();
  noGrad(() => {
    for (const [target, source] of copies) copy_(target, source);
  });
  return { missingKeys, unexpectedKeys };
}

function torchSize(shape: readonly number[]): string {
  return `torch.Size([${shape.join(", ")}])`;
}
