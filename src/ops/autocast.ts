/**
 * Mixed precision: within `torch.autocast`, products compute in float16 or bfloat16, what loses too much by that in float32,
 * and weights stay as they are.
 *
 * @module
 */
import { mode } from "../autograd/mode.ts";
import { within } from "../autograd/record.ts";
import { bfloat16, DType, float16, float32, float64, promoteTypes } from "../backend/dtype.ts";
import { describeValue } from "../tensor/describe.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { Tensor } from "../tensor/tensor.ts";
import { cast } from "./copy.ts";

/** Kinds of devices that autocast is switched on for. */
export type AutocastDevice = "cpu" | "cuda";

/** What a call's floating-point tensors are cast to: the context's narrow type, float32, or the widest among them. */
type Policy = "lower" | "single" | "widest";

function policies(lists: Record<Policy, string>): ReadonlyMap<string, Policy> {
  return new Map(
    (Object.keys(lists) as Policy[]).flatMap((policy) =>
      lists[policy].trim().split(/\s+/).map((call) => [call, policy])
    ),
  );
}

/** PyTorch's lists, by kind of device; calls that are not on them take what they are given. */
const POLICIES: Record<AutocastDevice, ReadonlyMap<string, Policy>> = {
  cuda: policies({
    lower: `
      linear mm matmul bmm mv addmm addmv addr addbmm baddbmm chainMatmul multiDot einsum tensordot inner prelu
      conv1d conv2d conv3d convTranspose1d convTranspose2d convTranspose3d
      recurrent scaledDotProductAttention`,
    single: `
      acos asin cosh erfinv exp expm1 log log10 log1p log2 reciprocal rsqrt sinh tan pow softplus
      layerNorm groupNorm norm cosineSimilarity cdist pdist dist renorm
      softmax logSoftmax softmin logsumexp cumsum cumprod sum prod
      nllLoss crossEntropy mseLoss l1Loss smoothL1Loss huberLoss klDiv binaryCrossEntropyWithLogits ctcLoss
      cosineEmbeddingLoss marginRankingLoss hingeEmbeddingLoss tripletMarginLoss multiMarginLoss softMarginLoss
      multilabelMarginLoss poissonNllLoss`,
    widest: "bilinear dot vdot cross gridSample scatterAdd indexPut",
  }),
  cpu: policies({
    lower: `
      linear mm matmul bmm addmm addbmm baddbmm chainMatmul multiDot einsum tensordot inner
      conv1d conv2d conv3d convTranspose1d convTranspose2d convTranspose3d recurrent scaledDotProductAttention`,
    single: `
      prod trace quantile nanquantile cdist avgPool3d gridSample inverse ctcLoss
      nllLoss crossEntropy mseLoss l1Loss smoothL1Loss huberLoss klDiv binaryCrossEntropy binaryCrossEntropyWithLogits
      cosineEmbeddingLoss marginRankingLoss hingeEmbeddingLoss tripletMarginLoss multiMarginLoss softMarginLoss
      multilabelMarginLoss poissonNllLoss`,
    widest: "bilinear dot vdot",
  }),
};

/** The state within a context: the narrow type for each kind of device, null where it is off, and the casts of weights. */
export interface AutocastState {
  readonly cpu: DType | null;
  readonly cuda: DType | null;
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
  const policy = POLICIES[device].get(call);
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
  const device = deviceOf(first), narrow = state[device], policy = POLICIES[device].get(call);
  if (narrow === null || policy === undefined) return values;
  if (policy === "lower") {
    return values.map((x) => eligible(x) ? lowered(x, narrow, state.cache) : x) as unknown as T;
  }
  const dtype = policy === "single"
    ? float32
    : values.filter(eligible).map((x) => x.dtype).reduce(promoteTypes, narrow);
  return values.map((x) => eligible(x) ? cast(x, dtype) : x) as unknown as T;
}

/** Options of `autocast`. */
export interface AutocastOptions {
  /** The narrow type: float16 (the default of `"cuda"`) or bfloat16 (that of `"cpu"`). */
  dtype?: DType | null;
  /** Whether it is on; with false, calls in the context take what they are given. */
  enabled?: boolean;
  /** Whether casts of weights are kept for the context. */
  cacheEnabled?: boolean | null;
}

const defaults: Record<AutocastDevice, DType> = { cpu: bfloat16, cuda: float16 };

function checkKind(call: string, deviceType: unknown): asserts deviceType is AutocastDevice {
  if (deviceType === "cpu" || deviceType === "cuda") return;
  throw new TypeError(
    `${call}: the device type must be "cpu" or "cuda", got ${describeValue(deviceType)}`,
  );
}

/** The parameters of `autocast` after the kind of device. */
export type AutocastArgs = Args<
  [dtype: DType | null, enabled: boolean, cacheEnabled: boolean | null],
  AutocastOptions
>;

/**
 * Mixed precision: in `f`, or without it until the end of a `using` block, products of tensors on devices of a kind compute
 * in a 16-bit type, sums, norms and losses in float32, as PyTorch's lists say. Weights and their gradients stay float32.
 * Call `backward` outside of it.
 *
 * ```ts
 * import * as torch from "@dinotorch/dinotorch";
 *
 * const model = new torch.nn.Linear(4, 2), x = torch.randn(3, 4);
 * const y = torch.autocast("cpu", () => model(x));
 * console.log(y.dtype); // torch.bfloat16
 * y.sum().backward();
 * console.log(model.weight.grad!.dtype); // torch.float32
 * ```
 *
 * @throws TypeError when the dtype is not float16 or bfloat16.
 * @see https://pytorch.org/docs/stable/amp.html
 */
export function autocast<T>(
  deviceType: AutocastDevice,
  ...args: [...AutocastArgs, f: () => T]
): T;
export function autocast(deviceType: AutocastDevice, ...args: AutocastArgs): Disposable;
export function autocast(deviceType: AutocastDevice, ...args: unknown[]): unknown {
  checkKind("autocast", deviceType);
  const f = typeof args.at(-1) === "function" ? args.pop() as () => unknown : undefined;
  const { dtype, enabled, cacheEnabled } = read("autocast", {
    dtype: null as DType | null,
    enabled: true,
    cacheEnabled: null as boolean | null,
  }, args as unknown as AutocastArgs);
  const type = dtype ?? defaults[deviceType];
  if (type !== float16 && type !== bfloat16) {
    throw new TypeError(`autocast: dtype must be float16 or bfloat16, got ${describeValue(type)}`);
  }
  const before = mode.autocast ?? { cpu: null, cuda: null, cache: null };
  const state: AutocastState = {
    ...before,
    [deviceType]: enabled ? type : null,
    cache: cacheEnabled ?? true ? before.cache ?? new Map() : null,
  };
  const off = state.cpu === null && state.cuda === null;
  return within({ autocast: off ? null : state }, f);
}

/** Whether autocast is on for devices of a kind, `"cuda"` by default. */
export function isAutocastEnabled(deviceType: AutocastDevice = "cuda"): boolean {
  checkKind("isAutocastEnabled", deviceType);
  return mode.autocast !== null && mode.autocast[deviceType] !== null;
}

/** The narrow type that autocast has for devices of a kind now, or else would have. */
export function getAutocastDtype(deviceType: AutocastDevice): DType {
  checkKind("getAutocastDtype", deviceType);
  return mode.autocast?.[deviceType] ?? defaults[deviceType];
}

/** Whether casts of weights are kept in the present context. */
export function isAutocastCacheEnabled(): boolean {
  return mode.autocast === null || mode.autocast.cache !== null;
}

/** Forgets the casts of weights that the present context keeps; it does so by itself when it ends. */
export function clearAutocastCache(): void {
  mode.autocast?.cache?.clear();
}
