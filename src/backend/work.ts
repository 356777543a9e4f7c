/**
 * How much work kernels do, so that small calls stay on the calling thread.
 *
 * @module
 */
import { FAMILIES, type KernelName, SIGNATURES } from "./kernels.ts";

type Signature = keyof typeof SIGNATURES;
type Last<P extends readonly unknown[]> = P extends readonly [...unknown[], infer L] ? L : never;
/** The signatures that end in a range. */
type Ranged = {
  [S in Signature]: Last<(typeof SIGNATURES)[S]> extends "size end" ? S : never;
}[Signature];

/** Nanoseconds that one core takes, about, for one step of a kernel's range: a factor, and the sizes to multiply it by. */
type Work = readonly [nanoseconds: number, ...sizes: string[]];

// deno-fmt-ignore
const WINDOWS = ["count0", "count1", "count2", "kernel0", "kernel1", "kernel2"];

/** By signature; null where iterations share an output, so that a range must not be split. */
// deno-fmt-ignore
const WORK: Record<Ranged, Work | null> = {
  copy: [0.4, "n3"], cast: [0.5], triangleOf: [0.2, "columns"],
  indexOffsets: [2], axisOffsets: [2], takeOffsets: [1, "n", "inner"], putOffsets: [1, "n", "inner"],
  binary: [0.15], ternary: [0.3], unary: [0.5], unaryGrad: [0.5], activation: [0.5], activationGrad: [0.5],
  reduce: [0.8, "n"], reducePower: [5, "n"], sum: [0.06, "n"], deviations: [0.1, "n"], reduceIndexed: [1, "n"],
  median: [10, "n"], mode: [50, "n"], scan: [1, "n"], recurrence: [1, "n"], reduceGrad: [0.3, "n"],
  lstmCell: [6, "hidden"], lstmCellGrad: [4, "hidden"], gruCell: [6, "hidden"], gruCellGrad: [4, "hidden"],
  svd: [10, "k", "k", "m"], lu: [0.1, "m", "n", "n"], luSolve: [0.3, "n", "n", "k"], triangularSolve: [0.15, "n", "n", "k"],
  cholesky: [0.1, "n", "n", "n"], qr: [0.5, "m", "n", "columns"], eigh: [1, "n", "n", "n"],
  pairLoss: [0.3], pairLossGrad: [0.3], nllLoss: [2], nllLossGrad: [0.1, "classes"],
  entropy: [1, "classes"], entropyGrad: [1, "classes"], entropyShares: [1, "classes"],
  multilabel: [5, "classes"], multilabelGrad: [5, "classes"], ctc: [20, "steps", "states"], ctcGrad: [20, "steps", "states"],
  dropoutGrad: [0.3],
  rowNorm: [0.3, "channels", "inner"], rowNormGrad: [0.4, "channels", "inner"], rowNormGradAffine: [0.2, "rows", "inner"],
  batchNorm: [0.3, "batches", "inner"], batchNormGrad: [0.4, "batches", "inner"],
  matmul: [0.025, "n", "k"], matmulMixed: [0.05, "m", "k"],
  attention: [4, "keys", "width"], attentionGrad: [0.15, "queries", "keys", "width"],
  conv: [0.03, "samples", "band", "outputs", "channels", "kernel0", "kernel1", "kernel2"],
  convGradX: [0.03, "samples", "outputs", "rows", ...WINDOWS], convGradWeight: [0.03, "batch", "rows", "channels", ...WINDOWS],
  convOctetPack: [1.5, "channels", "kernel0", "kernel1", "kernel2"],
  convOctet: [0.7, "octets", "strips", "band", "count2", "channels", "kernel0", "kernel1", "kernel2"],
  convOctetGradWeight: [0.7, "batch", "strips", "panels", ...WINDOWS],
  convFewGradWeight: [0.1, "batch", "strips", "channels", "count1", "count2", "kernel1", "kernel2"],
  convPlane: [0.1, "kernel1", "kernel2", "count1", "count2"],
  convPlaneGradWeight: [0.1, "batch", "kernel1", "kernel2", "count1", "count2"],
  maxPool: [0.1, ...WINDOWS], maxPoolGrad: [2, "count0", "count1", "count2"],
  avgPool: [0.4, ...WINDOWS], avgPoolGrad: [0.4, ...WINDOWS],
  interpolate: [0.4, "inner"], interpolateLast: [2, "m"],
  gridSample: [3, "channels"], gridSampleGradX: [8, "channels", "points"], gridSampleGradGrid: [5, "channels"],
  gather: [2, "k", "inner"], scatter: [2, "k", "inner"], indexSelect: [0.05, "bytes"], indexCopy: [0.05, "k", "bytes"],
  unravel: [5, "axes"], sort: [60, "n"], topk: [5, "n"], kthvalue: [10, "n"], search: [40], isin: [40],
  runStarts: [1, "columns"], arange: [0.5], linspace: [0.5], logspace: [20],
  renormRows: null, // an index may name a row twice
  segmentArgmax: [1, "columns"],
  optimize: [0.5], advance: [1],
};

/** What one step of a kernel's range takes, as numbers to multiply: a factor, and the parameters at these places. */
export interface Cost {
  /** Nanoseconds. */
  readonly factor: number;
  /** Places in the list of parameters. */
  readonly sizes: readonly number[];
  /** Places of scratch space, of which each thread needs its own. */
  readonly scratch: readonly number[];
}

/** The costs of the kernels whose range may be split over threads. */
export function costs(): Map<KernelName, Cost> {
  const costs = new Map<KernelName, Cost>();
  for (const { kernels, types, signature } of FAMILIES) {
    const work = WORK[signature as Ranged], parameters: readonly string[] = SIGNATURES[signature];
    if (!work) continue;
    const [factor, ...sizes] = work;
    const cost = {
      factor,
      sizes: sizes.map((size) => parameters.indexOf(`size ${size}`)),
      scratch: parameters.flatMap((p, i) => p.startsWith("scratch") ? [i] : []),
    };
    for (const kernel of kernels) {
      for (const type of types) costs.set(kernel + type as KernelName, cost);
    }
  }
  return costs;
}
