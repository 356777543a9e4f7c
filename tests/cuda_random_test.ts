/**
 * Random numbers that are drawn on a CUDA device: Philox, and the elements that PyTorch's threads draw.
 */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import * as torch from "../mod.ts";
import { cudaTest, gpu, setOrder } from "./cuda.ts";
import { draw, philox, threadsOf, unit, wordsOf } from "./philox.ts";

const { nn } = torch, F = nn.functional;
type Tensor = torch.Tensor;

/** Blocks that the emulator's two multiprocessors hold; a GPU holds more than these sizes have. */
const MOST = gpu ? 1 << 20 : 16;
/** In one round, in several of the emulator's, and with ragged ends. */
const SIZES = [1, 5, 255, 1030, ...gpu ? [] : [20_001, 33_000]];
const SEED = 0x1234_5678_9abc_def1n;

const list = (x: Tensor) => Array.from(x.cpu().contiguous().toTypedArray() as Float64Array, Number);
const generator = (seed: number | bigint = SEED) => new torch.Generator("cuda").manualSeed(seed);

Deno.test("philox: the published answers (Random123, kat_vectors)", () => {
  const hex = (words: number[]) => words.map((w) => w.toString(16).padStart(8, "0")).join(" ");
  const ones = [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff];
  assertEquals(hex(philox([0, 0, 0, 0], [0, 0])), "6627e8d5 e169c58d bc57ac4c 9b00dbd8");
  assertEquals(hex(philox(ones, ones)), "408f276d 41c83b0e a20bc7c6 6d5451fd");
  assertEquals(
    hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])),
    "d16cfe09 94fdcceb 5001e420 24126ea1",
  );
});

cudaTest("random numbers: words, uniforms, coins and integers are Philox's, bit for bit", () => {
  for (const order of gpu ? ["forward"] : ["forward", "random:3"]) {
    setOrder(order);
    using _ = torch.scope();
    for (const n of SIZES) {
      const g = generator();
      let offset = 0n;
      const expect = <V>(width: number, make: (words: number[]) => V[]): V[] => {
        const values = draw(SEED, offset, n, MOST, width, make);
        offset += 4n * BigInt(Math.ceil(n / (threadsOf(n, MOST) * width)));
        return values;
      };
      const options = { device: "cuda", generator: g };
      const uniforms = expect(4, (w) => w.map(unit)).map((u) => u === 1 ? 0 : u);
      assertEquals(list(torch.rand([n], options)), uniforms, `rand ${n}`);
      const small = expect(4, (w) => w.map((v) => v % 10 - 3));
      assertEquals(list(torch.randint(-3, 7, [n], options)), small, `randint ${n}`);
      const wide = expect(
        2,
        ([x, y, z, w]) =>
          [[x, y], [z, w]].map(([a, b]) => Number((BigInt(a) << 32n | BigInt(b)) % (1n << 40n))),
      );
      assertEquals(list(torch.randint(2 ** 40, [n], options)), wide, `wide randint ${n}`);
      const coins = expect(4, (w) => w.map((v) => Number(unit(v) < Math.fround(0.3))));
      assertEquals(
        list(torch.empty([n], { device: "cuda" }).bernoulli_(0.3, { generator: g })),
        coins,
        `bernoulli_ ${n}`,
      );
      assertEquals(
        list(
          torch.empty([n], { device: "cuda", dtype: torch.int64 }).bernoulli_(0.3, {
            generator: g,
          }),
        ),
        expect(4, (w) => w.map((v) => Number(unit(v) < Math.fround(0.3)))),
        `bernoulli_ of int64 ${n}`,
      );
      // What remains of a word's logarithm: the functions differ in their last digits.
      const trials = expect(4, (w) => w.map((v) => Math.log(unit(v)) / Math.log1p(-0.2)));
      list(
        torch.empty([n], { device: "cuda", dtype: torch.int64 }).geometric_(0.2, { generator: g }),
      )
        .forEach((y, i) =>
          assert(y - trials[i] > -1e-3 && y - trials[i] < 1.001, `geometric_ ${n}`)
        );
      const doubles = expect(
        2,
        ([x, y, z, w]) =>
          [[x, y], [z, w]].map(([a, b]) =>
            Number(BigInt(a) ^ BigInt(b) << 21n) * 2 ** -53 + 2 ** -54
          ),
      );
      assertEquals(
        list(torch.rand([n], { ...options, dtype: torch.float64 })),
        doubles,
        `float64 ${n}`,
      );
      const state = new DataView((g.getState().toTypedArray() as Uint8Array).slice().buffer);
      assertEquals(
        [state.getBigUint64(0, true), state.getBigUint64(8, true)],
        [SEED, offset],
        `state ${n}`,
      );
    }
  }
  setOrder("forward");
});

cudaTest("random numbers: normal ones, and their distributions", () => {
  using _ = torch.scope();
  const n = 1030, g = generator(5), options = { device: "cuda", generator: g };
  const normals = (w: number[]) =>
    [[w[0], w[1]], [w[2], w[3]]].flatMap(([x, y]) => {
      const radius = Math.sqrt(-2 * Math.log(unit(x))), angle = 2 * Math.PI * unit(y);
      return [radius * Math.sin(angle), radius * Math.cos(angle)];
    });
  const want = draw(5n, 0n, n, MOST, 4, normals);
  list(torch.randn([n], options)).forEach((z, i) => assertAlmostEquals(z, want[i], 2e-5));
  const many = 40_000,
    near = (x: Tensor, want: number, what: string) =>
      assertAlmostEquals(Number(x.double().mean().item()), want, 0.03 * Math.max(1, want), what);
  const empty = (dtype = torch.float32) => torch.empty([many], { device: "cuda", dtype });
  for (const dtype of [torch.float32, torch.float64]) {
    const x = empty(dtype).normal_(2, 3, { generator: g });
    near(x, 2, `normal_ of ${dtype}`);
    near(x.sub(2).square(), 9, `normal_ of ${dtype}`);
    near(empty(dtype).uniform_(-1, 3, { generator: g }), 1, `uniform_ of ${dtype}`);
    near(empty(dtype).exponential_(0.5, { generator: g }), 2, `exponential_ of ${dtype}`);
    near(
      empty(dtype).logNormal_(0, 0.25, { generator: g }),
      Math.exp(0.25 ** 2 / 2),
      `logNormal_ of ${dtype}`,
    );
    near(empty(dtype).geometric_(0.25, { generator: g }), 4, `geometric_ of ${dtype}`);
    near(empty(dtype).cauchy_(7, 0.1, { generator: g }).gt(7), 0.5, `cauchy_ of ${dtype}`);
    near(torch.bernoulli(empty(dtype).fill_(0.3), { generator: g }), 0.3, `bernoulli of ${dtype}`);
    // Drawn by the host, from the device's seed and offset.
    near(torch.poisson(empty(dtype).fill_(4), { generator: g }), 4, `poisson of ${dtype}`);
  }
  near(empty(torch.int64).geometric_(0.25, { generator: g }), 4, "geometric_ of int64");
  near(empty(torch.int64).bernoulli_(0.25, { generator: g }), 0.25, "bernoulli_ of int64");
  near(empty(torch.bool).bernoulli_(0.25, { generator: g }), 0.25, "bernoulli_ of bool");
  near(empty(torch.int16).random_(0, 100, { generator: g }), 49.5, "random_ of int16");
  near(torch.rand([many], { ...options, dtype: torch.float16 }), 0.5, "float16");
  const picked = torch.multinomial(torch.tensor([1, 2, 5]).cuda(), 3, { generator: g });
  assertEquals(list(picked).sort(), [0, 1, 2]);
});

cudaTest("generators of a device: seeds and states, and what the host draws for them", () => {
  using _ = torch.scope();
  const g = generator(7), options = { device: "cuda", generator: g };
  const first = list(torch.rand([9], options)), state = g.getState();
  assertEquals(state.shape, [16]);
  const next = list(torch.rand([9], options)), perm = list(torch.randperm(20, options));
  assertNotEquals(next, first);
  g.setState(state);
  assertEquals([list(torch.rand([9], options)), list(torch.randperm(20, options))], [next, perm]);
  assertEquals(perm.toSorted((a, b) => a - b), [...Array(20).keys()]);
  assertNotEquals(list(torch.randperm(20, options)), perm);
  assertEquals(g.initialSeed(), 7);
  assertEquals(new torch.Generator("cuda").initialSeed(), 67280421310721);
  assertThrows(() => g.setState(torch.zeros([5056], { dtype: torch.uint8 })), RangeError, "[16]");
  assertThrows(
    () => g.setState(torch.ones([16], { dtype: torch.uint8 })),
    RangeError,
    "multiple of 4",
  );
  assertThrows(() => torch.randn(2, { generator: g }), TypeError, "the generator is on cuda:0");
});

cudaTest("dropout: one kernel, drawn on the device", () => {
  for (const order of gpu ? ["forward"] : ["forward", "random:3"]) {
    setOrder(order);
    using _ = torch.scope();
    for (const dtype of [torch.float32, torch.float64]) {
      // Packs of as many as 16 bytes hold, of two, and single elements.
      const widest = 16 / dtype.size;
      for (const n of [1024, ...gpu ? [] : [16_388], 1030, 1031]) {
        const x = torch.linspace(1, 2, n, { dtype, device: "cuda" }).requiresGrad_();
        torch.manualSeed(SEED);
        const y = F.dropout(x, 0.25), pack = n % 4 === 0 ? widest : n % 2 === 0 ? 2 : 1;
        y.backward(torch.ones([n], { dtype, device: "cuda" }));
        const threads = threadsOf(n, MOST);
        const stays = pack === 1
          ? draw(SEED, 0n, n, MOST, 4, (w) => w.map((v) => unit(v) < 0.75))
          : Array.from({ length: n }, (_, i) => {
            const at = Math.floor(i / pack);
            return unit(wordsOf(SEED, 0n, at % threads, Math.floor(at / threads))[i % pack]) < 0.75;
          });
        const scale = dtype === torch.float32 ? Math.fround(1 / 0.75) : 1 / 0.75;
        const round = dtype === torch.float32 ? Math.fround : (v: number) => v;
        const values = list(x);
        assertEquals(
          list(y),
          stays.map((s, i) => s ? round(values[i] * scale) : 0),
          `${dtype} ${n}`,
        );
        assertEquals(list(x.grad!), stays.map((s) => s ? scale : 0), `gradient of ${dtype} ${n}`);
      }
    }
  }
  setOrder("forward");
});

cudaTest("dropout: seeds, states, modules, and gradients of gradients", () => {
  using _ = torch.scope();
  const x = torch.ones(400, { device: "cuda" }), drop = () => list(F.dropout(x, 0.5));
  torch.manualSeed(3);
  const state = torch.cuda.getRngState(), first = drop(), second = drop();
  assertNotEquals(first, second);
  torch.cuda.manualSeed(3);
  assertEquals([drop(), drop()], [first, second]);
  torch.cuda.setRngState(state);
  assertEquals(drop(), first);
  // What is drawn for the CPU's tensors stays as it is.
  torch.manualSeed(3);
  const here = torch.rand(3).tolist();
  torch.manualSeed(3);
  drop();
  assertEquals(torch.rand(3).tolist(), here);
  for (const f of [F.dropout2d, F.alphaDropout, F.featureAlphaDropout]) {
    const y = f(torch.ones(50, 8, 3, 3, { device: "cuda" }), { p: 0.5, training: true });
    const values = new Set(list(y).map((v) => v.toFixed(4)));
    assertEquals(values.size, 2, f.name);
  }
  const half = F.dropout(torch.ones([400], { device: "cuda", dtype: torch.float16 }), 0.5);
  assertEquals([...new Set(list(half.float()))].sort(), [0, 2]);
  const z = x.clone().requiresGrad_(), y = F.dropout(z.square(), 0.5);
  const [dz] = torch.autograd.grad(y.sum(), [z], { createGraph: true });
  const [ddz] = torch.autograd.grad(dz!.sum(), [z]);
  assertEquals(list(ddz!), list(y).map((v) => v > 0 ? 4 : 0));
  assert(list(F.dropout(z, { p: 0.5, inplace: false })).every((v) => v === 0 || v === 2));
});

cudaTest("graphs: each replay draws anew, as without a graph", () => {
  using _ = torch.scope();
  const g = generator(9), x = torch.ones(1000, { device: "cuda" });
  const step = () => [
    F.dropout(x, 0.5),
    torch.rand([50], { device: "cuda", generator: g }),
    // Works in more space than the library has of its own.
    torch.sort(torch.rand([54_000], { device: "cuda", generator: g })).values,
  ];
  const start = () => {
    torch.manualSeed(4);
    g.manualSeed(9);
  };
  start();
  const want = [1, 2].map(() => step().map(list));
  const graph = new torch.cuda.CUDAGraph(), results = torch.cuda.graph(graph, step);
  // The space that the graph works in stays its own, however much others take.
  torch.sort(torch.rand([110_000], { device: "cuda", generator: g }));
  start();
  const got = [1, 2].map(() => {
    graph.replay();
    return results.map(list);
  });
  assertEquals(got, want);
  graph.reset();
});
