/**
 * Compares the random numbers of a CUDA device with PyTorch's on the same GPU (bench/gpu_random.py), draw by draw: the
 * elements, and where the generator is after them.
 *
 *     deno run -A bench/gpu_random.ts [python3]
 */
import * as torch from "../mod.ts";

const F = torch.nn.functional, device = "cuda";
const { float16, float32, float64, int64 } = torch;
const SIZES = [1000, 1001, 1002, 300_000, 1_000_002, 3_000_000];

type Draw = [name: string, draw: () => torch.Tensor];

function* draws(generator: torch.Generator): Generator<Draw> {
  const o = { device, generator }, g = { generator };
  const fill = (dtype: torch.DType, n: number) => torch.empty([n], { dtype, device });
  for (const n of SIZES) {
    yield [`randint ${n}`, () => torch.randint(-5, 1000, [n], o)];
    yield [`randint 2^40 ${n}`, () => torch.randint(2 ** 40, [n], o)];
    for (const [name, dtype] of [["", float32], [" float64", float64]] as const) {
      yield [`rand${name} ${n}`, () => torch.rand([n], { ...o, dtype })];
      yield [`randn${name} ${n}`, () => torch.randn([n], { ...o, dtype })];
      yield [`uniform_${name} ${n}`, () => fill(dtype, n).uniform_(-3, 5, g)];
      yield [`normal_${name} ${n}`, () => fill(dtype, n).normal_(2, 0.5, g)];
      yield [`exponential_${name} ${n}`, () => fill(dtype, n).exponential_(0.5, g)];
      yield [`log_normal_${name} ${n}`, () => fill(dtype, n).logNormal_(0, 0.5, g)];
      yield [`cauchy_${name} ${n}`, () => fill(dtype, n).cauchy_(1, 2, g)];
      yield [`bernoulli${name} ${n}`, () => torch.bernoulli(fill(dtype, n).fill_(0.3), g)];
    }
    for (
      const [name, dtype] of [["", float32], [" float64", float64], [" int64", int64]] as const
    ) {
      yield [`geometric_${name} ${n}`, () => fill(dtype, n).geometric_(0.2, g)];
      yield [`bernoulli_${name} ${n}`, () => fill(dtype, n).bernoulli_(0.3, g)];
    }
    for (
      const [name, dtype] of [["", float32], [" float64", float64], [" float16", float16]] as const
    ) {
      yield [`dropout${name} ${n}`, () => F.dropout(torch.ones([n], { dtype, device }), 0.3)];
    }
  }
}

interface Drawn {
  values: number[];
  offset: number;
}

/** A draw from generators that are seeded anew, and have drawn once. */
function drawn([name, draw]: Draw, generator: torch.Generator): Drawn {
  using _ = torch.scope();
  generator.manualSeed(2024);
  torch.manualSeed(42);
  torch.rand([10], { device, generator });
  const all = Array.from(draw().double().cpu().toTypedArray() as Float64Array);
  const state = name.startsWith("dropout") ? torch.cuda.getRngState() : generator.getState();
  const bytes = (state.toTypedArray() as Uint8Array).slice();
  const step = Math.max(1, Math.floor(all.length / 2000));
  return {
    values: all.filter((_, i) => i % step === 0),
    offset: Number(new DataView(bytes.buffer).getBigUint64(8, true)),
  };
}

const script = new URL("gpu_random.py", import.meta.url).pathname;
const { success, stdout, stderr } = await new Deno.Command(Deno.args[0] ?? "python3", {
  args: [script],
}).output();
if (!success) throw new Error(new TextDecoder().decode(stderr));
const lines = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
const theirs = new Map<string, Drawn>(lines.map(({ name, ...draw }) => [name, draw]));
console.log(`${torch.cuda.getDeviceName()}; PyTorch ${theirs.get("version")?.values}`);

const generator = new torch.Generator(device);
for (const draw of draws(generator)) {
  const [name] = draw, want = theirs.get(name), got = drawn(draw, generator);
  if (!want) throw new Error(`gpu_random.py does not draw ${name}`);
  const differ = got.values.filter((v, i) => !Object.is(v, want.values[i])).length;
  const most = got.values.reduce(
    (most, v, i) => Math.max(most, Math.abs(v - want.values[i]) / Math.max(1, Math.abs(v))),
    0,
  );
  const numbers = differ === 0
    ? "equal"
    : `${differ} of ${got.values.length} differ, by ${most.toExponential(1)} at most`;
  const place = got.offset === want.offset
    ? ""
    : `; offset ${got.offset}, PyTorch's ${want.offset}`;
  console.log(`${name.padEnd(28)} ${numbers}${place}`);
}
