/**
 * Which types operations compute in within `torch.autocast`: the casts of their operands.
 *
 * @module
 */
import { mode } from "../autograd/mode.ts";
import { type DType, float32, float64, promoteTypes } from "../backend/dtype.ts";
import { Tensor } from "../tensor/tensor.ts";
import { cast } from "./copy.ts";

/** Kinds of devices that autocast is switched on for. */
export type AutocastDevice = "cpu" | "cuda";

/** What a call's floating-point tensors are cast to: the context's narrow type, float32, or the widest among them. */
export type Policy = "lower" | "single" | "widest";

/** The state within a context: the narrow type for each kind of device, null where it is off, and the casts of weights. */
export interface AutocastState {
  readonly cpu: DType | null;
  readonly cuda: DType | null;
  /** What it does to the tensors of a call, by the call's name. */
  readonly policies: Record<AutocastDevice, ReadonlyMap<string, Policy>>;
  /** Casts of leaves that take gradients, while a context is open; null where they are not kept. */
  readonly cache: Map<Tensor, { cast: Tensor; version: number }> | null;
}

function deviceOf(x: Tensor): AutocastDevice {
  return x.storage.backend?.name === "cpu" ? "cpu" : "cuda";
}

/** Whether autocast changes the dtype of `x` at all. */
function eligible(x: unknown): x is Tensor {
  return x instanceof Tensor && x.dtype.kind === "float" && x.dtype !== float64;
}

/** `x` in the narrow type; that of a weight is kept, for it is often used more than once. */
function lowered(x: Tensor, dtype: DType, cache: AutocastState["cache"]): Tensor {
  if (x.dtype === dtype) return x;
  if (cache === null || x.dtype !== float32 || !x.leafRequiresGrad || !mode.grad) {
    return cast(x, dtype);
  }
  const kept = cache.get(x), { version } = x.counter;
  // What was made in a scope that is over is gone.
  if (kept?.version === version && kept.cast.dtype === dtype && !kept.cast.storage.freed) {
    return kept.cast;
  }
  const y = cast(x, dtype);
  cache.set(x, { cast: y, version });
  return y;
}

/** The dtype that `call` computes `x` in, in the present context. */
export function autocastType(call: string, x: Tensor): DType {
  const state = mode.autocast;
  if (state === null || !eligible(x)) return x.dtype;
  const device = deviceOf(x), narrow = state[device];
  if (narrow === null) return x.dtype;
  const policy = state.policies[device].get(call);
  return policy === "lower" ? narrow : policy === "single" ? float32 : x.dtype;
}

/** The tensor that `call` computes with in place of `x`: another one within `autocast`, if its lists say so. */
export function castFor<T>(call: string, x: T): T {
  return mode.autocast === null ? x : castAll(call, x)[0];
}

/** The same for all tensors of a call; whatever among them is not a tensor stays. */
export function castAll<T extends readonly unknown[]>(call: string, ...values: T): T {
  const state = mode.autocast;
  if (state === null) return values;
  const first = values.find((x) => x instanceof Tensor);
  if (first === undefined) return values;
  const device = deviceOf(first), narrow = state[device], policy = state.policies[device].get(call);
  if (narrow === null || policy === undefined) return values;
  if (policy === "lower") {
    return values.map((x) => eligible(x) ? lowered(x, narrow, state.cache) : x) as unknown as T;
  }
  const dtype = policy === "single"
    ? float32
    : values.filter(eligible).map((x) => x.dtype).reduce(promoteTypes, narrow);
  return values.map((x) => eligible(x) ? cast(x, dtype) : x) as unknown as T;
}
