/**
 * What modules with weights of 8 bits have in common.
 *
 * @module
 */
import { DType, int8 } from "../backend/dtype.ts";
import { unscoped } from "../backend/storage.ts";
import { zeros } from "../ops/create.ts";
import { quantizeRows } from "../ops/quantized.ts";
import { describeValue } from "../tensor/describe.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { registryOf } from "./members.ts";
import { Module } from "./module.ts";
import { describe } from "./text.ts";

/** What the modules share: an int8 weight and a scale for each of its rows. They are never in training mode. */
export abstract class QuantizedModule extends Module {
  /** The weight in steps of the scale: int8 [rows, columns]. */
  declare weight: Tensor;
  /** What each row of the weight is multiplied by: float32 [rows]. */
  declare scale: Tensor;

  /** Makes a weight of zeros. */
  constructor(rows: number, columns: number) {
    super();
    registryOf(this).inferenceOnly = true;
    this.training = false;
    unscoped(() => {
      this.registerBuffer("weight", zeros([rows, columns], { dtype: int8 }));
      this.registerBuffer("scale", zeros([rows]));
    });
  }

  /** Takes the rows of a floating-point weight, rounded. */
  protected quantize(call: string, weight: Tensor): void {
    const rows = unscoped(() => quantizeRows(call, weight));
    this.weight = rows.weight;
    this.scale = rows.scale;
  }

  /** What PyTorch calls the module, with its settings. */
  protected describe(name: string, settings: string): string {
    return describe(
      name,
      `${settings}, dtype=torch.qint8, qscheme=torch.per_channel_symmetric`,
      [],
    );
  }
}

/** Throws unless `dtype` is the one that weights are quantized to. */
export function checkQint8(call: string, dtype: unknown): void {
  if (dtype === int8) return;
  throw new TypeError(
    `${call}: weights are quantized to torch.qint8, got ${
      dtype instanceof DType ? dtype : describeValue(dtype)
    }`,
  );
}
