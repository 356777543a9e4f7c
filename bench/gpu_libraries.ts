/**
 * Products and convolutions on a GPU by the kernels here beside cuBLASLt and cuDNN: times, how far each is from float64, and
 * whether equal calls gave equal bits. Says first which libraries were found.
 *
 *     deno run -A bench/gpu_libraries.ts
 *     deno run -A bench/gpu_libraries.ts conv     the rows with this word in their names
 */
import * as torch from "../mod.ts";

const { backends } = torch, F = torch.nn.functional, device = "cuda";
type Tensor = torch.Tensor;

/** What is computed: from fresh operands, in float32, or in float64 for comparison. */
interface Row {
  name: string;
  /** Multiplications and additions. */
  operations: number;
  operands: () => Tensor[];
  run: (...operands: Tensor[]) => Tensor;
  /** Set while it is measured. */
  during?: (on: boolean) => void;
}

const randn = (...shape: number[]) => torch.randn(shape, { device });
const precision =
  (torch as unknown as Record<string, ((p: string) => void) | undefined>).setFloat32MatmulPrecision;

function products(): Row[] {
  const sizes: [m: number, n: number, k: number][] = [
    [64, 64, 64],
    [64, 100, 1000],
    [512, 512, 512],
    [768, 65, 256],
    [2048, 2048, 2048],
    [4096, 4096, 4096],
    [8192, 768, 3072],
  ];
  return sizes.flatMap(([m, n, k]) => {
    const row = (name: string, dtype: typeof torch.float32, during?: Row["during"]): Row => ({
      name: `matmul ${m} x ${n} x ${k}, ${name}`,
      operations: 2 * m * n * k,
      operands: () => [randn(m, k).to(dtype), randn(n, k).to(dtype), randn(n).to(dtype)],
      run: (a, b, bias) => F.linear(a, b, bias),
      during,
    });
    return [
      row("float32", torch.float32),
      ...precision ? [row("TF32", torch.float32, (on) => precision(on ? "high" : "highest"))] : [],
      row("bfloat16", torch.bfloat16),
      row("float16", torch.float16),
    ];
  });
}

/** A convolution, and the gradients of its operands. */
function convolutions(): Row[] {
  const cases: [name: string, x: number[], w: number[], options: Record<string, number>][] = [
    ["3 x 3, 64 channels", [32, 64, 56, 56], [64, 64, 3, 3], { padding: 1 }],
    ["3 x 3, stride 2", [32, 64, 56, 56], [128, 64, 3, 3], { padding: 1, stride: 2 }],
    ["1 x 1, 256 to 64", [32, 256, 56, 56], [64, 256, 1, 1], {}],
    ["7 x 7, stride 2, images", [32, 3, 224, 224], [64, 3, 7, 7], { padding: 3, stride: 2 }],
    ["depthwise 3 x 3", [32, 128, 56, 56], [128, 1, 3, 3], { padding: 1, groups: 128 }],
    ["MNIST's 5 x 5", [64, 10, 12, 12], [20, 10, 5, 5], {}],
  ];
  return cases.flatMap(([name, xShape, wShape, options]) => {
    const conv = (x: Tensor, w: Tensor) => F.conv2d(x, w, null, options);
    const y = conv(torch.zeros(xShape, { device }), torch.zeros(wShape, { device })).shape;
    const operations = 2 * y.reduce((a, b) => a * b) * wShape.slice(1).reduce((a, b) => a * b);
    const operands = () => [randn(...xShape), randn(...wShape), randn(...y)];
    const gradient = (which: 0 | 1) => (x: Tensor, w: Tensor, dy: Tensor) => {
      const leaf = [x, w][which].detach().requiresGrad_();
      const out = which === 0 ? conv(leaf, w) : conv(x, leaf);
      return torch.autograd.grad(out, [leaf], dy)[0]!;
    };
    const tf32 = (on: boolean) => void (backends.cudnn.allowTF32 = on);
    return [
      { name: `conv ${name}`, operations, operands, run: conv },
      { name: `conv ${name}, TF32`, operations, operands, run: conv, during: tf32 },
      // These run the forward pass, too.
      { name: `conv ${name}, and dx`, operations: 2 * operations, operands, run: gradient(0) },
      { name: `conv ${name}, and dw`, operations: 2 * operations, operands, run: gradient(1) },
    ];
  });
}

/** The least of several times of `f`, in milliseconds of the device's time for one call. */
function time(f: () => unknown): number {
  let best = Infinity;
  for (let round = 0, calls = 1; round < 5; round++) {
    const start = new torch.cuda.Event(), end = new torch.cuda.Event();
    start.record();
    for (let i = 0; i < calls; i++) {
      using _ = torch.scope();
      f();
    }
    end.record();
    const ms = start.elapsedTime(end) / calls;
    if (round > 0) best = Math.min(best, ms);
    calls = Math.max(1, Math.min(50, Math.round(20 / ms)));
  }
  return best;
}

function libraries(on: boolean): void {
  backends.cudnn.enabled = on;
  backends.cuda.preferredBlasLibrary(on ? "cublaslt" : "own");
}

/** ||x - exact|| / ||exact||. */
function distance(x: Tensor, exact: Tensor): number {
  const difference = x.to(torch.float64).sub(exact);
  return Number(difference.norm().item()) / Number(exact.norm().item());
}

/** A cell: the time, the rate, the distance from float64, and `!` where equal calls gave other bits. */
function cell(row: Row, operands: Tensor[], exact: Tensor): string {
  const run = () => row.run(...operands);
  const a = run(), b = run(), same = Boolean(a.eq(b).all().item());
  const ms = time(run), rate = row.operations / ms / 1e9;
  return `${ms.toFixed(4).padStart(9)} ms ${rate.toFixed(2).padStart(7)} TFLOP/s ${
    distance(a, exact).toExponential(0)
  }${same ? " " : "!"}`;
}

const problem = torch.cuda.problem();
if (problem !== null) {
  console.error(problem);
  Deno.exit(1);
}
console.log(`${torch.cuda.getDeviceName()}, Deno ${Deno.version.deno}`);
for (const { name, path, version, problem } of torch.cuda.libraries()) {
  console.log(`${name} ${version ?? ""} ${path ?? ""} ${problem ?? ""}`);
}
console.log(
  `\n${"".padEnd(40)} ${"own kernels".padEnd(36)} ${"cuBLASLt, cuDNN".padEnd(36)} faster`,
);
for (const row of [...products(), ...convolutions()]) {
  if (!Deno.args.every((word) => row.name.includes(word))) continue;
  try {
    using _ = torch.scope();
    const operands = row.operands();
    libraries(false);
    const exact = row.run(...operands.map((x) => x.to(torch.float64)));
    row.during?.(true);
    const own = cell(row, operands, exact);
    libraries(true);
    const library = cell(row, operands, exact);
    const times = [own, library].map(parseFloat);
    console.log(
      `${row.name.padEnd(40)} ${own.padEnd(36)} ${library.padEnd(36)} ${
        (times[0] / times[1]).toFixed(2)
      }`,
    );
  } catch (e) {
    console.log(`${row.name.padEnd(40)} ${(e as Error).message}`);
  } finally {
    row.during?.(false);
  }
}
for (const { name, problem } of torch.cuda.libraries()) {
  if (problem !== null) console.log(`${name}: ${problem}`);
}
