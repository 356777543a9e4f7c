/**
 * `torch.nn.quantized.dynamic`: modules that take and give float32, with weights of 8 bits.
 *
 * @module
 */
import { type DType, float32, int8 } from "../backend/dtype.ts";
import { unscoped } from "../backend/storage.ts";
import { zeros } from "../ops/create.ts";
import { cast, clone } from "../ops/copy.ts";
import { quantizedLinear } from "../ops/quantized.ts";
import { detach } from "../ops/view.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { describeValue } from "../tensor/describe.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { count, Linear as FloatLinear } from "./linear.ts";
import { checkQint8, QuantizedModule } from "./quantized_module.ts";
import { show } from "./text.ts";

/** Options of `quantized.dynamic.Linear`. */
export interface DynamicLinearOptions {
  /** The size of an input. */
  inFeatures?: number;
  /** The size of an output. */
  outFeatures?: number;
  /** Whether a number is added to each output; true by default. */
  bias?: boolean;
  /** `torch.qint8`. */
  dtype?: DType;
}

/**
 * y = x W^T + b, W being int8 with a scale for each row. float32 [..., inFeatures] -> float32 [..., outFeatures], without
 * gradients. Activations are rounded to 16 bits of the greatest of their row (PyTorch: 8 bits). Made by `quantizeDynamic`,
 * or from a layer by `fromFloat`; a new one holds zeros, for `loadStateDict` to fill.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.ao.nn.quantized.dynamic.Linear.html
 */
export class Linear extends QuantizedModule {
  /** The size of an input. */
  readonly inFeatures: number;
  /** The size of an output. */
  readonly outFeatures: number;
  /** float32 [outFeatures], or null. */
  declare bias: Tensor | null;

  /** Takes the sizes of an input and an output. */
  constructor(
    ...args: Args<
      [inFeatures: number, outFeatures: number, bias: boolean, dtype: DType],
      DynamicLinearOptions
    >
  ) {
    const call = "quantized.dynamic.Linear";
    const { inFeatures, outFeatures, bias, dtype } = read(call, {
      inFeatures: NaN,
      outFeatures: NaN,
      bias: true,
      dtype: int8,
    }, args);
    checkQint8(call, dtype);
    super(count(call, "outFeatures", outFeatures), count(call, "inFeatures", inFeatures));
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    unscoped(() => this.registerBuffer("bias", bias ? zeros([outFeatures]) : null));
  }

  /**
   * The quantized form of a layer.
   *
   * @throws TypeError for another module, RangeError for a weight with infinities or NaN.
   */
  static fromFloat(module: FloatLinear): Linear {
    const call = "quantized.dynamic.Linear.fromFloat";
    if (!(module instanceof FloatLinear)) {
      throw new TypeError(`${call}: expected an nn.Linear, got ${describeValue(module)}`);
    }
    const { inFeatures, outFeatures, bias } = module;
    const layer = new Linear(inFeatures, outFeatures, bias !== null);
    layer.quantize(call, module.weight);
    if (bias !== null) layer.bias = unscoped(() => clone(cast(detach(bias), float32)));
    return layer;
  }

  /** float32, without gradients. */
  override forward(input: Tensor): Tensor {
    const { weight, scale, bias } = this;
    return quantizedLinear("quantized.dynamic.Linear", input, weight, scale, bias);
  }

  /** As PyTorch prints it. */
  override toString(): string {
    const { inFeatures, outFeatures, bias } = this;
    return this.describe(
      "DynamicQuantizedLinear",
      `in_features=${inFeatures}, out_features=${outFeatures}, bias=${show(bias !== null)}`,
    );
  }
}
