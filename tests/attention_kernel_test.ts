/**
 * The attention kernel: against attention composed of float64 products, for sizes, masks and layouts of all kinds; its
 * second derivative; and ranges of its outer loop.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import type { Tensor } from "../mod.ts";
import { WasmBackend } from "../src/backend/wasm.ts";

const F = torch.nn.functional;
type Options = { attnMask?: Tensor; isCausal?: boolean; scale?: number };

/** Asserts that two tensors have one shape, and NaN in the same places, and else differ by at most `tolerance`. */
function assertNear(got: Tensor, want: Tensor, tolerance: number, label: string): void {
  assertEquals([...got.shape], [...want.shape], label);
  const nan = got.isnan().ne(want.isnan()).any().item();
  const off = Number(got.double().sub(want.double()).abs().nanToNum(0).max().item());
  assert(!nan && off <= tolerance, `${label}: off by ${off}${nan ? ", and NaN elsewhere" : ""}`);
}

/** Compares result and gradients of attention in float32 and in float64, on `inputs` and what `view` makes of them. */
function compare(
  label: string,
  inputs: Tensor[],
  options: Options = {},
  view: (xs: Tensor[]) => Tensor[] = (xs) => xs,
): Tensor {
  const run = (xs: Tensor[], o: Options) => {
    const leaves = xs.map((x) => x.detach().requiresGrad_());
    const [q, k, v] = view(leaves);
    const y = F.scaledDotProductAttention(q, k, v, o);
    const dy = torch.arange(y.numel()).sin().view(y.shape).to(y.dtype);
    return [y, ...torch.autograd.grad([y], leaves, { gradOutputs: [dy] }) as Tensor[]];
  };
  const { attnMask } = options;
  const wide = attnMask?.dtype === torch.float32 ? attnMask.double() : attnMask;
  const got = run(inputs, options);
  const want = run(inputs.map((x) => x.double()), { ...options, attnMask: wide });
  assertEquals(got[0].gradFn!.name, "ScaledDotProductFlashAttentionForCpuBackward0", label);
  got.forEach((x, i) => {
    const size = Math.max(1, Number(want[i].detach().abs().nanToNum(0).max().item()));
    assertNear(
      x.detach(),
      want[i].detach(),
      4e-6 * size,
      `${label}, ${["y", "dq", "dk", "dv"][i]}`,
    );
  });
  return got[0];
}

const operands = (
  lead: number[],
  queries: number,
  keys: number,
  width: number,
  columns = width,
) => [
  torch.randn([...lead, queries, width]),
  torch.randn([...lead, keys, width]),
  torch.randn([...lead, keys, columns]),
];

Deno.test("attention kernel: sizes, causal and not, against float64", () => {
  torch.manualSeed(0);
  const sizes = [
    [2, 1, 1, 1],
    [3, 129, 7, 3],
    [5, 17, 2, 80],
    [17, 5, 80, 5],
    [65, 65, 12, 12],
    [64, 128, 8, 8],
    [129, 65, 33, 17],
    [65, 129, 32, 32],
    [130, 300, 4, 9],
  ];
  for (const [queries, keys, width, columns] of sizes) {
    using _ = torch.scope();
    for (const isCausal of [false, true]) {
      const label = `${queries}x${keys}x${width}x${columns}${isCausal ? " causal" : ""}`;
      compare(label, operands([2], queries, keys, width, columns), { isCausal });
    }
  }
  // A single query goes through the products of a row.
  const [q, k, v] = operands([2], 1, 9, 4);
  const one = F.scaledDotProductAttention(q, k, v);
  assertNear(
    one,
    F.scaledDotProductAttention(q.double(), k.double(), v.double()),
    1e-6,
    "one query",
  );
});

Deno.test("attention kernel: masks against float64", () => {
  torch.manualSeed(1);
  for (const [queries, keys] of [[5, 17], [70, 140]]) {
    using _ = torch.scope();
    const inputs = operands([2, 3], queries, keys, 8);
    const some = (...shape: number[]) =>
      torch.rand(shape).gt(0.5).logicalOr(torch.eye(shape.at(-2)!, shape.at(-1)!).to(torch.bool));
    for (
      const shape of [[queries, keys], [2, 1, queries, keys], [3, 1, keys], [2, 3, queries, keys], [
        queries,
        1,
      ], [1]]
    ) {
      compare(`added ${shape}`, inputs, { attnMask: torch.randn(shape) });
    }
    compare("bool", inputs, { attnMask: some(queries, keys) });
    compare("bool of each head", inputs, { attnMask: some(2, 3, queries, keys) });
    // Keys that nobody sees, as padding.
    const padding = torch.arange(keys).lt(torch.tensor([[3], [keys - 1]])).view(2, 1, 1, keys);
    compare("padding", inputs, { attnMask: padding });
    compare("transposed", inputs, { attnMask: torch.randn(keys, queries).t(), scale: -0.3 });
    // All of its later keys hidden: what is left out must not show.
    const later = torch.full([queries, keys], -Infinity).triu(1);
    const causal = compare("causal by a mask", inputs, { attnMask: later });
    const [q, k, v] = inputs;
    assertNear(
      causal.detach(),
      F.scaledDotProductAttention(q, k, v, { isCausal: true }),
      1e-6,
      "causal by a mask or by name",
    );
  }
});

Deno.test("attention kernel: a query that sees no key gets NaN, as do gradients", () => {
  using _ = torch.scope();
  torch.manualSeed(2);
  const mask = torch.ones(9, 11).to(torch.bool);
  mask.select(0, 4).fill_(false);
  const y = compare("hidden row", operands([2], 9, 11, 4), { attnMask: mask });
  assertEquals(y.isnan().any(-1).sum().item(), 2);
  // Scores that are infinite or not numbers spoil their own row alone.
  const [q, k, v] = operands([], 6, 7, 4);
  q.fill_(1), k.fill_(1);
  q.select(0, 2).fill_(NaN);
  q.select(0, 3).fill_(1e30), k.select(0, 5).fill_(1e30);
  const rows = F.scaledDotProductAttention(q, k, v).isnan().any(-1).tolist();
  assertEquals(rows, [false, false, true, true, false, false]);
});

Deno.test("attention kernel: views, broadcast operands and layouts of results", () => {
  torch.manualSeed(3);
  using _ = torch.scope();
  // [batch, time, 3, heads, width], as a projection gives it.
  const packed = torch.randn(2, 19, 3, 4, 8);
  const heads = ([x]: Tensor[]) => [0, 1, 2].map((i) => x.select(2, i).transpose(1, 2));
  const y = compare("packed", [packed], { isCausal: true }, heads);
  // The heads lie as the query's do, so that joining them is a view.
  const joined = y.transpose(1, 2).reshape(2, 19, 32);
  assert(joined.isContiguous());
  assert(joined.storage === y.storage);
  const plain = compare("contiguous", operands([2, 4], 6, 7, 8));
  assert(plain.isContiguous());
  compare(
    "last axes strided",
    operands([3], 8, 10, 8),
    {},
    (xs) => xs.map((x, i) => i === 1 ? x.transpose(-1, -2).contiguous().transpose(-1, -2) : x),
  );
  const shared = [torch.randn(2, 6, 5, 8), torch.randn(2, 1, 9, 8), torch.randn(9, 8)];
  compare("shared keys", shared);
  compare("expanded keys", shared, {}, ([q, k, v]) => [q, k.expand(2, 6, 9, 8), v]);
  compare("shared queries", [
    torch.randn(1, 3, 5, 8),
    torch.randn(2, 3, 9, 8),
    torch.randn(2, 3, 9, 8),
  ]);
  compare(
    "order of its own",
    operands([2, 3, 4], 5, 6, 8),
    {},
    (xs) => xs.map((x) => x.transpose(0, 1).clone()),
  );
});

Deno.test("attention kernel: second derivatives, masks that learn, and changes in place", () => {
  using _ = torch.scope();
  torch.manualSeed(4);
  const inputs = operands([2], 5, 6, 4);
  const second = (dtype: torch.DType) => {
    const xs = inputs.map((x) => x.to(dtype).requiresGrad_());
    const [q, k, v] = xs, y = F.scaledDotProductAttention(q, k, v, { isCausal: true });
    const first = torch.autograd.grad([y.sin().sum()], xs, { createGraph: true }) as Tensor[];
    const total = first.map((g) => g.mul(g).sum()).reduce((a, b) => a.add(b));
    return torch.autograd.grad([total], xs) as Tensor[];
  };
  const want = second(torch.float64);
  second(torch.float32).forEach((g, i) => assertNear(g, want[i], 1e-5, `second derivative ${i}`));
  const [q, k, v] = inputs, bias = torch.randn(5, 6, { requiresGrad: true });
  F.scaledDotProductAttention(q, k, v, bias).sin().sum().backward();
  const wide = bias.detach().double().requiresGrad_();
  F.scaledDotProductAttention(q.double(), k.double(), v.double(), wide).sin().sum().backward();
  assertNear(bias.grad!, wide.grad!, 1e-5, "gradient of the mask");
  const leaf = q.clone().requiresGrad_(), mask = torch.zeros(5, 6);
  const y = F.scaledDotProductAttention(leaf, k, v, mask);
  mask.add_(1);
  assertThrows(() => y.sum().backward(), Error, "changed in place");
});

Deno.test("attention kernel: results do not depend on how the outer loop is cut, and stay within bounds", () => {
  const [batch, heads, queries, keys, width, columns] = [2, 3, 150, 140, 12, 20], n = batch * heads;
  const blocks = n * Math.ceil(queries / 64);
  for (const flavour of ["baseline", "relaxed"] as const) {
    if (flavour === "relaxed" && new WasmBackend().flavour !== "relaxed") continue;
    const backend = new WasmBackend(flavour), { kernels, heap } = backend;
    // [batch, heads, rows, width] with 16 floats behind each head; and the same as it is where nothing is written.
    const make = (rows: number, size: number) => {
      const row = size, head = rows * row + 16, length = n * head;
      const storage = backend.allocate(length * 4), at = backend.touch(storage);
      const fill = () => {
        for (let i = 0; i < length; i++) {
          heap.f32[(at >> 2) + i] = i % head < rows * row ? Math.sin(i) : 77;
        }
      };
      fill();
      const bits = () => heap.u8.slice(at, at + length * 4);
      const guarded = () => {
        for (let i = 0; i < length; i++) {
          if (i % head >= rows * row) assertEquals(heap.f32[(at >> 2) + i], 77);
        }
      };
      return { at, strides: [heads * head, head, row], fill, bits, guarded };
    };
    const q = make(queries, width), k = make(keys, width), v = make(keys, columns);
    const o = make(queries, columns), norms = make(2 * queries, 1), g = make(queries, columns);
    const dq = make(queries, width), dk = make(keys, width), dv = make(keys, columns);
    const mask = make(queries, keys);
    for (const masked of [0, 1]) {
      const tail = [
        heads,
        queries,
        keys,
        width,
        columns,
        ...q.strides,
        ...k.strides,
        ...v.strides,
        ...o.strides,
      ];
      tail.push(...mask.strides, 1, 1 - masked, 0.3, backend.scratch(4 << 20));
      const maskAt = masked ? mask.at : 0;
      // deno-lint-ignore no-explicit-any
      const call = kernels as any;
      const run = (cuts: number[], gradCuts: number[]) => {
        for (const x of [o, dq, dk, dv]) x.fill();
        cuts.slice(1).forEach((end, i) =>
          call.attention(o.at, norms.at, q.at, k.at, v.at, maskAt, ...tail, cuts[i], end)
        );
        gradCuts.slice(1).forEach((end, i) =>
          call.attention_grad(
            ...[dq.at, dk.at, dv.at, g.at, q.at, k.at, v.at, o.at, norms.at, maskAt],
            ...[...dq.strides, ...dk.strides, ...dv.strides, ...g.strides],
            ...tail,
            gradCuts[i],
            end,
          )
        );
        for (const x of [o, dq, dk, dv]) x.guarded();
        return [o, norms, dq, dk, dv].map((x) => x.bits());
      };
      const whole = run([0, blocks], [0, n]);
      assertEquals(run([0, 1, 4, 5, 11, blocks], [0, 1, 4, n]), whole);
    }
  }
});
