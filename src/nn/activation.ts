/**
 * Activations without parameters of their own, as modules.
 *
 * @module
 */
import {
  hardsigmoid,
  hardswish,
  logsigmoid,
  mish,
  relu,
  relu6,
  selu,
  silu,
  softsign,
  tanhshrink,
} from "../ops/activation.ts";
import { sigmoid, tanh } from "../ops/unary.ts";
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";

/** Options of activations that can write into their input. */
export interface InplaceModuleOptions {
  /** Whether to write into the input. */
  inplace?: boolean;
}

/** Activations that can write into their input. */
export abstract class InplaceModule extends Module {
  /** Whether to write into the input. */
  inplace: boolean;

  /** Takes whether to write into the input. */
  constructor(...args: Args<[inplace: boolean], InplaceModuleOptions>) {
    super();
    this.inplace = read(this.constructor.name, { inplace: false }, args).inplace;
  }

  override extraRepr(): string {
    return this.inplace ? "inplace=True" : "";
  }
}

/**
 * max(x, 0).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReLU.html
 */
export class ReLU extends InplaceModule {
  override forward(input: Tensor): Tensor {
    return relu(input, this.inplace);
  }
}

/**
 * min(max(x, 0), 6).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReLU6.html
 */
export class ReLU6 extends InplaceModule {
  override forward(input: Tensor): Tensor {
    return relu6(input, this.inplace);
  }
}

/**
 * The scaled ELU of self-normalizing networks.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.SELU.html
 */
export class SELU extends InplaceModule {
  override forward(input: Tensor): Tensor {
    return selu(input, this.inplace);
  }
}

/**
 * x sigmoid(x).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.SiLU.html
 */
export class SiLU extends InplaceModule {
  override forward(input: Tensor): Tensor {
    return silu(input, this.inplace);
  }
}

/**
 * x tanh(softplus(x)).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Mish.html
 */
export class Mish extends InplaceModule {
  override forward(input: Tensor): Tensor {
    return mish(input, this.inplace);
  }
}

/**
 * x relu6(x + 3) / 6.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Hardswish.html
 */
export class Hardswish extends InplaceModule {
  override forward(input: Tensor): Tensor {
    return hardswish(input, this.inplace);
  }

  override extraRepr(): string {
    return "";
  }
}

/**
 * relu6(x + 3) / 6.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Hardsigmoid.html
 */
export class Hardsigmoid extends InplaceModule {
  override forward(input: Tensor): Tensor {
    return hardsigmoid(input, this.inplace);
  }

  override extraRepr(): string {
    return "";
  }
}

/**
 * The hyperbolic tangent.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Tanh.html
 */
export class Tanh extends Module {
  override forward(input: Tensor): Tensor {
    return tanh(input);
  }
}

/**
 * 1 / (1 + exp(-x)).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html
 */
export class Sigmoid extends Module {
  override forward(input: Tensor): Tensor {
    return sigmoid(input);
  }
}

/**
 * log(sigmoid(x)).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LogSigmoid.html
 */
export class LogSigmoid extends Module {
  override forward(input: Tensor): Tensor {
    return logsigmoid(input);
  }
}

/**
 * x / (1 + |x|).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softsign.html
 */
export class Softsign extends Module {
  override forward(input: Tensor): Tensor {
    return softsign(input);
  }
}

/**
 * x - tanh(x).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Tanhshrink.html
 */
export class Tanhshrink extends Module {
  override forward(input: Tensor): Tensor {
    return tanhshrink(input);
  }
}
