/**
 * Fewer operations with the same result: batch norms become part of the layer before them, chains of elementwise
 * operations one loop, and activations, sums and small maxima part of the product that they follow.
 *
 * @module
 */
import type { Lowered } from "./lower.ts";
import {
  type ConvolutionOperation,
  type ElementwiseOperation,
  type KernelOperation,
  type LinearOperation,
  type Operation,
  readsOf,
  usesOf,
  writesOf,
} from "./operation.ts";
import { type Affine, fixed, type Place, type Value } from "./program.ts";

type Layer = LinearOperation | ConvolutionOperation;

/** Applies all of them to `program`. */
export function fuse(program: Lowered): void {
  foldNorms(program);
  joinChains(program);
  joinEpilogues(program);
  joinPools(program);
  joinEpilogues(program);
}

function equal(a: Affine, b: Affine): boolean {
  return a.base === b.base && a.perSample === b.perSample;
}

/** Whether two places are the same bytes. */
function same(a: Place, b: Place): boolean {
  return a.value === b.value && equal(a.offset, b.offset);
}

/** The bytes that `op` writes. */
function written(op: Layer | ElementwiseOperation): Affine {
  const times = (a: Affine, by: number) => ({ base: a.base * by, perSample: a.perSample * by });
  if (op.kind === "elementwise") return times(op.n, 4);
  if (op.kind === "linear") return times(op.rows, 4 * op.n);
  const [oh, ow] = op.pool ? op.count.map((n) => n >> 1) : op.count;
  return times(op.batch, 4 * op.groups * op.outputs * oh * ow);
}

/** Whether nobody but one reader reads what `op` writes, which is all of its value. */
function passes(
  program: Lowered,
  op: Layer | ElementwiseOperation,
  uses: ReturnType<typeof usesOf>,
): boolean {
  const { value, offset } = op.y, use = uses.get(value)!;
  return use.reads === 1 && use.writes === 1 && value !== program.input &&
    equal(offset, fixed(0)) &&
    equal(value.bytes, written(op));
}

/** The floats of a place whose bytes are known. */
function floatsOf(place: Place, count: number): Float32Array<ArrayBuffer> | null {
  const { value: { contents }, offset } = place;
  if (contents === null || offset.perSample !== 0) return null;
  return new Float32Array(contents.slice(offset.base, offset.base + 4 * count).buffer);
}

function constantOf(
  name: string,
  shape: readonly number[],
  floats: Float32Array<ArrayBuffer>,
): Place {
  const contents = new Uint8Array(floats.buffer);
  const value: Value = { name, bytes: fixed(contents.length), contents, dtype: "F32", shape };
  return { value, offset: fixed(0) };
}

/** y = (x - mean) / sqrt(var + eps) * weight + bias after a layer is a layer with other weights. */
function foldNorms(program: Lowered): void {
  const { ops } = program;
  for (let i = 0; i < ops.length; i++) {
    const norm = ops[i];
    if (norm.kind !== "kernel" || norm.kernel !== "batch_norm") continue;
    const x = placeIn(norm, X)!;
    const layer = ops.find((op): op is Layer =>
      (op.kind === "linear" || op.kind === "convolution") && !op.relu && same(op.y, x)
    );
    if (layer === undefined || !passes(program, layer, usesOf(ops, program.output))) continue;
    if (foldNorm(layer, norm)) ops.splice(i--, 1);
  }
}

// The arguments of batch_norm, in the manifest's order.
const Y = 0, MEAN = 2, VARIANCE = 3, X = 4, WEIGHT = 5, BIAS = 6, CHANNELS = 8, INNER = 9;
const TRAINING = 10, EPS = 12;

function placeIn(op: KernelOperation, i: number): Place | null {
  const arg = op.args[i];
  return "place" in arg ? arg.place : null;
}

function foldNorm(layer: Layer, norm: KernelOperation): boolean {
  const number = (i: number) => (norm.args[i] as Affine).base;
  const outputs = layer.kind === "linear" ? layer.n : layer.groups * layer.outputs;
  const inner = layer.kind === "linear" ? 1 : layer.count[0] * layer.count[1];
  if (number(CHANNELS) !== outputs || number(INNER) !== inner || number(TRAINING) !== 0) {
    return false;
  }
  const depth = layer.kind === "linear"
    ? layer.k
    : layer.channels * layer.kernel[0] * layer.kernel[1];
  const read = (p: Place | null, none: number) =>
    p === null ? new Float32Array(outputs).fill(none) : floatsOf(p, outputs);
  const mean = read(placeIn(norm, MEAN), 0), variance = read(placeIn(norm, VARIANCE), 1);
  const factor = read(placeIn(norm, WEIGHT), 1), shift = read(placeIn(norm, BIAS), 0);
  const before = read(layer.bias, 0), old = floatsOf(layer.weight, outputs * depth);
  const eps = number(EPS), y = placeIn(norm, Y);
  if (!mean || !variance || !factor || !shift || !before || !old || !y) return false;
  const weight = new Float32Array(old.length), bias = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    const scale = factor[o] / Math.sqrt(variance[o] + eps);
    for (let d = o * depth; d < (o + 1) * depth; d++) weight[d] = old[d] * scale;
    bias[o] = (before[o] - mean[o]) * scale + shift[o];
  }
  const name = layer.weight.value.name;
  layer.weight = constantOf(name, layer.weight.value.shape, weight);
  layer.bias = constantOf(name.replace(/(weight)?$/, "bias"), [outputs], bias);
  layer.y = y;
  return true;
}

/** The greatest of each two by two results of a convolution are found while they are at hand. */
function joinPools(program: Lowered): void {
  const { ops } = program;
  for (let i = 0; i < ops.length; i++) {
    const op = ops[i];
    if (op.kind !== "kernel" || op.kernel !== "max_pool") continue;
    const index = placeIn(op, 1), layer = ops[writerOf(ops, placeIn(op, 2)!, i)];
    const uses = usesOf(ops, program.output);
    if (layer?.kind !== "convolution" || layer.pool || layer.residual !== null) continue;
    if (!passes(program, layer, uses) || (index !== null && uses.get(index.value)!.reads > 0)) {
      continue;
    }
    const { count: [h, w], groups, outputs, batch } = layer;
    const planes = { base: 0, perSample: groups * outputs * batch.perSample };
    const sizes = [1, h, w, 1, h >> 1, w >> 1, 1, 2, 2, 1, 2, 2, 0, 0, 0, 1, 1, 1].map(fixed);
    // Along an axis of one element, strides and dilations are all the same.
    const same = [...sizes, fixed(0), planes].every((size, j) =>
      j === 9 || j === 15 || equal(op.args[3 + j] as Affine, size)
    );
    if (!same || batch.base !== 0) continue;
    layer.y = placeIn(op, 0)!;
    layer.pool = true;
    ops.splice(i--, 1);
  }
}

/** The operation that wrote all of `place`, before `at`. */
function writerOf(ops: readonly Operation[], place: Place, at: number): number {
  for (let i = at - 1; i >= 0; i--) {
    if (writesOf(ops[i]).some((p) => p.value === place.value)) {
      return writesOf(ops[i]).some((p) => same(p, place)) ? i : -1;
    }
  }
  return -1;
}

/** Whether what `op` reads is the same at `to` as at `from`: nothing writes it in between. */
function movable(ops: readonly Operation[], op: Operation, from: number, to: number): boolean {
  const reads = new Set(readsOf(op).map((p) => p.value));
  return ops.slice(from + 1, to).every((other) =>
    writesOf(other).every((p) => !reads.has(p.value))
  );
}

/** An elementwise operation on the result of another: one formula put into the other. */
function joinChains(program: Lowered): void {
  const { ops } = program;
  for (let i = 0; i < ops.length; i++) {
    const op = ops[i];
    if (op.kind !== "elementwise") continue;
    for (let j = 0; j < op.inputs.length; j++) {
      const at = writerOf(ops, op.inputs[j], i), first = ops[at];
      if (
        at < 0 || first.kind !== "elementwise" || !equal(first.n, op.n) ||
        !passes(program, first, usesOf(ops, program.output)) || !movable(ops, first, at, i)
      ) continue;
      const more = first.inputs.length - 1;
      const inner = first.formula.replace(/\$(\d+)/g, (_, k) => `$${Number(k) + j}`);
      const formula = op.formula.replace(
        /\$(\d+)/g,
        (_, k) => Number(k) === j ? inner : `$${Number(k) > j ? Number(k) + more : k}`,
      );
      ops[i] = { ...op, inputs: op.inputs.toSpliced(j, 1, ...first.inputs), formula };
      ops.splice(at, 1);
      i -= 2; // once more: it may take in others
      break;
    }
  }
}

const RELU = "f32x4.pmax($0, f32x4.splat(0))", ADD = "f32x4.add($0, $1)";
const ADD_RELU = RELU.replace("$0", ADD);

/** relu(layer), layer + x and relu(layer + x) are done while the layer's results are at hand. */
function joinEpilogues(program: Lowered): void {
  const { ops } = program;
  for (let i = 0; i < ops.length; i++) {
    const op = ops[i];
    if (op.kind !== "elementwise") continue;
    const relu = op.formula === RELU || op.formula === ADD_RELU;
    const sum = op.formula === ADD || op.formula === ADD_RELU;
    if (!relu && !sum) continue;
    const uses = usesOf(ops, program.output);
    // Of two layers that are added, the later one adds the other's result.
    const writers = op.inputs.map((p) => writerOf(ops, p, i)), at = Math.max(...writers);
    const layer = ops[at], j = writers.indexOf(at);
    if (at < 0 || (layer.kind !== "linear" && layer.kind !== "convolution")) continue;
    if (layer.relu || !passes(program, layer, uses) || !equal(written(layer), written(op))) {
      continue;
    }
    if (sum && (layer.kind !== "convolution" || layer.residual !== null || layer.pool)) continue;
    if (!movable(ops, op, at, i)) continue;
    layer.y = op.y;
    layer.relu = relu;
    if (sum) (layer as ConvolutionOperation).residual = op.inputs[1 - j];
    ops.splice(i--, 1);
  }
}
