/**
 * autocast: which results have which types, as in PyTorch 1.13 on the CPU (its lists, but for transposed convolutions, which
 * later versions lowered) and by the lists of CUDA; values and gradients against PyTorch's; GradScaler.
 */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { cudaTest, setOrder } from "./cuda.ts";

const { nn, optim } = torch, F = nn.functional;
type Tensor = torch.Tensor;

/** Types of results of float32 and bfloat16 inputs: "L" bfloat16, "S" float32. By device, and per call. */
const RESULTS: [call: string, cpu: string, cuda: string, f: (x: Tensor, w: Tensor) => Tensor][] = [
  ["matmul", "LL", "LL", (x, w) => x.matmul(w)],
  ["mm", "LL", "LL", (x, w) => torch.mm(x, w)],
  ["bmm", "LL", "LL", (x, w) => torch.bmm(x.unsqueeze(0), w.unsqueeze(0))],
  ["linear", "LL", "LL", (x, w) => F.linear(x, w, w.select(0, 0))],
  ["addmm", "LL", "LL", (x, w) => torch.addmm(w, x, w)],
  ["baddbmm", "LL", "LL", (x) => torch.baddbmm(x.unsqueeze(0), x.unsqueeze(0), x.unsqueeze(0))],
  ["einsum", "LL", "LL", (x, w) => torch.einsum("ij,jk->ik", x, w)],
  ["tensordot", "LL", "LL", (x, w) => torch.tensordot(x, w, 1)],
  ["conv2d", "LL", "LL", (x, w) => F.conv2d(x.view(1, 1, 4, 4), w.view(4, 1, 2, 2))],
  ["mv", "SL", "LL", (x) => torch.mv(x, x.select(0, 0))],
  ["prelu", "SL", "LL", (x, w) => F.prelu(x, w.view(-1).narrow(0, 0, 1).to(x.dtype))],
  ["exp", "SL", "SS", (x) => x.exp()],
  ["log", "SL", "SS", (x) => x.log()],
  ["rsqrt", "SL", "SS", (x) => x.rsqrt()],
  ["pow", "SL", "SS", (x) => x.pow(2.5)],
  ["softplus", "SL", "SS", (x) => F.softplus(x)],
  ["sum", "SL", "SS", (x) => x.sum()],
  ["prod", "SS", "SS", (x) => x.prod()],
  ["cumsum", "SL", "SS", (x) => x.cumsum(0)],
  ["norm", "SL", "SS", (x) => x.norm()],
  ["mean", "SL", "SL", (x) => x.mean()],
  ["softmax", "SL", "SS", (x) => F.softmax(x, 1)],
  ["logSoftmax", "SL", "SS", (x) => F.logSoftmax(x, 1)],
  ["layerNorm", "SL", "SS", (x) => F.layerNorm(x, [4])],
  ["groupNorm", "SL", "SS", (x) => F.groupNorm(x, 2)],
  ["crossEntropy", "SS", "SS", (x) => F.crossEntropy(x, zeros(x))],
  ["nllLoss", "SS", "SS", (x) => F.nllLoss(x, zeros(x))],
  ["mseLoss", "SS", "SS", (x) => F.mseLoss(x, x.mul(0.5))],
  ["huberLoss", "SS", "SS", (x) => F.huberLoss(x, x.mul(0.5))],
  ["klDiv", "SS", "SS", (x) => F.klDiv(x, x.mul(0.5))],
  ["binaryCrossEntropyWithLogits", "SS", "SS", (x) => F.binaryCrossEntropyWithLogits(x, x)],
  ["tripletMarginLoss", "SS", "SS", (x) => F.tripletMarginLoss(x, x.mul(0.5), x.mul(0.2))],
  ["cdist", "SS", "SS", (x) => torch.cdist(x, x)],
  ["relu", "SL", "SL", (x) => F.relu(x)],
  ["gelu", "SL", "SL", (x) => F.gelu(x)],
  ["sigmoid", "SL", "SL", (x) => x.sigmoid()],
  ["add", "SS", "SS", (x, w) => x.add(w)],
  ["mul by a number", "SL", "SL", (x) => x.mul(2.5)],
  ["cat", "SS", "SS", (x, w) => torch.cat([x, w])],
  ["stack", "SS", "SS", (x, w) => torch.stack([x, w])],
  ["embedding", "SL", "SL", (x) => F.embedding(zeros(x), x)],
];

const zeros = (x: Tensor) => torch.zeros([4], { dtype: torch.int64, device: x.device });

function checkTypes(device: "cpu" | "cuda"): void {
  const w = torch.arange(1, 17).view(4, 4).div(16).to(device), names: string[] = [];
  const letter = (x: Tensor) =>
    x.dtype === torch.bfloat16 ? "L" : x.dtype === torch.float32 ? "S" : "?";
  for (const [call, cpu, cuda, f] of RESULTS) {
    const got = [w, w.to(torch.bfloat16)].map((x) =>
      letter(torch.autocast(device, { dtype: torch.bfloat16 }, () => f(x, w)))
    ).join("");
    const want = device === "cpu" ? cpu : cuda;
    if (got !== want) names.push(`${call}: ${got}, expected ${want}`);
    // Without it, results have the inputs' types.
    assertEquals(letter(f(w, w)), "S", call);
  }
  assertEquals(names, []);
}

Deno.test("autocast: results on the CPU have the types that PyTorch's have", () =>
  checkTypes("cpu"));
cudaTest("autocast: results have the types of CUDA's lists", () => checkTypes("cuda"));

/** Small multiples of powers of two, which bfloat16 holds exactly. */
const numbers = (shape: number[], a: number, b: number, scale: number, device: string) =>
  torch.arange(shape.reduce((p, n) => p * n, 1)).mul(a).add(b).remainder(64).sub(32)
    .to(torch.float32).div(scale).view(shape).to(device).requiresGrad_();

// deno-fmt-ignore
const PYTORCH: Record<string, number[]> = {
  h: [-0.83984375, -1.46875, 1.09375, -1.21875, 1.09375, 0.16015625, -3.40625, 1.03125],
  z: [0.171875, 0.609375, -1.3671875, 0.796875, 0.171875],
  p: [0.373046875, 0.040771484375, 0.07861328125, 0.1328125, 0.373046875],
  loss: [2.2451980113983154],
  x: [0.035125732421875, 0.04425048828125, -0.06952667236328125, 0.032867431640625, -0.1050872802734375, 0.030029296875],
  w1: [-0.10614013671875, 0.23468017578125, -0.01849365234375, -0.2137451171875, 0.06951904296875, -0.15924072265625],
  b1: [0.15234375, 0.1025390625, 0.08642578125, 0.009765625, -0.140625],
  g: [-0.01871134340763092, -0.11208608001470566, -0.2969497740268707, -0.14917704463005066, 0.06263337284326553],
  w2: [-0.0927734375, -0.06396484375, 0.1376953125, -0.039794921875, 0.042236328125, -0.04931640625],
};

function checkValues(device: "cpu" | "cuda"): void {
  const x = numbers([6, 8], 37, 5, 16, device), w1 = numbers([16, 8], 29, 3, 64, device);
  const b1 = numbers([16], 13, 1, 32, device), g = numbers([16], 7, 2, 32, device);
  const c = numbers([16], 11, 9, 32, device), w2 = numbers([5, 16], 23, 4, 64, device);
  const y = torch.tensor([0n, 3n, 1n, 4n, 2n, 3n]).to(device);
  const [h, z, p, loss, extra] = torch.autocast(device, torch.bfloat16, () => {
    const h = F.linear(x, w1, b1), r = F.gelu(h).add(torch.ones(6, 16, { device }));
    const z = F.linear(F.layerNorm(r, [16], g, c), w2);
    const extra = torch.matmul(x, w1.t()).mul(0.5).to(torch.float32).sum();
    return [h, z, F.softmax(z, 1), F.crossEntropy(z, y), extra];
  });
  assertEquals(torch.isAutocastEnabled(device), false);
  loss.add(extra.mul(0.01)).backward();
  const got: Record<string, Tensor> = {
    h: h.select(0, 0),
    z: z.select(0, 1),
    p: p.select(0, 2),
    loss: loss.view(1),
    x: x.grad!.select(0, 0),
    w1: w1.grad!.select(0, 0),
    b1: b1.grad!,
    g: g.grad!,
    w2: w2.grad!.select(0, 0),
  };
  for (const [name, want] of Object.entries(PYTORCH)) {
    if (name !== "h" && name !== "z" && name !== "p") {
      assertEquals(got[name].dtype, torch.float32, name);
    }
    const values = got[name].to(torch.float32).tolist() as number[];
    // Of roundings to 8 bits on the way, some fall on the other side.
    const most = want.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    want.forEach((v, i) => assertAlmostEquals(values[i], v, most * 2 ** -6, `${name}[${i}]`));
  }
}

Deno.test("autocast: values and gradients are PyTorch's", () => checkValues("cpu"));
cudaTest("autocast: values and gradients are PyTorch's", () => checkValues("cuda"));

Deno.test("autocast: contexts nest, end, and keep casts of weights", async () => {
  const model = new nn.Linear(4, 3), x = torch.randn(2, 4);
  const typeOf = (y: Tensor) => String(y.dtype);
  {
    using _ = torch.autocast("cpu", { dtype: torch.float16 });
    assertEquals(typeOf(model(x)), "torch.float16");
    assertEquals([torch.isAutocastEnabled("cpu"), torch.isAutocastEnabled()], [true, false]);
    assertEquals(torch.getAutocastDtype("cpu"), torch.float16);
    assertEquals(
      typeOf(torch.autocast("cpu", { enabled: false }, () => model(x))),
      "torch.float32",
    );
    assertEquals(typeOf(torch.autocast("cpu", () => model(x))), "torch.bfloat16");
    assertEquals(typeOf(torch.autocast("cuda", () => model(x))), "torch.float16");
  }
  assertEquals(torch.getAutocastDtype("cpu"), torch.bfloat16);
  assertEquals(torch.getAutocastDtype("cuda"), torch.float16);
  assertEquals(typeOf(model(x)), "torch.float32");
  assertThrows(() => torch.autocast("cpu", () => torch.mm(x, x)), RangeError);
  assertEquals(torch.isAutocastEnabled("cpu"), false);
  await torch.autocast("cpu", async () => {
    await Promise.resolve();
    assertEquals(torch.isAutocastEnabled("cpu"), true);
  });
  assertEquals(torch.isAutocastEnabled("cpu"), false);

  // A weight is cast once, until it changes, and its gradient is one sum.
  const casts = (f: () => Tensor) => {
    const seen = new Set<unknown>();
    let node = f().gradFn;
    const walk = (n: typeof node) => {
      if (n === null || seen.has(n)) return;
      seen.add(n);
      n.next.forEach(walk);
    };
    walk(node);
    node = null;
    return [...seen].filter((n) => (n as { name: string }).name === "ToCopyBackward0").length;
  };
  const twice = () => model(x).add(model(x));
  const both = (cacheEnabled: boolean) => () => torch.autocast("cpu", { cacheEnabled }, twice);
  assertEquals([casts(both(true)), casts(both(false))], [2, 4]);
  torch.autocast("cpu", () => {
    const before = model(x);
    torch.noGrad(() => model.weight.mul_(2));
    const after = model(x);
    assert(!torch.allclose(before, after));
    // A cast that was made in a scope goes with it.
    const inner = () => {
      using _ = torch.scope();
      return Number(model(x).to(torch.float32).sum().item());
    };
    torch.noGrad(() => model.weight.mul_(1));
    assertEquals(inner(), inner());
  });
  assertThrows(() => torch.autocast("cpu", torch.float32), TypeError, "float16 or bfloat16");
  // deno-lint-ignore no-explicit-any
  assertThrows(() => torch.autocast("tpu" as any), TypeError, `"cpu" or "cuda"`);
});

Deno.test("autocast: backward runs in the forward's types wherever it is called", () => {
  const model = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 2));
  const x = torch.randn(3, 4);
  const grads = (inside: boolean) => {
    model.zeroGrad();
    const run = () => model(x).pow(2).to(torch.float32).sum();
    if (inside) torch.autocast("cpu", () => run().backward());
    else torch.autocast("cpu", run).backward();
    return [...model.parameters()].map((p) => [String(p.grad!.dtype), p.grad!.tolist()]);
  };
  assertEquals(grads(true), grads(false));
  assertEquals(grads(true)[0][0], "torch.float32");
});

Deno.test("autocast: recurrent layers and attention", () => {
  const x = torch.randn(5, 2, 4);
  torch.autocast("cpu", () => {
    for (const layer of [new nn.LSTM(4, 3), new nn.GRU(4, 3), new nn.RNN(4, 3)]) {
      const [y] = layer(x);
      assertEquals(y.dtype, torch.bfloat16);
      y.to(torch.float32).sum().backward();
      for (const p of layer.parameters()) assertEquals(p.grad!.dtype, torch.float32);
    }
    const attention = new nn.MultiheadAttention(4, 2);
    assertEquals(attention(x, x, x)[0].dtype, torch.bfloat16);
  });
});

Deno.test("GradScaler: scales, unscales, skips steps that overflow, and grows again", () => {
  const p = torch.tensor([1, 2], { requiresGrad: true });
  const optimizer = new optim.SGD([p], { lr: 1 });
  const scaler = new torch.amp.GradScaler("cpu", { initScale: 8, growthInterval: 2 });
  const step = (factor: number) => {
    optimizer.zeroGrad();
    scaler.scale(p.mul(factor).sum()).backward();
    scaler.step(optimizer);
    scaler.update();
  };
  step(0.25);
  assertEquals(p.tolist(), [0.75, 1.75]);
  step(Infinity);
  assertEquals([p.tolist(), scaler.getScale()], [[0.75, 1.75], 4]);
  step(0.25);
  step(0.25);
  assertEquals([p.tolist(), scaler.getScale()], [[0.25, 1.25], 8]);
  optimizer.zeroGrad();
  scaler.scale(p.sum()).backward();
  scaler.unscale_(optimizer);
  assertEquals(p.grad!.tolist(), [1, 1]);
  assertThrows(() => scaler.unscale_(optimizer), Error, "called twice");
  scaler.step(optimizer);
  assertThrows(() => scaler.step(optimizer), Error, "called twice");
  scaler.update();
  assertThrows(() => scaler.update(), Error, "no gradients");
  const state = scaler.stateDict();
  assertEquals(state, {
    scale: 8,
    growth_factor: 2,
    backoff_factor: 0.5,
    growth_interval: 2,
    _growth_tracker: 1,
  });
  const other = new torch.amp.GradScaler("cpu");
  other.loadStateDict(state as torch.amp.GradScalerState);
  assertEquals(other.getScale(), 8);
  const off = new torch.amp.GradScaler("cpu", { enabled: false });
  assertEquals([off.getScale(), off.scale(p) === p, off.stateDict()], [1, true, {}]);
});

cudaTest("autocast: a small GPT learns on the device as float32 does on the CPU", () => {
  const train = (device: "cpu" | "cuda", narrow: boolean) => {
    torch.manualSeed(3);
    const model = new torch.models.GPT({
      vocabSize: 40,
      blockSize: 16,
      nLayer: 2,
      nHead: 2,
      nEmbd: 32,
    }).to(device);
    const optimizer = new optim.AdamW(model.parameters(), { lr: 3e-3 });
    const idx = torch.randint(40, [2, 16]).to(device), target = idx.roll(1, 1).view(-1);
    const losses: number[] = [];
    for (let i = 0; i < 6; i++) {
      using _ = torch.scope();
      const loss = torch.autocast(
        device,
        { dtype: torch.bfloat16, enabled: narrow },
        () => F.crossEntropy(model(idx).view(-1, 40), target),
      );
      assertEquals(loss.dtype, torch.float32);
      optimizer.zeroGrad();
      loss.backward();
      nn.utils.clipGradNorm_(model.parameters(), 1);
      optimizer.step();
      for (const p of model.parameters()) assertEquals(p.grad!.dtype, torch.float32);
      losses.push(Number(loss.item()));
    }
    return losses;
  };
  const want = train("cpu", false), got = train("cuda", true);
  got.forEach((loss, i) => assertAlmostEquals(loss, want[i], 0.02, `step ${i}`));
  assert(got[5] < got[0] - 0.5);
  // Equal calls give equal bits, in whatever order threads run.
  setOrder("random:7");
  const again = train("cuda", true);
  setOrder("forward");
  assertEquals(again, got);
});
