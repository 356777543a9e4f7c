/**
 * `torch.nn.init`: starting values of parameters, written into them without history.
 *
 * @module
 */
export { orthogonal_, sparse_ } from "./init_matrix.ts";
import { describeValue } from "../tensor/describe.ts";
import { noGrad } from "../autograd/record.ts";
import { add, mul } from "../ops/arithmetic.ts";
import { copy_, fill_, zero_ } from "../ops/copy.ts";
import { binary, kernelTable, unary } from "../ops/elementwise.ts";
import { type GeneratorOption, NO_GENERATOR } from "../ops/draw.ts";
import { normal_ as drawNormal, uniform_ as drawUniform } from "../ops/random_in_place.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";

/** What a layer's outputs go through: PyTorch's names of functions. */
export type Nonlinearity =
  | "linear"
  | "conv1d"
  | "conv2d"
  | "conv3d"
  | "conv_transpose1d"
  | "conv_transpose2d"
  | "conv_transpose3d"
  | "sigmoid"
  | "tanh"
  | "relu"
  | "leaky_relu"
  | "selu";

const ERFINV = kernelTable("erfinv"),
  MAXIMUM = kernelTable("maximum"),
  MINIMUM = kernelTable("minimum");

const LINEAR = /^(linear|conv(_transpose)?[123]d|sigmoid)$/;

/**
 * The factor by which weights before a nonlinearity are scaled; `param` is the slope of `leaky_relu`, 0.01 by default.
 *
 * @throws RangeError for a nonlinearity that is not known.
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.calculate_gain
 */
export function calculateGain(nonlinearity: Nonlinearity, param: number | null = null): number {
  if (LINEAR.test(nonlinearity)) return 1;
  switch (nonlinearity) {
    case "tanh":
      return 5 / 3;
    case "relu":
      return Math.sqrt(2);
    case "leaky_relu":
      if (param !== null && typeof param !== "number") {
        throw new TypeError(
          `calculateGain: the slope must be a number, got ${describeValue(param)}`,
        );
      }
      return Math.sqrt(2 / (1 + (param ?? 0.01) ** 2));
    case "selu":
      return 3 / 4;
  }
  throw new RangeError(
    `calculateGain: no nonlinearity ${
      JSON.stringify(nonlinearity)
    }; expected linear, conv1d to conv3d, conv_transpose1d to conv_transpose3d, sigmoid, tanh, relu, leaky_relu or selu`,
  );
}

/**
 * How many inputs each output of a weight depends on, and how many outputs each input reaches: [out, in, ...] -> in and
 * out, times the sizes after them.
 *
 * @throws RangeError when the weight has fewer than two axes.
 */
export function calculateFanInAndFanOut(tensor: Tensor): [fanIn: number, fanOut: number] {
  return fans("calculateFanInAndFanOut", tensor);
}

function fans(call: string, x: Tensor): [number, number] {
  checkTensor(call, "tensor", x);
  if (x.ndim < 2) {
    throw new RangeError(
      `${call}: fan in and fan out need a tensor of two axes or more, got shape ${show(x.shape)}`,
    );
  }
  const field = x.shape.slice(2).reduce((n, size) => n * size, 1);
  return [x.shape[1] * field, x.shape[0] * field];
}

function fill(call: string, x: Tensor, value: number): Tensor {
  checkTensor(call, "tensor", x);
  return noGrad(() => fill_(x, value));
}

/** Fills `tensor` with numbers that are uniform in [a, b). */
export function uniform_(
  tensor: Tensor,
  ...args: Args<[a: number, b: number], { a?: number; b?: number } & GeneratorOption>
): Tensor {
  const { a, b, generator } = read("init.uniform_", { a: 0, b: 1, ...NO_GENERATOR }, args);
  return noGrad(() => drawUniform(tensor, a, b, { generator }));
}

/** Fills `tensor` with normal numbers. */
export function normal_(
  tensor: Tensor,
  ...args: Args<[mean: number, std: number], { mean?: number; std?: number } & GeneratorOption>
): Tensor {
  const { mean, std, generator } = read("init.normal_", { mean: 0, std: 1, ...NO_GENERATOR }, args);
  return noGrad(() => drawNormal(tensor, mean, std, { generator }));
}

/** The error function, to the last digits of a double. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  if (Math.abs(x) < 2.5) {
    // 2 / sqrt(pi) * exp(-x^2) * sum of 2^n x^(2n+1) / (1 * 3 * ... * (2n+1)), all of one sign.
    let term = x, sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      sum += term *= 2 * x * x / (2 * n + 1);
    }
    return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
  }
  // Laplace's continued fraction of the complement, from its end.
  let fraction = 0;
  const z = Math.abs(x);
  for (let n = 60; n > 0; n--) fraction = n / 2 / (z + fraction);
  return Math.sign(x) * (1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction));
}

/** Options of `truncNormal_`. */
export interface TruncNormalOptions extends GeneratorOption {
  /** The mean before truncation; 0 by default. */
  mean?: number;
  /** The standard deviation before truncation; 1 by default. */
  std?: number;
  /** The least value; -2 by default. */
  a?: number;
  /** The greatest value; 2 by default. */
  b?: number;
}

/**
 * Fills `tensor` with normal numbers from [a, b]: the inverse of the normal distribution at uniform numbers.
 *
 * @throws RangeError when `std` is not positive, or `a` exceeds `b`.
 */
export function truncNormal_(
  tensor: Tensor,
  ...args: Args<[mean: number, std: number, a: number, b: number], TruncNormalOptions>
): Tensor {
  const call = "init.truncNormal_";
  const { mean, std, a, b, generator } = read(
    call,
    { mean: 0, std: 1, a: -2, b: 2, ...NO_GENERATOR },
    args,
  );
  checkTensor(call, "tensor", tensor);
  if (!(std > 0) || !(a <= b)) {
    throw new RangeError(
      `${call}: expected std > 0 and a <= b, got std ${std}, a ${a} and b ${b}`,
    );
  }
  if (mean < a - 2 * std || mean > b + 2 * std) {
    console.warn(`${call}: the mean is more than 2 std from [a, b]; the values may be off`);
  }
  // PyTorch goes through the distribution functions (1 + erf) / 2, and so do the last digits.
  const from = (1 + erf((a - mean) / std / Math.SQRT2)) - 1;
  const to = (1 + erf((b - mean) / std / Math.SQRT2)) - 1;
  return noGrad(() => {
    drawUniform(tensor, from, to, { generator });
    const { dtype } = tensor, y = unary(call, ERFINV, tensor);
    const shifted = add(mul(y, std * Math.SQRT2), mean);
    return copy_(tensor, binary(call, MINIMUM, binary(call, MAXIMUM, shifted, a, dtype), b, dtype));
  });
}

/** Fills `tensor` with `val`. */
export function constant_(tensor: Tensor, val: number | { val: number }): Tensor {
  return fill("init.constant_", tensor, typeof val === "object" ? val.val : val);
}

/** Fills `tensor` with ones. */
export function ones_(tensor: Tensor): Tensor {
  return fill("init.ones_", tensor, 1);
}

/** Fills `tensor` with zeros. */
export function zeros_(tensor: Tensor): Tensor {
  return fill("init.zeros_", tensor, 0);
}

/** Writes ones at `count` places of `x`, the first at `offset` and each next one `step` elements on. */
function writeOnes(x: Tensor, count: number, step: number, offset: number): void {
  fill_(new Tensor(x.storage, [count], x.dtype, [step], x.offset + offset), 1);
}

/**
 * Fills `tensor` [rows, columns] with the identity matrix.
 *
 * @throws RangeError when it does not have two axes.
 */
export function eye_(tensor: Tensor): Tensor {
  checkTensor("init.eye_", "tensor", tensor);
  if (tensor.ndim !== 2) {
    throw new RangeError(`init.eye_: expected a tensor of two axes, got ${show(tensor.shape)}`);
  }
  return noGrad(() => {
    zero_(tensor);
    const [rowStep, columnStep] = tensor.strides;
    writeOnes(tensor, Math.min(...tensor.shape), rowStep + columnStep, 0);
    return tensor;
  });
}

/**
 * Fills `tensor` [out, in, ...], of three to five axes, with the weight of a convolution that passes channels through
 * unchanged, in each of `groups` groups.
 *
 * @throws RangeError when it has other axes, or `groups` does not divide its first size.
 */
export function dirac_(
  tensor: Tensor,
  ...args: Args<[groups: number], { groups?: number }>
): Tensor {
  const { groups } = read("init.dirac_", { groups: 1 }, args);
  checkTensor("init.dirac_", "tensor", tensor);
  wholeNumber("init.dirac_", "groups", groups);
  const { shape, strides } = tensor;
  if (shape.length < 3 || shape.length > 5) {
    throw new RangeError(`init.dirac_: expected a tensor of 3, 4 or 5 axes, got ${show(shape)}`);
  }
  if (groups < 1 || shape[0] % groups !== 0) {
    throw new RangeError(
      `init.dirac_: the first size of ${show(shape)} must be divisible by groups, ${groups}`,
    );
  }
  return noGrad(() => {
    zero_(tensor);
    if (tensor.numElements === 0) return tensor;
    const perGroup = shape[0] / groups;
    let centre = 0;
    for (let d = 2; d < shape.length; d++) centre += Math.floor(shape[d] / 2) * strides[d];
    for (let g = 0; g < groups; g++) {
      writeOnes(
        tensor,
        Math.min(perGroup, shape[1]),
        strides[0] + strides[1],
        g * perGroup * strides[0] + centre,
      );
    }
    return tensor;
  });
}

/** Parameters of the Xavier initialisations. */
export type XavierArgs = Args<[gain: number], { gain?: number } & GeneratorOption>;

function xavier(call: string, x: Tensor, args: readonly unknown[]) {
  const { gain, generator } = read(call, { gain: 1, ...NO_GENERATOR }, args);
  const [fanIn, fanOut] = fans(call, x);
  return { std: gain * Math.sqrt(2 / (fanIn + fanOut)), generator };
}

/**
 * Fills `tensor` with uniform numbers in +-gain * sqrt(6 / (fan in + fan out)).
 *
 * @throws RangeError when it has fewer than two axes.
 * @see Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks (2010)
 */
export function xavierUniform_(tensor: Tensor, ...args: XavierArgs): Tensor {
  const { std, generator } = xavier("init.xavierUniform_", tensor, args);
  const bound = Math.sqrt(3) * std;
  return noGrad(() => drawUniform(tensor, -bound, bound, { generator }));
}

/**
 * Fills `tensor` with normal numbers of standard deviation gain * sqrt(2 / (fan in + fan out)).
 *
 * @throws RangeError when it has fewer than two axes.
 * @see Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks (2010)
 */
export function xavierNormal_(tensor: Tensor, ...args: XavierArgs): Tensor {
  const { std, generator } = xavier("init.xavierNormal_", tensor, args);
  return noGrad(() => drawNormal(tensor, 0, std, { generator }));
}

/** Options of the Kaiming initialisations. */
export interface KaimingOptions extends GeneratorOption {
  /** The slope of a `leaky_relu` for negative numbers; 0 by default. */
  a?: number;
  /** Whether sums keep their variance on the way forward (`"fan_in"`, the default) or backward. */
  mode?: "fan_in" | "fan_out";
  /** What the outputs go through; `"leaky_relu"` by default. */
  nonlinearity?: Nonlinearity;
}

/** Parameters of the Kaiming initialisations. */
export type KaimingArgs = Args<
  [a: number, mode: "fan_in" | "fan_out", nonlinearity: Nonlinearity],
  KaimingOptions
>;

function kaiming(call: string, x: Tensor, args: readonly unknown[]) {
  const { a, mode, nonlinearity, generator } = read(call, {
    a: 0,
    mode: "fan_in",
    nonlinearity: "leaky_relu" as Nonlinearity,
    ...NO_GENERATOR,
  }, args);
  checkTensor(call, "tensor", x);
  if (x.numElements === 0) return { std: 0, generator };
  if (mode !== "fan_in" && mode !== "fan_out") {
    throw new RangeError(
      `${call}: mode must be "fan_in" or "fan_out", got ${describeValue(mode)}`,
    );
  }
  const fan = fans(call, x)[mode === "fan_in" ? 0 : 1];
  return { std: calculateGain(nonlinearity, a) / Math.sqrt(fan), generator };
}

/**
 * Fills `tensor` with uniform numbers in +-gain * sqrt(3 / fan).
 *
 * @throws RangeError when it has fewer than two axes.
 * @see He et al., Delving deep into rectifiers (2015)
 */
export function kaimingUniform_(tensor: Tensor, ...args: KaimingArgs): Tensor {
  const { std, generator } = kaiming("init.kaimingUniform_", tensor, args);
  const bound = Math.sqrt(3) * std;
  return noGrad(() => drawUniform(tensor, -bound, bound, { generator }));
}

/**
 * Fills `tensor` with normal numbers of standard deviation gain / sqrt(fan).
 *
 * @throws RangeError when it has fewer than two axes.
 * @see He et al., Delving deep into rectifiers (2015)
 */
export function kaimingNormal_(tensor: Tensor, ...args: KaimingArgs): Tensor {
  const { std, generator } = kaiming("init.kaimingNormal_", tensor, args);
  return noGrad(() => drawNormal(tensor, 0, std, { generator }));
}
