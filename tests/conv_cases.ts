/**
 * Convolutions of all kinds of sizes in float32 against those in float64, which have kernels of their own, and each
 * kernel's range whole against cut in two. Run in both flavours.
 */
import { assert, assertEquals } from "@std/assert";
import type * as Torch from "../mod.ts";
import type { Tensor } from "../mod.ts";
import type { WasmBackend } from "../src/backend/wasm.ts";

type Kernel = (...values: number[]) => void;

const KERNELS = [
  "conv",
  "conv_grad_x",
  "conv_grad_weight",
  "conv_octet_pack",
  "conv_octet",
  "conv_octet_grad_weight",
  "conv_few_grad_weight",
  "conv_plane",
  "conv_plane_grad_weight",
];

let seed = 4321;
const below = (n: number) => {
  seed = (seed * 1664525 + 1013904223) >>> 0;
  return Math.floor(seed / 2 ** 32 * n);
};
const pick = <T>(...xs: T[]) => xs[below(xs.length)];

/** One convolution: shapes and options. */
interface Case {
  x: number[];
  weight: number[];
  options: { stride: number[]; padding: number[]; dilation: number[]; groups: number };
}

/** A convolution with sizes around those of tiles, or a depthwise one. */
function randomCase(): Case {
  for (;;) {
    const axes = pick(1, 2, 2, 2, 2, 3), deep = below(3) === 0;
    const batch = pick(2, 6, 7, 8, 8, 13, 16),
      channels = deep ? 1 : pick(1, 2, 3, 4, 5, 7, 8, 9, 17);
    const outputs = deep ? pick(1, 1, 2) : pick(3, 4, 5, 7, 8, 11, 16),
      groups = deep ? pick(1, 3, 5) : pick(1, 1, 2);
    const some = (f: () => number) => Array.from({ length: axes }, f);
    const size = some(() => 1 + below(axes === 3 ? 5 : 11)),
      kernel = some(() => pick(1, 2, 3, 3, 3, 5));
    const stride = some(() => pick(1, 1, 2, 3)), dilation = some(() => pick(1, 1, 1, 2));
    const padding = some(() => pick(0, 1, 1, 2, 3));
    const fits = size.every((n, d) => {
      const room = n + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1;
      const count = Math.floor(room / stride[d]) + 1;
      // The transpose must have elements, too.
      return room >= 0 &&
        (count - 1) * stride[d] - 2 * padding[d] + dilation[d] * (kernel[d] - 1) >= 0;
    });
    if (!fits) continue;
    return {
      x: [batch, groups * channels, ...size],
      weight: [groups * outputs, channels, ...kernel],
      options: { stride, padding, dilation, groups },
    };
  }
}

/** Sizes at which work is divided along every axis. */
const LARGE: [number[], number[], number, number][] = [
  [[8, 20, 33, 18], [36, 20, 3, 3], 1, 1],
  [[17, 3, 40, 21], [9, 3, 7, 7], 2, 3],
  [[24, 300, 2, 2], [70, 300, 3, 3], 1, 1],
  [[8, 40, 1, 1], [520, 40, 3, 3], 1, 1],
  [[1, 30, 20, 21], [30, 30, 1, 1], 1, 0],
  [[1, 30, 20, 21], [20, 30, 3, 3], 1, 1],
];

/** Runs all cases; the test fails where a result is wrong, or no case reached a kernel. */
export function checkConvolutions(torch: typeof Torch, cpu: WasmBackend): void {
  const { F } = torch, kernels = cpu.kernels as unknown as Record<string, Kernel>;
  const calls = new Map(KERNELS.map((name) => [name, 0])),
    before = KERNELS.map((name) => kernels[name]);
  let cut = false;
  KERNELS.forEach((name, i) => {
    kernels[name] = (...values) => {
      calls.set(name, calls.get(name)! + 1);
      const [begin, end] = values.splice(-2), middle = cut ? begin + below(end - begin + 1) : begin;
      if (cut) before[i](...values, middle, end);
      if (cut) before[i](...values, begin, middle);
      else before[i](...values, begin, end);
    };
  });
  let absolute = false;
  const numbers = (shape: number[], dtype: Torch.DType) => {
    const n = shape.reduce((a, b) => a * b, 1);
    const values = Float64Array.from(
      { length: n },
      (_, i) => Math.fround(Math.sin(i * 12.9898 + n)),
    );
    return torch.fromArray(absolute ? values.map(Math.abs) : values, shape).to(dtype);
  };
  /** y, the gradients of x and weight, and a transposed convolution of y's shape. */
  const run = ({ x, weight, options }: Case, dtype: Torch.DType): Tensor[] => {
    const scratch = cpu.scratch(1 << 20) >> 2;
    cpu.heap.f32.fill(NaN, scratch, scratch + (1 << 18));
    const leaves = [x, weight].map((s) => numbers(s, dtype).requiresGrad_(true));
    const bias = numbers([weight[0]], dtype);
    const f = [F.conv1d, F.conv2d, F.conv3d][x.length - 3];
    const transposed = [F.convTranspose1d, F.convTranspose2d, F.convTranspose3d][x.length - 3];
    const y = f(leaves[0], leaves[1], { ...options, bias }), dy = numbers([...y.shape], dtype);
    y.backward(dy);
    const o = { ...options, bias: numbers([x[1]], dtype) };
    const transpose = torch.noGrad(() => transposed(dy, leaves[1], o));
    return [y.detach(), ...leaves.map((t) => t.grad!), transpose];
  };
  const cases = Array.from({ length: 150 }, randomCase);
  for (const [x, weight, stride, padding] of LARGE) {
    const two = (n: number) => [n, n];
    cases.push({
      x,
      weight,
      options: { stride: two(stride), padding: two(padding), dilation: two(1), groups: 1 },
    });
  }
  try {
    for (const c of cases) {
      using _ = torch.scope();
      const what = JSON.stringify(c), want = run(c, torch.float64);
      // The sums of the terms' absolute values, by which rounding is measured.
      absolute = true;
      const sums = run(c, torch.float64);
      absolute = false;
      cut = false;
      const got = run(c, torch.float32);
      cut = true;
      const again = run(c, torch.float32);
      got.forEach((t, i) => {
        const a = t.toTypedArray() as Float32Array, b = want[i].toTypedArray() as Float64Array;
        assertEquals(
          new Uint32Array(again[i].toTypedArray().buffer),
          new Uint32Array(a.buffer),
          what,
        );
        const most = sums[i].toTypedArray() as Float64Array;
        for (let j = 0; j < a.length; j++) {
          assert(
            Math.abs(a[j] - b[j]) <= 2e-6 * most[j],
            `${what} ${i} [${j}]: ${a[j]}, not ${b[j]}`,
          );
        }
      });
    }
  } finally {
    KERNELS.forEach((name, i) => kernels[name] = before[i]);
  }
  for (const [name, n] of calls) assert(n > 20, `${name} was called ${n} times`);
}
