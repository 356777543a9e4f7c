/**
 * The operations of an exported program, and what they read and write.
 *
 * @module
 */
import type { Affine, Place, Value } from "./program.ts";

/** y = x weight^T + bias, then relu: [rows, k] x [n, k] + [n] -> [rows, n]. */
export interface LinearOperation {
  readonly kind: "linear";
  y: Place;
  readonly x: Place;
  weight: Place;
  bias: Place | null;
  relu: boolean;
  readonly rows: Affine;
  readonly n: number;
  readonly k: number;
}

/** y = conv(x, weight) + bias + residual, then relu, over two axes; with `pool` the greatest of each two by two, and no residual. */
export interface ConvolutionOperation {
  readonly kind: "convolution";
  y: Place;
  readonly x: Place;
  weight: Place;
  bias: Place | null;
  residual: Place | null;
  relu: boolean;
  pool: boolean;
  readonly batch: Affine;
  readonly groups: number;
  /** Channels and outputs of one group. */
  readonly channels: number;
  readonly outputs: number;
  readonly size: readonly [number, number];
  readonly count: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
}

/** y[i] = formula of inputs[j][i], for i below n; `formula` holds `$0`, `$1`, ... for vectors of four inputs. */
export interface ElementwiseOperation {
  readonly kind: "elementwise";
  readonly y: Place;
  readonly inputs: readonly Place[];
  readonly formula: string;
  readonly n: Affine;
}

/** What a kernel of the library is called with. */
export type KernelArgument =
  | Affine
  | { readonly place: Place }
  | { readonly constant: number | bigint | boolean; readonly suffix: string }
  | { readonly scratch: Affine };

/** A kernel of the library, as it was called. */
export interface KernelOperation {
  readonly kind: "kernel";
  readonly kernel: string;
  readonly args: readonly KernelArgument[];
  readonly reads: readonly Place[];
  readonly writes: readonly Place[];
}

/** One operation of a program. */
export type Operation =
  | LinearOperation
  | ConvolutionOperation
  | ElementwiseOperation
  | KernelOperation;

/** The places that `op` reads. */
export function readsOf(op: Operation): readonly Place[] {
  switch (op.kind) {
    case "linear":
      return [op.x, op.weight, op.bias].filter((p) => p !== null);
    case "convolution":
      return [op.x, op.weight, op.bias, op.residual].filter((p) => p !== null);
    case "elementwise":
      return op.inputs;
    case "kernel":
      return op.reads;
  }
}

/** The places that `op` writes. */
export function writesOf(op: Operation): readonly Place[] {
  return op.kind === "kernel" ? op.writes : [op.y];
}

/** How often each value is read, and how often it is written; the program's output is read once more. */
export function usesOf(
  ops: readonly Operation[],
  output: Place,
): Map<Value, { reads: number; writes: number }> {
  const uses = new Map<Value, { reads: number; writes: number }>();
  const use = ({ value }: Place) => {
    let found = uses.get(value);
    if (found === undefined) uses.set(value, found = { reads: 0, writes: 0 });
    return found;
  };
  for (const op of ops) {
    for (const place of readsOf(op)) use(place).reads++;
    for (const place of writesOf(op)) use(place).writes++;
  }
  use(output).reads++;
  return uses;
}
