/**
 * A row of the benchmark: one piece of work, in the words of every library that can do it.
 *
 * A recipe gets its library and the row's inputs as that library's tensors, prepares what it needs, and gives the work:
 * a function that does it once and returns a result. Only types are imported here, so that a process loads one library.
 */
import type * as jax from "@jax-js/jax";
import type * as tf from "@tensorflow/tfjs-core";
import type * as torch from "../mod.ts";
import type { Model } from "./onnx.ts";

/** The library itself. */
export type Torch = typeof torch;
/** One of its tensors. */
export type Tensor = torch.Tensor;
/** TensorFlow.js. */
export type Tf = typeof tf;
/** One of its tensors. */
export type TfTensor = tf.Tensor;
/** One of one axis. */
export type TfVector = tf.Tensor1D;
/** One of four axes: in its layout [batch, height, width, channels]. */
export type TfImages = tf.Tensor4D;
/** jax-js. */
export type Jax = typeof jax;
/** One of its arrays. */
export type JaxArray = jax.numpy.Array;

/** An input: the shape of floats in [-1, 1), or whole numbers from 0 to `below - 1`. */
export type Input = number[] | { ints: number[]; below: number };

/** One row. The inputs are called a, b, c, ... in Python and in ONNX. */
export interface Row {
  /** What is done, with its sizes; unique. */
  name: string;
  /** The heading it stands under. */
  group: string;
  /** What every library is given; each gets the same numbers. */
  inputs: Input[];
  /** Floating-point operations of one run: shown as a rate, and as a share of the machine's peak. */
  flops?: number;
  /** Bytes that one run must read and write: shown as a rate, and as a share of what copying reaches. */
  bytes?: number;
  /** False where the work is too small for threads to matter. */
  threads?: false;
  /** True where the engine's flags are tried as well. */
  flags?: true;
  /** False where the work's tensors are left to the garbage collector instead of a scope. */
  scope?: false;
  /** Here. */
  ours: (torch: Torch, ...inputs: Tensor[]) => () => Tensor;
  /** In Python: the work, an expression, and what is prepared before it. */
  torch: string | { setup: string; code: string };
  /** In TensorFlow.js. */
  tfjs?: (tf: Tf, ...inputs: TfTensor[]) => () => TfTensor;
  /** For ONNX Runtime: a model whose output is called y. */
  onnx?: Model;
  /** In jax-js: a function, which is compiled by `jit`, and its arguments. */
  jax?: (
    jax: Jax,
    ...inputs: JaxArray[]
  ) => [f: (...args: JaxArray[]) => JaxArray | JaxArray[], ...args: JaxArray[]];
  /** Why a library has no recipe, where there is more to say than that it can't do this. */
  without?: { tfjs?: string; onnx?: string; jax?: string };
}

/** A row whose work needs no preparation, here and in TensorFlow.js: the recipes are functions of the inputs. */
export function op(
  row: Omit<Row, "ours" | "tfjs" | "jax"> & {
    ours: (torch: Torch, ...inputs: Tensor[]) => Tensor;
    tfjs?: (tf: Tf, ...inputs: TfTensor[]) => TfTensor;
    jax?: (jax: Jax, ...inputs: JaxArray[]) => JaxArray;
  },
): Row {
  const { ours, tfjs, jax } = row;
  return {
    ...row,
    ours: (torch, ...inputs) => () => ours(torch, ...inputs),
    tfjs: tfjs && ((tf, ...inputs) => () => tfjs(tf, ...inputs)),
    jax: jax && ((np, ...inputs) => [(...args) => jax(np, ...args), ...inputs]),
  };
}
