/**
 * float16 and bfloat16 on a CUDA device: kernels of their own, against float32 on the CPU, rounded.
 */
import { assert, assertEquals } from "@std/assert";
import * as torch from "../mod.ts";
import type { DType } from "../src/backend/dtype.ts";
import { narrowManifest } from "../src/backend/narrow_kernels.ts";
import { addNorm } from "../src/ops/add_norm.ts";
import { layerNormFor } from "../src/ops/normalize.ts";
import { cudaTest } from "./cuda.ts";

const F = torch.nn.functional;
type Tensor = torch.Tensor;

const HALVES: DType[] = [torch.float16, torch.bfloat16];

/** What is computed of three tensors of one shape and a vector of its last size. */
const OPERATIONS: Record<string, (a: Tensor, b: Tensor, c: Tensor, v: Tensor) => Tensor> = {
  add: (a, b) => a.add(b),
  sub: (a, b) => a.sub(b),
  mul: (a, b) => a.mul(b),
  div: (a, b) => a.div(b.abs().add(1)),
  "add a vector": (a, _b, _c, v) => a.add(v),
  "mul a column": (a) => a.mul(a.select(1, 0).unsqueeze(1)),
  "mul an exact number": (a) => a.mul(0.5),
  "mul another": (a) => a.mul(0.1),
  "add alpha": (a, b) => torch.add(a, b, { alpha: 2 }),
  maximum: (a, b) => torch.maximum(a, b),
  minimum: (a, b) => torch.minimum(a, b),
  addcmul: (a, b, c) => torch.addcmul(a, b, c),
  lerp: (a, b) => torch.lerp(a, b, 0.25),
  clamp: (a) => a.clamp(-0.5, 1),
  transposed: (a, b) => a.t().mul(b.t()),
  where: (a, b) => torch.where(a.gt(0), a, b),
  neg: (a) => a.neg(),
  abs: (a) => a.abs(),
  sqrt: (a) => a.abs().sqrt(),
  rsqrt: (a) => a.abs().add(1).rsqrt(),
  reciprocal: (a) => a.abs().add(1).reciprocal(),
  exp: (a) => a.exp(),
  log: (a) => a.abs().add(1).log(),
  sin: (a) => a.sin(),
  cos: (a) => a.cos(),
  tanh: (a) => a.tanh(),
  sigmoid: (a) => a.sigmoid(),
  erf: (a) => a.erf(),
  relu: (a) => F.relu(a),
  gelu: (a) => F.gelu(a),
  "gelu, tanh form": (a) => F.gelu(a, "tanh"),
  silu: (a) => F.silu(a),
  mish: (a) => F.mish(a),
  hardswish: (a) => F.hardswish(a),
  hardsigmoid: (a) => F.hardsigmoid(a),
  logsigmoid: (a) => F.logsigmoid(a),
  threshold: (a) => F.threshold(a, 0.25, 0.5),
  hardtanh: (a) => F.hardtanh(a),
  leakyRelu: (a) => F.leakyRelu(a, 0.125),
  elu: (a) => F.elu(a),
  softplus: (a) => F.softplus(a),
  sum: (a) => a.sum(),
  "sum of rows": (a) => a.sum(1),
  "sum of columns": (a) => a.sum(0),
  softmax: (a) => F.softmax(a, 1),
  logSoftmax: (a) => F.logSoftmax(a, 1),
  "softmax of columns": (a) => F.softmax(a, 0),
  layerNorm: (a, _b, _c, v) => F.layerNorm(a, [v.numel()], v, v),
  "a norm of float32": (a, _b, _c, v) => normed(a, v),
  "a sum and its norm": (a, b, _c, v) => {
    const x = a.to(torch.float32),
      n = { normalizedShape: [v.numel()], weight: wide(v), bias: wide(v), eps: 1e-5 };
    const [s, y] = inNarrow(a, () => addNorm("linear", x, b, n));
    const [t, z] = inNarrow(a, () => addNorm("linear", s, y.mul(2), { ...n, bias: null }));
    return z.add(t.to(a.dtype));
  },
  crossEntropy: (a) =>
    F.crossEntropy(a, torch.arange(a.shape[0], { device: a.device }).remainder(7)),
  matmul: (a, b) => a.matmul(b.t()),
  linear: (a, b, _c, v) => F.linear(a, b, v.narrow(0, 0, 1).expand(b.shape[0]).contiguous()),
  attention: (a, b, c) => {
    const heads = (x: Tensor) => x.view(1, x.shape[0], 2, -1).transpose(1, 2);
    const n = a.shape[1] & ~1,
      [q, k, v] = [a, b, c].map((x) => heads(x.narrow(1, 0, n).contiguous()));
    return F.scaledDotProductAttention(q, k, v, { isCausal: true });
  },
};

const wide = (x: Tensor) => x.to(torch.float32);
/** `f` in autocast to the type of `a`, where that is narrow. */
const inNarrow = <T>(a: Tensor, f: () => T): T =>
  torch.autocast(a.device === "cpu" ? "cpu" : "cuda", {
    dtype: a.dtype === torch.float32 ? torch.bfloat16 : a.dtype,
    enabled: a.dtype !== torch.float32,
  }, f);
const normed = (a: Tensor, v: Tensor) =>
  inNarrow(a, () => layerNormFor("linear", wide(a), [v.numel()], wide(v), wide(v)));

/** Values of a tensor, or of its gradient. */
const numbers = (x: Tensor) => x.cpu().to(torch.float32).toTypedArray() as Float32Array;

/** Results and gradients of an operation on a device, in a dtype. */
function run(
  f: typeof OPERATIONS[string],
  inputs: Tensor[],
  device: string,
  dtype: DType,
): [dtype: string, values: Float32Array][] {
  using _ = torch.scope();
  const xs = inputs.map((x) => x.to(dtype).to(device).requiresGrad_());
  const y = f(xs[0], xs[1], xs[2], xs[3]);
  const weight = torch.arange(y.numel()).remainder(7).sub(2).view(y.shape).to(y.dtype).to(device);
  y.mul(weight).sum().backward();
  return [y, ...xs.flatMap((x) => x.grad ?? [])].map((t) => [String(t.dtype), numbers(t)]);
}

cudaTest("narrow kernels give what float32 gives, rounded, and so do their gradients", () => {
  torch.manualSeed(5);
  const wrong: string[] = [];
  for (const dtype of HALVES) {
    // Of a step between neighbours at 1; results that were rounded on the way there differ by some.
    const eps = dtype === torch.float16 ? 2 ** -10 : 2 ** -7;
    for (const [rows, columns] of [[9, 40], [8, 33]]) {
      const inputs = [0, 1, 2].map(() => torch.randn(rows, columns)).concat(torch.randn(columns))
        .map((x) => x.to(dtype));
      for (const [name, f] of Object.entries(OPERATIONS)) {
        const got = run(f, inputs, "cuda", dtype), want = run(f, inputs, "cpu", torch.float32);
        assertEquals(got.length, want.length, name);
        got.forEach(([type, values], i) => {
          if (type !== String(dtype)) wrong.push(`${name} of ${dtype}: a result of ${type}`);
          const most = want[i][1].reduce((m, v) => Math.max(m, Math.abs(v)), 1e-3);
          const off = values.reduce((m, v, j) => {
            const d = Math.abs(v - want[i][1][j]);
            return d <= m ? m : d;
          }, 0);
          if (!(off <= 4 * eps * most)) {
            wrong.push(
              `${name} of ${dtype} ${rows} x ${columns}, ${
                i === 0 ? "result" : `gradient ${i}`
              }: off by ${off} of ${most}`,
            );
          }
        });
      }
    }
  }
  assertEquals(wrong, []);
});

cudaTest("the library has every narrow kernel, and what is exact in one rounding is", () => {
  const { kernels } = torch.zeros(1, { device: "cuda" }).backend;
  const missing = Object.keys(narrowManifest).filter((name) => !(name in kernels));
  assertEquals(missing, []);
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
  for (const dtype of HALVES) {
    const x = torch.fromArray(bits, [65536], { dtype }), y = x.roll(12345);
    for (const f of [(a: Tensor, b: Tensor) => a.add(b), (a: Tensor, b: Tensor) => a.mul(b)]) {
      const want = numbers(f(x, y)), got = numbers(f(x.cuda(), y.cuda()));
      assert(want.every((v, i) => Object.is(v, got[i]) || (v !== v && got[i] !== got[i])));
    }
  }
});

cudaTest("in place, with numbers that a narrow type has and has not", () => {
  for (const dtype of HALVES) {
    const x = torch.arange(1, 20, { dtype: torch.float32 }).to(dtype), y = x.cuda();
    for (const t of [x, y]) t.mul_(3).add_(0.1).sub_(t.clone()).add_(7).div_(2);
    assertEquals(numbers(y), numbers(x));
    assertEquals(String(y.dtype), String(dtype));
  }
});
