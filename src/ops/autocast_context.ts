/**
 * Mixed precision: within `torch.autocast`, products compute in float16 or bfloat16, what loses too much by that in float32,
 * and weights stay as they are.
 *
 * @module
 */
import { mode } from "../autograd/mode.ts";
import { within } from "../autograd/record.ts";
import { bfloat16, type DType, float16 } from "../backend/dtype.ts";
import { describeValue } from "../tensor/describe.ts";
import { type Args, read } from "../tensor/arguments.ts";
import type { AutocastDevice, AutocastState, Policy } from "./autocast.ts";

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
/** Mixed precision until the end of the block: `using _ = torch.autocast("cuda");`. */
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
  const before = mode.autocast ??
    { cpu: null, cuda: null, policies: POLICIES, cache: null };
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
