/**
 * Compares the random numbers of a CUDA device with PyTorch's on the same GPU (bench/gpu_random.py), draw by draw.
 *
 *     deno run -A bench/gpu_random.ts [python3]
 */
import * as torch from "../mod.ts";

const F = torch.nn.functional, device = "cuda";

function* draws(generator: torch.Generator): Generator<[name: string, x: torch.Tensor]> {
  const { float32, float64, int64 } = torch, o = { device, generator }, g = { generator };
  const fill = (dtype: torch.DType, n: number) => torch.empty([n], { dtype, device });
  for (const n of [1000, 1001, 1002, 3_000_000]) {
    yield [`rand ${n}`, torch.rand([n], o)];
    yield [`randn ${n}`, torch.randn([n], o)];
    yield [`rand float64 ${n}`, torch.rand([n], { ...o, dtype: float64 })];
    yield [`randn float64 ${n}`, torch.randn([n], { ...o, dtype: float64 })];
    yield [`uniform_ ${n}`, fill(float32, n).uniform_(-3, 5, g)];
    yield [`normal_ ${n}`, fill(float32, n).normal_(2, 0.5, g)];
    yield [`randint ${n}`, torch.randint(-5, 1000, [n], o)];
    yield [`randint 2^40 ${n}`, torch.randint(2 ** 40, [n], o)];
    yield [`bernoulli_ ${n}`, fill(float32, n).bernoulli_(0.3, g)];
    yield [`bernoulli_ int64 ${n}`, fill(int64, n).bernoulli_(0.3, g)];
    yield [`bernoulli ${n}`, torch.bernoulli(fill(float32, n).fill_(0.3), g)];
    yield [`exponential_ ${n}`, fill(float32, n).exponential_(0.5, g)];
    yield [`log_normal_ ${n}`, fill(float32, n).logNormal_(0, 0.5, g)];
    yield [`cauchy_ ${n}`, fill(float32, n).cauchy_(1, 2, g)];
    yield [`geometric_ ${n}`, fill(float32, n).geometric_(0.2, g)];
    torch.manualSeed(42);
    yield [`dropout ${n}`, F.dropout(torch.ones([n], { device }), 0.3)];
    yield [`dropout again ${n}`, F.dropout(torch.ones([n], { device }), 0.3)];
    yield [`dropout float64 ${n}`, F.dropout(torch.ones([n], { dtype: float64, device }), 0.3)];
  }
}

const script = new URL("gpu_random.py", import.meta.url).pathname;
const { success, stdout, stderr } = await new Deno.Command(Deno.args[0] ?? "python3", {
  args: [script],
}).output();
if (!success) throw new Error(new TextDecoder().decode(stderr));
const lines = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
const theirs = new Map<string, number[]>(lines.map(({ name, values }) => [name, values]));
console.log(`${torch.cuda.getDeviceName()}; PyTorch ${theirs.get("version")}`);

for (const [name, x] of draws(new torch.Generator(device).manualSeed(2024))) {
  const want = theirs.get(name);
  if (!want) throw new Error(`gpu_random.py does not draw ${name}`);
  const all = Array.from(x.cpu().toTypedArray() as Float64Array, Number);
  const step = Math.max(1, Math.floor(all.length / 2000));
  const got = all.filter((_, i) => i % step === 0);
  const differ = got.filter((v, i) => !Object.is(v, want[i])).length;
  const most = Math.max(...got.map((v, i) => Math.abs(v - want[i]) / Math.max(1, Math.abs(v))));
  console.log(
    `${name.padEnd(26)} ${
      differ === 0
        ? "equal"
        : `${differ} of ${got.length} differ, by ${most.toExponential(1)} at most`
    }`,
  );
}
