/**
 * Inference in float16, bfloat16 and int8: whole models, quantized modules, their states and errors.
 */
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { nn, quantization } from "../mod.ts";

const farthest = (a: torch.Tensor, b: torch.Tensor) => Number(a.sub(b.float()).abs().max().item());

/** Embedding, attention, LayerNorm, GELU and Linear in one. */
const textModel = () =>
  new torch.models.GPT({ vocabSize: 50, blockSize: 12, nLayer: 2, nHead: 2, nEmbd: 32 });
const imageModel = () =>
  new nn.Sequential(
    new nn.Conv2d(3, 8, 3),
    new nn.BatchNorm2d(8),
    new nn.GELU(),
    new nn.Flatten(),
    new nn.Linear(288, 5),
  );

Deno.test("half: whole models compute in float16 and bfloat16", () => {
  using _ = torch.noGrad();
  torch.manualSeed(0);
  for (const [dtype, near] of [[torch.float16, 4e-3], [torch.bfloat16, 3e-2]] as const) {
    const tokens = torch.randint(50, [2, 12]), images = torch.randn([2, 3, 8, 8]);
    const text = textModel().eval(), image = imageModel().eval();
    const [a, b] = [text(tokens), image(images)];
    const converted = dtype === torch.float16 ? text.half() : text.bfloat16();
    assertEquals(converted(tokens).dtype, dtype);
    assertLess(farthest(a, converted(tokens)), near);
    assertLess(farthest(b, image.to(dtype)(images.to(dtype))), near);
    assertThrows(() => image(images), TypeError, "expected tensors of one dtype");
    const layer = new nn.Linear(288, 5, { dtype });
    assertThrows(() => layer(torch.ones([1, 288])), TypeError, "expected tensors of one dtype");
    const attention = new nn.TransformerEncoderLayer(32, 4, { dimFeedforward: 40 }).eval();
    const x = torch.randn([5, 2, 32]), want = attention(x);
    assertLess(farthest(want, attention.to(dtype)(x.to(dtype))), 4 * near);
  }
});

Deno.test("half: gradients of products are those of float32, rounded", () => {
  torch.manualSeed(1);
  const x = torch.randn([9, 20]), w = torch.randn([7, 20]), dy = torch.randn([9, 7]);
  for (const dtype of [torch.float16, torch.bfloat16]) {
    const leaf = (t: torch.Tensor) => t.to(dtype).requiresGrad_();
    const [a, b] = [leaf(x), leaf(w)],
      [c, d] = [a, b].map((t) => t.detach().float().requiresGrad_());
    torch.F.linear(a, b).backward(dy.to(dtype));
    torch.F.linear(c, d).backward(dy.to(dtype).float());
    // Half a unit of the last place of numbers below 16.
    const near = dtype === torch.float16 ? 2 ** -8 : 2 ** -5;
    assertLess(farthest(c.grad!, a.grad!), near);
    assertLess(farthest(d.grad!, b.grad!), near);
  }
});

Deno.test("quantized: a weight is off by half a step of its row's scale, a product by no more than that", () => {
  using _ = torch.noGrad();
  torch.manualSeed(2);
  const linear = new nn.Linear(300, 17), x = torch.randn([2, 3, 300]);
  linear.weight.at(3).zero_();
  linear.weight.at(4).mul_(1000);
  const small = nn.quantized.dynamic.Linear.fromFloat(linear);
  const { weight, scale } = small, greatest = linear.weight.abs().amax(1);
  assertEquals([weight.dtype, scale.dtype], [torch.qint8, torch.float32]);
  assertLess(farthest(greatest.div(127), scale), 1e-6 * 1000);
  const widened = weight.float().mul(scale.unsqueeze(1));
  const steps = widened.sub(linear.weight).abs().div(scale.clamp(1e-30).unsqueeze(1)).max();
  assertLess(Number(steps.item()), 0.5001);
  assertEquals(weight.abs().amax(1).tolist(), [...Array(17)].map((_, i) => i === 3 ? 0 : 127));
  const want = x.matmul(widened.t()).add(linear.bias!), got = small(x);
  assertEquals(got.shape, [2, 3, 17]);
  assert(got.requiresGrad === false);
  const bound = x.abs().amax([0, 1, 2]).mul(widened.abs().sum(1)).div(60000).add(1e-5);
  assert(got.sub(want).abs().le(bound).all().item());
  assertEquals(small(torch.ones([4, 300])).at(0).tolist(), small(torch.ones([300])).tolist());
  assertEquals(small(torch.ones([0, 300])).shape, [0, 17]);
  assert(small(torch.full([1, 300], NaN)).isnan().all().item());
  const table = new nn.Embedding(9, 6, { paddingIdx: 2 });
  const index = torch.tensor([[0n, 8n], [2n, 8n]]);
  const rows = nn.quantized.Embedding.fromFloat(table)(index);
  assertEquals(rows.shape, [2, 2, 6]);
  assertLess(farthest(table(index), rows), 0.5001 * Number(table.weight.abs().max().item()) / 127);
});

Deno.test("quantized: quantizeDynamic copies, keeps hooks and sharing, prints and evaluates", () => {
  torch.manualSeed(3);
  const model = textModel(), tokens = torch.randint(50, [1, 12]);
  let calls = 0;
  model.lm_head.registerForwardHook(() => void calls++);
  const before = model(tokens);
  const small = quantization.quantizeDynamic(model, [nn.Linear, nn.Embedding], {
    dtype: torch.qint8,
  });
  assertEquals(model.training, true);
  assertEquals(small.training, false);
  assertEquals(model(tokens).tolist(), before.tolist());
  calls = 0;
  assertLess(farthest(before, small(tokens)), 0.02);
  assertEquals(calls, 1);
  assert(small.lm_head.weight === small.transformer.wte.weight);
  const one = quantization.quantizeDynamic(new nn.Linear(2, 3));
  assertEquals(
    String(one),
    "DynamicQuantizedLinear(in_features=2, out_features=3, bias=True, dtype=torch.qint8, qscheme=torch.per_channel_symmetric)",
  );
  const some = quantization.quantizeDynamic(
    new nn.Sequential(new nn.Linear(2, 2), new nn.Linear(2, 2)),
    ["1"],
  );
  assertEquals(some.children().map((m) => m instanceof nn.Linear), [true, false]);
  // The projection of attention is read, not called: it stays.
  const attention = quantization.quantizeDynamic(new nn.MultiheadAttention(8, 2));
  assertEquals(attention.stateDict()["out_proj.weight"].dtype, torch.float32);
});

Deno.test("quantized: a state is saved, loaded into a model quantized alike, and refused elsewhere", () => {
  using _ = torch.noGrad();
  torch.manualSeed(4);
  const make = () => new nn.Sequential(new nn.Embedding(20, 16), new nn.Linear(16, 5));
  const kinds = [nn.Linear, nn.Embedding], float = make();
  const small = quantization.quantizeDynamic(float, kinds);
  const state = torch.load(torch.saveBytes(small.stateDict())) as ReturnType<
    typeof small.stateDict
  >;
  assertEquals(Object.keys(state).sort(), [
    "0.scale",
    "0.weight",
    "1.bias",
    "1.scale",
    "1.weight",
  ]);
  const other = quantization.quantizeDynamic(make(), kinds), x = torch.tensor([[1n, 19n]]);
  other.loadStateDict(state);
  assertEquals(other(x).tolist(), small(x).tolist());
  assertThrows(
    () => float.loadStateDict(state),
    Error,
    'Unexpected key(s) in state_dict: "0.scale"',
  );
  assertThrows(
    () => other.loadStateDict(float.stateDict()),
    Error,
    'Missing key(s) in state_dict: "0.scale"',
  );
});

Deno.test("quantized: mistakes are named", () => {
  const model = new nn.Sequential(new nn.Linear(4, 4), new nn.ReLU());
  const small = quantization.quantizeDynamic(model), x = torch.ones([1, 4]);
  const q = quantization.quantizeDynamic as (...args: unknown[]) => unknown;
  assertThrows(() => small.train(), Error, "train: Linear (0) is quantized, for inference alone");
  assertEquals(small.modules().map((m) => m.training), [false, false, false]);
  assertThrows(() => torch.deepcopy(small).train(), Error, "is quantized");
  assertThrows(
    () => small(x.double()),
    TypeError,
    "expected an input of torch.float32, got torch.float64",
  );
  assertThrows(
    () => small(torch.ones([1, 3])),
    RangeError,
    "expected an input [..., 4], got shape [1, 3]",
  );
  assertThrows(
    () => torch.deepcopy(small).half()(x),
    TypeError,
    "is not converted to another dtype",
  );
  assertThrows(
    () => q(model, [nn.LSTM]),
    TypeError,
    "LSTM has no quantized form; nn.Linear and nn.Embedding",
  );
  assertThrows(() => q(model, ["1"]), TypeError, 'ReLU ("1") has no quantized form');
  assertThrows(() => q(model, ["2"]), RangeError, 'the model has no module "2"');
  assertThrows(() => q(model, nn.Linear), TypeError, "expected a list of kinds");
  assertThrows(
    () => q(model, [nn.Linear], torch.float16),
    TypeError,
    "torch.qint8, got torch.float16",
  );
  assertThrows(() => q({}), TypeError, "expected a module");
  assertThrows(
    () => nn.quantized.dynamic.Linear.fromFloat(small as never),
    TypeError,
    "an nn.Linear",
  );
  model[0].weight.data.fill_(NaN);
  assertThrows(() => q(model), RangeError, "infinities or NaN");
  const table = new nn.Embedding(3, 2, { maxNorm: 1 });
  assertThrows(() => q(table, [nn.Embedding]), RangeError, "maxNorm");
  const rows = new nn.quantized.Embedding(3, 2);
  assertThrows(() => rows(torch.tensor([3n])), RangeError, "index 3 is out of range");
});
