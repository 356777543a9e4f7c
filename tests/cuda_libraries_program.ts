/**
 * What tests/cuda_libraries_test.ts runs in processes of their own: computes on the emulator with the stand-ins for NVIDIA's
 * libraries, compares with the CPU, and tells how often the stand-ins were called for what.
 */
import * as torch from "../mod.ts";

const { cudnn, cuda } = torch.backends, F = torch.nn.functional;

/** Computes with tensors of a device. */
type Compute = (on: (x: torch.Tensor) => torch.Tensor) => torch.Tensor | torch.Tensor[];

/** What a stand-in counted under a word. */
function counter(name: torch.cuda.CudaLibraryName): (what: string) => number {
  const path = torch.cuda.libraries().find((library) => library.name === name)?.path;
  if (!path) return () => 0;
  const { symbols } = Deno.dlopen(path, { emulated: { parameters: ["buffer"], result: "i32" } });
  return (what) => symbols.emulated(new TextEncoder().encode(`${what}\0`));
}

/** The largest difference of what `f` computes on the CPU and on the device, relative to the largest number. */
function difference(f: Compute): number {
  const here = [f((x) => x)].flat(), there = [f((x) => x.cuda())].flat();
  let most = 0;
  here.forEach((x, i) => {
    const y = there[i].cpu();
    if (String(x.shape) !== String(y.shape)) throw new Error(`shapes ${x.shape} and ${y.shape}`);
    const scale = Number(x.abs().max().item()) || 1;
    const apart = Number(y.to(torch.float64).sub(x.to(torch.float64)).abs().max().item()) / scale;
    most = Math.max(most, Number.isNaN(apart) ? Infinity : apart);
  });
  return most;
}

const randn = (...shape: number[]) => torch.randn(shape);
torch.manualSeed(5);

/** Forward, and the gradients of all operands. */
function convolution(
  on: (x: torch.Tensor) => torch.Tensor,
  f: (x: torch.Tensor, w: torch.Tensor, b: torch.Tensor) => torch.Tensor,
  ...operands: torch.Tensor[]
): torch.Tensor[] {
  const [x, w, b] = operands.map((t) => on(t).detach().requiresGrad_());
  const y = f(x, w, b);
  y.mul(on(torch.arange(y.numel(), { dtype: y.dtype }).reshape(y.shape).mul(0.01).cos())).sum()
    .backward();
  return [y.detach(), x.grad!, w.grad!, b.grad!];
}

function convolutions(): Record<string, number> {
  const x = randn(2, 4, 9, 7), w = randn(6, 4, 3, 2), b = randn(6);
  const v = randn(2, 4, 11), deep = randn(1, 2, 4, 5, 4), half = randn(6, 2, 3, 3);
  const short = randn(6, 4, 3), cube = randn(6, 2, 3, 3, 3), turned = randn(4, 6, 3, 3);
  return {
    plain: difference((on) => convolution(on, (x, w, b) => F.conv2d(x, w, b), x, w, b)),
    strided: difference((on) =>
      convolution(
        on,
        (x, w, b) => F.conv2d(x, w, b, { stride: [2, 1], padding: [1, 2], dilation: [1, 2] }),
        x,
        w,
        b,
      )
    ),
    groups: difference((on) =>
      convolution(on, (x, w, b) => F.conv2d(x, w, b, { padding: 1, groups: 2 }), x, half, b)
    ),
    line: difference((on) =>
      convolution(on, (x, w, b) => F.conv1d(x, w, b, { padding: 1 }), v, short, b)
    ),
    volume: difference((on) =>
      convolution(
        on,
        (x, w, b) => F.conv3d(x, w, b, { padding: 1, stride: 2 }),
        deep,
        cube,
        b,
      )
    ),
    transposed: difference((on) =>
      convolution(
        on,
        (x, w, b) => F.convTranspose2d(x, w, b, { stride: 2, padding: 1, outputPadding: 1 }),
        x,
        turned,
        b,
      )
    ),
    double: difference((on) =>
      convolution(
        on,
        (x, w, b) => F.conv2d(x, w, b),
        ...[x, w, b].map((t) => t.to(torch.float64)),
      )
    ),
  };
}

/** Products, of all orientations. */
function products(): Record<string, number> {
  const a = randn(5, 7), b = randn(7, 6), bias = randn(6), added = randn(5, 6);
  const at = a.t().contiguous(), bt = b.t().contiguous();
  const batch = randn(3, 5, 7), others = randn(3, 7, 6), wide = randn(5, 14);
  return {
    NN: difference((on) => on(a).matmul(on(b))),
    TN: difference((on) => on(at).t().matmul(on(b))),
    NT: difference((on) => on(a).matmul(on(bt).t())),
    TT: difference((on) => on(at).t().matmul(on(bt).t())),
    bias: difference((on) => F.linear(on(a), on(bt), on(bias))),
    added: difference((on) => torch.addmm(on(added), on(a), on(b))),
    batched: difference((on) => torch.bmm(on(batch), on(others))),
    broadcast: difference((on) => on(batch).matmul(on(b))),
    vector: difference((on) => on(a).matmul(on(b).select(1, 2))),
    row: difference((on) => on(a).narrow(0, 2, 1).matmul(on(b))),
    part: difference((on) => on(a).narrow(1, 1, 4).matmul(on(b).narrow(0, 2, 4))),
    sparse: difference((on) => on(wide).index(["...", torch.slice(null, null, 2)]).matmul(on(b))),
  };
}

const [what] = Deno.args;
const answer: Record<string, unknown> = {};
if (what === "report") {
  const loaded = Deno.args[1] ? Deno.dlopen(Deno.args[1], {}) : null;
  answer.libraries = torch.cuda.libraries();
  loaded?.close();
} else if (what === "settings") {
  answer.settings = { ...cudnn };
  answer.blas = cuda.preferredBlasLibrary();
} else {
  const dnn = counter("cuDNN"), blas = counter("cuBLASLt");
  answer.settings = { ...cudnn, version: cudnn.version(), isAvailable: cudnn.isAvailable() };
  answer.blas = cuda.preferredBlasLibrary();
  answer.convolutions = convolutions();
  answer.products = products();
  const words = (count: (what: string) => number, ...what: string[]) =>
    Object.fromEntries(what.map((word) => [word, count(word)]));
  // deno-fmt-ignore
  answer.dnn = words(dnn, "create", "heuristics", "benchmark", "forward", "data", "weight", "tf32", "groups", "chance", "axes 2", "axes 3");
  // deno-fmt-ignore
  answer.lt = words(blas, "create", "heuristics", "matmul", "tf32", "bias", "added", "batched", "half", "op NN", "op NT", "op TN", "op TT");
  const x = randn(1, 2, 5, 5).cuda(), w = randn(2, 2, 3, 3).cuda();
  const exact = F.conv2d(x, w).cpu();
  const run = (word: string, f: () => void) => {
    const before = dnn(word);
    f();
    const y = F.conv2d(x, w).cpu();
    torch.cuda.synchronize();
    return [dnn(word) - before, Number(y.sub(exact).abs().max().item())];
  };
  answer.same = run("heuristics", () => {});
  answer.tf32 = run("tf32", () => cudnn.allowTF32 = true);
  cudnn.allowTF32 = false;
  answer.benchmark = run("benchmark", () => cudnn.benchmark = true);
  cudnn.benchmark = false;
  answer.off = run("forward", () => cudnn.enabled = false);
  cudnn.enabled = true;
  const before = dnn("chance"), operands = [randn(1, 2, 4, 4), randn(2, 2, 3, 3), randn(2)];
  cudnn.deterministic = false;
  answer.chance = difference((on) => convolution(on, (x, w, b) => F.conv2d(x, w, b), ...operands));
  answer.chances = dnn("chance") - before;
  const served = blas("matmul"), square = randn(4, 4);
  cuda.preferredBlasLibrary("own");
  answer.own = difference((on) => on(square).matmul(on(square)));
  answer.ownProducts = blas("matmul") - served;
  answer.libraries = torch.cuda.libraries();
  answer.nccl = torch.cuda.nccl.version();
}
console.log(JSON.stringify(answer));
