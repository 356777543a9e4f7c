/**
 * Random numbers against PyTorch's, bit for bit: the programs of tests/golden/train/rng.json for five seeds, and what
 * those leave out.
 */
// deno-lint-ignore-file no-explicit-any
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { programs } from "./random_programs.ts";
import { readSafetensors } from "./replay.ts";

const F = torch.nn.functional;
const golden = new URL("golden/train/", import.meta.url).pathname;

/** The program needs something that is not built yet. */
class Missing extends Error {}

/** A part of the library that says when something is not in it. */
function part(name: string, members: any): any {
  return new Proxy({}, {
    get(_, key: string) {
      const value = members?.[key];
      if (value === undefined) throw new Missing(`${name}.${key}`);
      return value;
    },
  });
}

/** Programs whose numbers go through other functions than PyTorch's, and by how much of the greatest they may differ. */
const CLOSE: Record<string, number> = { init_trunc_normal: 1.3e-7, init_orthogonal: 3e-7 };

/** Whether two stored arrays are equal in every bit, or within `tolerance` of the greatest. */
function agree(got: any, want: any, tolerance: number): boolean {
  if (got.length !== want.length) return false;
  if (tolerance > 0) {
    const greatest = Math.max(...want.map(Math.abs));
    return got.every((v: number, i: number) => Math.abs(v - want[i]) <= tolerance * greatest);
  }
  const [a, b] = [got, want].map((x) => new Uint8Array(x.buffer, x.byteOffset, x.byteLength));
  return a.every((v, i) => v === b[i]);
}

Deno.test("random: PyTorch's draws", () => {
  const { entries } = JSON.parse(Deno.readTextFileSync(`${golden}rng.json`));
  const store = readSafetensors(`${golden}rng.safetensors`);
  const failures: string[] = [], missing = new Map<string, string>();
  let passed = 0;
  for (const { id, seed, keys } of entries) {
    const name = id.slice(0, id.lastIndexOf(".s"));
    using _ = torch.scope();
    const stored = (variable: string) => {
      const { data, shape } = store.get(keys[variable])!;
      return torch.fromArray(data, shape);
    };
    torch.manualSeed(BigInt(seed));
    try {
      const results = programs[name]({
        torch: part("torch", torch),
        nn: part("nn", torch.nn),
        F: part("F", F),
        init: part("init", torch.nn.init),
        data: part("utils.data", (torch as any).utils?.data),
        stored,
      });
      const wrong = Object.entries<string>(keys).filter(([variable, key]) => {
        const [object, ...member] = variable.split(".");
        let x = results[object];
        if (member.length > 0) {
          const state = x.stateDict();
          x = state instanceof Map ? state.get(member.join(".")) : state[member.join(".")];
        }
        const want = store.get(key)!;
        return x.shape.join() !== want.shape.join() ||
          !agree(x.detach().toTypedArray(), want.data, CLOSE[name] ?? 0);
      });
      if (wrong.length > 0) failures.push(`${id}: ${wrong.map(([variable]) => variable).join()}`);
      else passed++;
    } catch (e) {
      if (e instanceof Missing) missing.set(name, e.message);
      else failures.push(`${id}: ${e}`);
    }
  }
  const absent = missing.size > 0
    ? `, not built yet: ${[...missing].map(([name, what]) => `${name} (${what})`).join(", ")}`
    : "";
  console.log(`random: ${passed} entries equal, ${failures.length} differ${absent}`);
  assertEquals(failures, []);
});

/** One number that stands for all elements, in order, and for the place where the generator stands afterwards. */
function checksum(x: any): number {
  const sum = x.tolist().flat(Infinity).reduce(
    (sum: number, v: number, i: number) => sum + Number(v) * (i + 1),
    0,
  );
  return sum + Number(torch.rand(1).item());
}

/** Calls after `manualSeed(1234)`, and the checksum of PyTorch's result. */
// deno-fmt-ignore
const DRAWS: [() => any, number][] = [
  [() => torch.multinomial(torch.rand(5,4).t(),3), 142.49661123752594],
  [() => torch.multinomial(torch.rand(5,4).t(),3,true), 159.2975966334343],
  [() => torch.multinomial(torch.rand(5,4,{dtype:torch.float64}),3), 142.31115990877151],
  [() => torch.multinomial(torch.rand(5,4,{dtype:torch.float64}),{numSamples:8,replacement:true}), 1183.0242449641228],
  [() => torch.multinomial(torch.rand(5,4),1,true), 18.666224420070648],
  [() => torch.multinomial(torch.rand(1000),300), 22607326.179712236],
  [() => torch.multinomial(torch.rand(1000),3), 2418.1797122359276],
  [() => torch.rand(5,{dtype:torch.float16}), 8.836875200271606],
  [() => torch.rand(5,{dtype:torch.bfloat16}), 7.7904884815216064],
  [() => torch.empty(20,{dtype:torch.float16}).uniform_(-1,2), 191.2779804468155],
  [() => torch.randn(5,{dtype:torch.bfloat16}), -3.5969756841659546],
  [() => torch.randint(0,2n**63n-1n,[7]), 1.4501057519664156e+20],
  [() => torch.randint(-(2n**63n),2n**63n-1n,[7]), -1.1786749429889622e+19],
  [() => torch.randint(2n**60n+1n,2n**60n+11n,[7]), 3.2281802128991715e+19],
  [() => torch.randint(0,2**25,[30],{dtype:torch.float32}), 7439487148.6662245],
  [() => torch.randint(-(2**26),2**25,[30],{dtype:torch.float32}), -8129807840.3337755],
  [() => torch.randint(0,2**40,[30],{dtype:torch.float32}), 248740672089088.5],
  [() => torch.randint(0,2n**62n+1n,[30],{dtype:torch.float64}), 8.297414102873592e+20],
  [() => torch.randint(-300,300,[30],{dtype:torch.bfloat16}), 7894.666224420071],
  [() => torch.randint(-3000,4001,[30],{dtype:torch.float16}), -10485.33377557993],
  [() => torch.randint(-5,9,[30],{dtype:torch.int8}), 1635.6662244200706],
  [() => torch.randint(2,[30],{dtype:torch.bool}), 152.66622442007065],
  [() => torch.randint({low:3,high:9,size:[4]}), 59.058300733566284],
  [() => torch.randint(7,{size:[4]}), 34.058300733566284],
  [() => torch.randint(3,9,{size:[2,2]}), 59.058300733566284],
  [() => torch.randint({high:9,size:[4]}), 29.058300733566284],
  [() => torch.randint(3,{high:9,size:[4]}), 59.058300733566284],
  [() => torch.randintLike(torch.ones(3),5), 5.366641342639923],
  [() => torch.randintLike(torch.ones(3),2,5,{dtype:torch.int32}), 12.366641342639923],
  [() => torch.randLike(torch.ones(3,4).t()), 34.900803446769714],
  [() => torch.randnLike(torch.ones(5,4).t()), 3.07426318526268],
  [() => torch.randnLike(torch.ones(5,4),{dtype:torch.float64}), 32.47025752041059],
  [() => torch.randnLike(torch.ones(3,4,5).permute(2,0,1).narrow(0,0,2)), 49.48528718948364],
  [() => torch.randLike(torch.ones(3,1,5).expand(3,4,5).permute(2,0,1)), 987.6226617097855],
  [() => torch.randLike(torch.ones(3,1,5).expand(3,4,5).permute(1,2,0)), 973.0609736442566],
  [() => torch.randperm(7,{dtype:torch.int32}), 71.05179738998413],
  [() => torch.randperm(7,{dtype:torch.float32}), 71.05179738998413],
  [() => torch.empty(9,{dtype:torch.uint8}).random_(), 6854.331461966038],
  [() => torch.empty(9,{dtype:torch.int8}).random_(), 2886.3314619660378],
  [() => torch.empty(9,{dtype:torch.int16}).random_(), 1050310.331461966],
  [() => torch.empty(9,{dtype:torch.bool}).random_(), 24.33146196603775],
  [() => torch.empty(9,{dtype:torch.float64}).random_(), 1.144476310522072e+17],
  [() => torch.empty(9,{dtype:torch.float16}).random_(), 47724.33146196604],
  [() => torch.empty(9,{dtype:torch.bfloat16}).random_(), 7643.331461966038],
  [() => torch.empty(9).random_(3,null), 297747689.33146197],
  [() => torch.empty(9,{dtype:torch.int64}).random_(3,null), 2.6561966006305246e+20],
  [() => torch.empty(9,{dtype:torch.int32}).random_(3,null), 53145962428.33146],
  [() => torch.empty(9,{dtype:torch.int32}).random_(-(2**31),null), 35966092998.33146],
  [() => torch.empty(9,{dtype:torch.float64}).random_(3,null), 1.1444763105238178e+17],
  [() => torch.empty(9,{dtype:torch.float64}).random_(-(2**63),null), 7.365243031118757e+18],
  [() => torch.empty(9).random_(-(2**63),null), 7.365242122292691e+18],
  [() => torch.empty(9).random_(5), 48.33146196603775],
  [() => torch.empty(3,4).t().random_({from:2,to:50}), 1616.774850487709],
  [() => torch.empty(9,{dtype:torch.int32}).bernoulli_(0.3), 33.2387558221817],
  [() => torch.empty(9,{dtype:torch.bool}).bernoulli_(0.3), 33.2387558221817],
  [() => torch.empty(9,{dtype:torch.bfloat16}).bernoulli_(0.3), 33.2387558221817],
  [() => torch.empty(3,4,{dtype:torch.int64}).t().bernoulli_(torch.tensor([0.2,0.5,0.8])), 52.774850487709045],
  [() => torch.empty(3,4).t().bernoulli_(torch.tensor([[0.2],[0.5],[0.8],[0.4]],{dtype:torch.float64})), 47.9665110707283],
  [() => torch.bernoulli(torch.rand(4,5).t()), 98.41081088781357],
  [() => torch.bernoulli(torch.ones(4,5).t(),0.4), 116.41081088781357],
  [() => torch.empty(9,{dtype:torch.int32}).geometric_(0.1), 588.2387558221817],
  [() => torch.empty(9,{dtype:torch.uint8}).geometric_(0.4), 134.2387558221817],
  [() => torch.empty(9,{dtype:torch.float16}).exponential_(2), 7.901353478431702],
  [() => torch.empty(3,9).t().exponential_(2), 81.59988298267126],
  [() => torch.empty(3,9).t().logNormal_(), 2243.7169993817806],
  [() => torch.empty(3,9).t().cauchy_(), -684.7513327151537],
  [() => torch.normal(torch.tensor([...Array(20).keys()]),0.5), 2628.0867914408445],
  [() => torch.normal(torch.zeros(2,3),torch.ones(3)), -0.5815488249063492],
  [() => torch.normal(torch.ones(3),torch.ones(3,{dtype:torch.float64})), 4.490155041217804],
  [() => torch.normal({mean:1,std:torch.ones(3)}), 4.490155041217804],
  [() => torch.normal({mean:1,std:2,size:[3],dtype:torch.float64}), 2.3065037716557852],
  [() => torch.poisson(torch.rand(5,5).mul(20)), 3435.9382879137993],
  [() => F.dropout(torch.rand(4,5).t(),0.3), 122.86752671003342],
  [() => F.dropout(torch.rand(4,6).narrow(1,1,3).t(),{p:0.3,inplace:true}), 49.79932254552841],
  [() => F.dropout(torch.rand(20,{dtype:torch.float64}),0.3), 98.38338511359409],
  [() => F.dropout(torch.rand(20,{dtype:torch.bfloat16}),0.3), 147.69192373752594],
  [() => F.dropout1d(torch.rand(4,5,2),0.3), 476.4173730351031],
  [() => F.dropout1d(torch.rand(4,5),0.3), 92.78918039798737],
  [() => F.dropout1d(torch.rand(4,5),0.3,true,true), 92.78918039798737],
  [() => F.dropout2d(torch.rand(4,5,2),0.3), 476.4173730351031],
  [() => F.dropout2d(torch.rand(4,5,2,2),0.3), 1303.4738356177695],
  [() => F.dropout3d(torch.rand(4,5,2,2),0.3), 1537.2713142950088],
  [() => F.dropout3d(torch.rand(7),0.3), 11.083281457424164],
  [() => F.alphaDropout(torch.rand(4,5).t(),0.3,true), 121.16834491491318],
  [() => F.alphaDropout(torch.rand(4,5),0.3,true,true), 131.35865581035614],
  [() => F.alphaDropout(torch.rand(4,5,{dtype:torch.float64}),0.3,true,true), 80.60700029833679],
  [() => F.featureAlphaDropout(torch.rand(4,5,3),0.3,true), 332.3145886063576],
  [() => torch.randn(3,5).t().normal_(2,3), 205.26306131482124],
  [() => torch.zeros(8,10).narrow(1,2,5).normal_(2,3), 1733.2778613194823],
  [() => torch.zeros(40,{dtype:torch.float64}).normal_(2,0), 1640.3741780519485],
];

Deno.test("random: bounds, dtypes and orders of memory as PyTorch's", () => {
  using _ = torch.scope();
  const wrong = DRAWS.filter(([draw, want]) => {
    torch.manualSeed(1234);
    return checksum(draw()) !== want;
  });
  assertEquals(wrong.map(([draw]) => String(draw)), []);
});

Deno.test("generators: seeds, and states in PyTorch's form", () => {
  const { Generator } = torch, g = new Generator();
  assertEquals(g.initialSeed(), 67280421310721);
  assertEquals(g.manualSeed(-5).initialSeed(), 18446744073709551611n);
  assertEquals(g.manualSeed(2n ** 64n - 1n).initialSeed(), 18446744073709551615n);
  assertEquals(g.manualSeed(7).initialSeed(), 7);
  assert(Number.isSafeInteger(g.seed()) && g.initialSeed() !== 7);
  assertEquals([g.device, torch.defaultGenerator.device], ["cpu", "cpu"]);
  assertEquals(torch.manualSeed(3), torch.defaultGenerator);
  assertEquals(torch.initialSeed(), 3);
  assertEquals(torch.seed(), torch.initialSeed());
  assertThrows(() => g.manualSeed(1.5), TypeError, "whole number");
  assertThrows(() => g.manualSeed(2n ** 64n), RangeError, "2^64 - 1");
  assertThrows(() => new Generator("cuda"), Error, '"cuda" cannot be used');

  // The state outlives scopes and goes on where it was, cached normal included.
  {
    using _ = torch.scope();
    g.manualSeed(7);
    torch.randn([3], { generator: g });
  }
  const state = g.getState(), copy = new Generator().setState(state);
  const draw = (generator: torch.Generator) =>
    [3, 700, 40].flatMap((n) => torch.randn([n], { generator }).tolist() as number[]);
  assertEquals(draw(copy), draw(g));
  assertEquals(copy.initialSeed(), 7);
  torch.setRngState(state);
  assertEquals(torch.getRngState().tolist(), state.tolist());
  // PyTorch's bytes: seed, words left, whether seeded, next word, ...; a normal number is cached.
  const view = new DataView(state.toTypedArray().buffer as ArrayBuffer);
  assertEquals([view.getBigUint64(0, true), view.getBigUint64(16, true)], [7n, 8n]);
  assertEquals([view.getInt32(8, true), view.getInt32(12, true), view.getInt32(5040, true)], [
    617,
    1,
    1,
  ]);
  assertEquals(view.getFloat64(5024, true), -1.1143440212610307);
  g.manualSeed(7);
  const fresh = new DataView(g.getState().toTypedArray().buffer as ArrayBuffer);
  assertEquals([fresh.getInt32(8, true), fresh.getBigUint64(16, true)], [1, 0n]);
  assertThrows(() => g.setState(torch.zeros(5056)), TypeError, "uint8");
  assertThrows(() => g.setState(torch.zeros([5], { dtype: torch.uint8 })), RangeError, "5056");
  assertThrows(() => g.setState(torch.zeros([5056], { dtype: torch.uint8 })), RangeError, "state");
});

Deno.test("random: gradients, in-place rules and views", () => {
  using _ = torch.scope();
  const x = torch.ones(4, 5).requiresGrad_(), t = x.t();
  torch.manualSeed(0);
  const y = F.dropout(t, 0.4);
  y.sum().backward();
  assertEquals((x.grad as any).t().tolist(), y.tolist());
  // Through an in-place dropout, whose mask is what the result shows.
  const z = x.mul(1), dropped = F.alphaDropout(z, { p: 0.4, training: true, inplace: true });
  assert(dropped === z);
  const [g] = torch.autograd.grad(z.sum(), x);
  const kept = (z.tolist() as number[][]).map((row) => row.map((v) => v > 0));
  assertEquals((g.tolist() as number[][]).map((row) => row.map((v) => v > 0)), kept);
  // A draw cuts the history.
  const w = x.mul(2);
  w.normal_();
  const [none] = torch.autograd.grad(w.sum(), x, { allowUnused: true });
  assert(none === null || none.sum().item() === 0);
  const p = torch.rand(3).requiresGrad_();
  torch.bernoulli(p).sum().backward();
  assertEquals(p.grad?.tolist(), [0, 0, 0]);
  assertThrows(() => p.uniform_(), Error, "leaf");
  assertThrows(() => torch.ones(3).expand(2, 3).normal_(), Error, "expanded");
  // Only what a view shows is written.
  const base = torch.zeros(4, 6);
  base.narrow(1, 1, 2).bernoulli_(1);
  assertEquals(base.sum().item(), 8);
  assertEquals(torch.rand(0, 3).shape, [0, 3]);
  assertEquals(F.dropout(torch.zeros(0, 3)).shape, [0, 3]);
  assert(F.dropout(x, { training: false }) === x);
});

Deno.test("random: statistics of large draws", () => {
  using _ = torch.scope();
  torch.manualSeed(5);
  const mean = (x: any) => Number(x.float().sum().item()) / x.numElements;
  const near = (x: any, want: number) =>
    assert(Math.abs(mean(x) - want) < 0.02 * Math.max(1, want));
  const n = 100_000;
  near(torch.rand(n), 0.5);
  near(torch.randn([n], { dtype: torch.float16 }), 0);
  near(torch.randint(10, [n]), 4.5);
  near(torch.empty(n).exponential_(0.5), 2);
  near(torch.empty(n).geometric_(0.25), 4);
  near(torch.empty(n).bernoulli_(0.3), 0.3);
  near(torch.poisson(torch.zeros(n).fill_(4)), 4);
  near(torch.poisson(torch.zeros(n).fill_(40)), 40);
  near(F.dropout(torch.ones(n), 0.3), 1);
});

Deno.test("random: bad calls", () => {
  using _ = torch.scope();
  const x = torch.empty(3), ints = torch.empty([3], { dtype: torch.int64 });
  const { init } = torch.nn;
  const bad: [() => unknown, any, string][] = [
    [() => torch.rand(-1), RangeError, "sizes"],
    [() => torch.rand([3], { dtype: torch.int64 }), TypeError, "torch.int64"],
    [() => torch.rand([3], { generator: 5 as any }), TypeError, "Generator"],
    [() => torch.randLike(ints), TypeError, "torch.int64"],
    [() => ints.normal_(), TypeError, "torch.int64"],
    [() => x.uniform_(2, 1), RangeError, "must not exceed"],
    [() => x.uniform_(-3e38, 3e38), RangeError, "does not hold"],
    [() => x.uniform_({ low: 1 } as any), TypeError, "no option low"],
    [() => x.normal_(0, -1), RangeError, "std"],
    [() => x.logNormal_(0, 0), RangeError, "std"],
    [() => x.exponential_(-1), RangeError, "lambd"],
    [() => x.geometric_(1), RangeError, "p must"],
    [() => x.geometric_(), RangeError, "p must"],
    [() => x.bernoulli_(1.5), RangeError, "p must"],
    [() => x.bernoulli_(torch.tensor([0.5, 2, 0])), RangeError, "probabilities"],
    [() => x.bernoulli_(torch.tensor([NaN])), RangeError, "probabilities"],
    [() => x.bernoulli_(torch.zeros(4)), RangeError, "broadcast"],
    [() => torch.bernoulli(ints), TypeError, "torch.int64"],
    [() => torch.normal(0, 1), TypeError, "size"],
    [() => torch.normal(torch.zeros(2), torch.ones(3)), RangeError, "broadcast"],
    [() => torch.normal(torch.zeros(2), torch.tensor([1, -1])), RangeError, "std"],
    [() => torch.poisson(torch.tensor([-1])), RangeError, "rates"],
    [() => torch.poisson(torch.tensor([Infinity])), RangeError, "rates"],
    [() => torch.randint(5, 5, [3]), RangeError, "less than"],
    [() => torch.randint(2.5, [3]), TypeError, "whole number"],
    [() => torch.randint(0, 2n ** 63n, [3]), RangeError, "2^63"],
    [() => torch.randint(5 as any), TypeError, "size"],
    [() => torch.randint(0, 257, [3], { dtype: torch.uint8 }), RangeError, "torch.uint8"],
    [() => torch.randint(-1, 3, [3], { dtype: torch.uint8 }), RangeError, "torch.uint8"],
    [() => ints.random_(5, 3), RangeError, "less than"],
    [() => ints.to(torch.int32).random_(-(2n ** 63n), null), TypeError, "64 bits"],
    [() => torch.randperm(-1), RangeError, "n must"],
    [() => torch.randperm(300, { dtype: torch.uint8 }), RangeError, "at most 255"],
    [() => torch.multinomial(torch.zeros(3), 1), RangeError, "positive"],
    [() => torch.multinomial(torch.tensor([-1, 1]), 1), RangeError, "0 or more"],
    [() => torch.multinomial(torch.tensor([NaN, 1]), 1), RangeError, "finite"],
    [() => torch.multinomial(torch.ones(3), 4), RangeError, "replacement"],
    [() => torch.multinomial(torch.ones(3), 0), RangeError, "numSamples"],
    [() => torch.multinomial(torch.ones(2, 2, 2), 1), RangeError, "axes"],
    [() => F.dropout(x, 1.5), RangeError, "from 0 to 1"],
    [() => F.dropout(ints, 0.5), TypeError, "torch.int64"],
    [() => F.dropout1d(x), RangeError, "axes"],
    [() => F.dropout2d(x), RangeError, "axes"],
    [() => init.xavierUniform_(x), RangeError, "two axes"],
    [() => init.kaimingNormal_(x), RangeError, "two axes"],
    [() => init.kaimingNormal_(torch.ones(2, 2), { mode: "fan" as any }), RangeError, "fan_in"],
    [() => init.calculateGain("swish" as any), RangeError, "swish"],
    [() => init.eye_(x), RangeError, "two axes"],
    [() => init.dirac_(torch.ones(2, 2)), RangeError, "3, 4 or 5"],
    [() => init.dirac_(torch.ones(3, 2, 2), 2), RangeError, "divisible"],
    [() => init.orthogonal_(x), RangeError, "two axes"],
    [() => init.sparse_(torch.ones(2, 2)), RangeError, "sparsity"],
    [() => init.truncNormal_(x, 0, -1), RangeError, "std"],
  ];
  for (const [call, kind, words] of bad) assertThrows(call, kind, words);
});
