/**
 * Results that PyTorch returns as a named tuple.
 *
 * @module
 */
import type { Tensor } from "./tensor.ts";

/** Tensors in an array, and as properties of it under the names `N`. */
export type NamedTuple<N extends readonly string[]> =
  & { -readonly [I in keyof N]: Tensor }
  & { readonly [K in N[number]]: Tensor };

/** What sorting and selecting reductions return: `const { values, indices } = x.sort()`. */
export type ValuesAndIndices = NamedTuple<["values", "indices"]>;

/** An array of `tensors` with `names` as properties: `namedTuple(["values", "indices"], [v, i])`. */
export function namedTuple<const N extends readonly string[]>(
  names: N,
  tensors: { [I in keyof N]: Tensor },
): NamedTuple<N> {
  const tuple: Record<string, Tensor> & Tensor[] = [...tensors] as never;
  names.forEach((name, i) => tuple[name as never] = tensors[i] as never);
  return tuple as unknown as NamedTuple<N>;
}
