// deno-lint-ignore-file no-explicit-any
/**
 * Networks by name: starting values, results, gradients and printed forms are those of PyTorch's.
 */
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { sha256 } from "./sha256.ts";

const { F, models, nn, optim } = torch;

/** What PyTorch gave for a network of the same seed. */
interface ResNetAnswers {
  /** Of all float32 tensors of the state dict, in its order. */
  sha256: string;
  /** Of the printed form. */
  repr: string;
  keys: string[] | number;
  train: number[][];
  eval: number[][];
  loss: number;
  grad_norm: number;
  /** The largest difference of `train` and `eval` from float64's. */
  train_float64_difference: number;
  eval_float64_difference: number;
}

const answers: {
  resnet: Record<"resnet18" | "bottleneck", ResNetAnswers>;
  /** How many there are by default, and with 3 classes and 4 `inplanes`. */
  parameters: Record<string, [number, number]>;
  gpt: {
    sha256: string;
    keys: string[];
    idx: number[][];
    train: number[][][];
    eval: number[][][];
    grad_norms: Record<string, number>;
    generated: number[][];
    generated_all: number[][];
  };
} = JSON.parse(await Deno.readTextFile(new URL("golden/models.json", import.meta.url)));

function assertNear(got: torch.Tensor, want: torch.Nested, atol: number): void {
  const difference = Number(got.detach().sub(torch.tensor(want as number[])).abs().max().item());
  assertLess(difference, atol);
}

function normOf(parameters: torch.Tensor[]): number {
  const sums = parameters.map((p) => Number(p.grad!.double().square().sum().item()));
  return Math.sqrt(sums.reduce((a, b) => a + b));
}

const RESNETS = {
  resnet18: () => models.resnet18({ numClasses: 10 }),
  bottleneck: () =>
    new models.ResNet(models.Bottleneck, [1, 2, 1, 1], 7, true, 2, 32, { inplanes: 16 }),
};

for (const [name, make] of Object.entries(RESNETS)) {
  Deno.test(`models: ${name} is PyTorch's, from its first random number to its gradients`, async () => {
    using _ = torch.scope();
    const want = answers.resnet[name as "resnet18"];
    torch.manualSeed(7);
    const model = make(), state = model.stateDict();
    const floats = Object.values(state).filter((x) => x.dtype === torch.float32);
    assertEquals(await sha256(...floats), want.sha256);
    const keys = Object.keys(state);
    assertEquals(typeof want.keys === "number" ? keys.length : keys, want.keys);
    const text = new TextEncoder().encode(String(model));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
    assertEquals(digest.toHex(), want.repr);
    const x = torch.randn(4, 3, 48, 48), y = torch.LongTensor([1, 0, 3, 2]);
    const logits = model(x), loss = F.crossEntropy(logits, y);
    loss.backward();
    assertNear(logits, want.train, 4 * want.train_float64_difference);
    assertLess(Math.abs(normOf(model.parameters()) / want.grad_norm - 1), 1e-5);
    model.eval();
    assertNear(torch.noGrad(() => model(x)), want.eval, 4 * want.eval_float64_difference);
  });
}

Deno.test("models: the ResNets have as many parameters as torchvision's", () => {
  const { resnet18, resnet34, resnet50, resnet101, resnet152 } = models;
  const count = (model: torch.nn.Module) => model.parameters().reduce((n, p) => n + p.numel(), 0);
  for (
    const [name, make] of Object.entries({ resnet18, resnet34, resnet50, resnet101, resnet152 })
  ) {
    using _ = torch.scope();
    const [whole, small] = answers.parameters[name];
    assertEquals(count(make({ inplanes: 4, numClasses: 3 })), small, name);
    if (name === "resnet18") assertEquals(count(make()), whole);
  }
});

Deno.test("models: what a ResNet does not take is named", () => {
  const { BasicBlock, Bottleneck, ResNet, resnet18 } = models;
  const make = (...args: unknown[]) => () => new (ResNet as any)(...args);
  assertThrows(() => resnet18({ numClass: 3 } as any), TypeError, "no option numClass");
  assertThrows(() => resnet18({ pretrained: true } as any), TypeError, "loadStateDict");
  assertThrows(() => resnet18({ groups: 2 }), RangeError, "BasicBlock: expected groups 1");
  assertThrows(make(BasicBlock, [1, 1, 1]), RangeError, "[1, 1, 1]");
  assertThrows(make(BasicBlock, [1, 1, 0, 1]), RangeError, "[1, 1, 0, 1]");
  assertThrows(make(BasicBlock, 4), RangeError, "[2, 2, 2, 2]");
  assertThrows(make(nn.Linear, [1, 1, 1, 1]), TypeError, "models.BasicBlock");
  assertThrows(make(Bottleneck, [1, 1, 1, 1], { numClasses: -1 }), RangeError, "outFeatures");
});

Deno.test("models: a module that is assigned takes another's place", () => {
  using _ = torch.scope();
  const model = new models.ResNet(models.BasicBlock, [1, 1, 1, 1], { inplanes: 4, numClasses: 5 });
  const names = Object.keys(model.stateDict());
  for (const param of model.parameters()) param.requiresGrad = false;
  const old = model.fc;
  model.fc = new nn.Linear(32, 7);
  assertEquals(Object.keys(model.stateDict()), names);
  assertEquals(model.stateDict()["fc.weight"].shape, [7, 32]);
  assertEquals(model.getSubmodule("fc"), model.fc);
  assert(!model.parameters().some((p) => p === old.weight || p === old.bias));
  const trained = model.namedParameters().filter(([, p]) => p.requiresGrad).map(([name]) => name);
  assertEquals(trained, ["fc.weight", "fc.bias"]);
  const frozen = model.conv1.weight.clone(), before = model.fc.weight.clone();
  const optimizer = new optim.SGD(model.fc.parameters(), { lr: 1e-2, momentum: 0.9 });
  const loss = F.crossEntropy(model(torch.randn(4, 3, 32, 32)), torch.LongTensor([0, 1, 2, 6]));
  loss.backward();
  optimizer.step();
  assert(torch.equal(model.conv1.weight, frozen) && !torch.equal(model.fc.weight, before));
  assertEquals([model.conv1.weight.grad, old.weight.grad], [null, null]);
  // Deeper down, in a container, by nothing, and what follows the whole: eval, dtypes.
  (model.layer1[0] as torch.models.BasicBlock).bn2 = new nn.BatchNorm2d(4, { affine: false });
  model.layer4[0] = new nn.Conv2d(16, 32, 1);
  assert(!("layer1.0.bn2.weight" in model.stateDict()));
  assertEquals(model.layer4.length, 1);
  model.eval().double();
  assertEquals([model.fc.training, model.fc.weight.dtype], [false, torch.float64]);
  assertEquals(model(torch.randn(2, 3, 32, 32).double()).shape, [2, 7]);
  const row = new nn.Sequential(new nn.Linear(2, 2), new nn.ReLU());
  row[1] = new nn.Tanh();
  assertEquals(row.at(1), row[1]);
});

/** The network of the answers, its parameters drawn from normal distributions. */
function smallGPT(): torch.models.GPT {
  torch.manualSeed(3);
  // deno-fmt-ignore
  return new models.GPT({ vocabSize: 11, blockSize: 8, nLayer: 2, nHead: 2, nEmbd: 12, dropout: 0.2 });
}

Deno.test("models: GPT is PyTorch's, its dropout and what it writes too", async () => {
  using _ = torch.scope();
  const want = answers.gpt, model = smallGPT(), state = model.stateDict();
  assertEquals(Object.keys(state), want.keys);
  assertEquals(await sha256(...Object.values(state)), want.sha256);
  torch.noGrad(() => model.parameters().forEach((p) => p.normal_(0, 0.5)));
  const idx = torch.randint(11, [3, 8]);
  assertEquals(idx.tolist(), want.idx);
  const logits = model(idx);
  F.crossEntropy(logits.view(-1, 11), idx.view(-1)).backward();
  assertNear(logits, want.train, 4e-6);
  for (const [name, p] of model.namedParameters()) {
    const norm = normOf([p]);
    assertLess(Math.abs(norm - want.grad_norms[name]), 1e-5 * want.grad_norms[name] + 1e-7, name);
  }
  model.eval();
  assertNear(model(idx.narrow(1, 0, 5)), want.eval, 4e-6);
  torch.manualSeed(4);
  const options = { temperature: 0.8, topK: 4 };
  assertEquals(model.generate(idx.narrow(1, 0, 3), 12, options).tolist(), want.generated);
  const generator = new torch.Generator().manualSeed(4);
  const start = idx.narrow(0, 0, 1).narrow(1, 0, 1), state0 = torch.getRngState();
  assertEquals(model.generate(start, 20, { generator }).tolist(), want.generated_all);
  assert(torch.equal(torch.getRngState(), state0));
  assertEquals(model.generate(start, 0).tolist(), start.tolist());
  assert(model.lm_head.weight === model.transformer.wte.weight);
});

Deno.test("models: what a GPT does not take is named", () => {
  using _ = torch.scope();
  const model = smallGPT(),
    tokens = (shape: number[]) => torch.zeros(shape, { dtype: torch.int64 });
  const make = (options: any) => () => new models.GPT(options);
  assertThrows(make({ nEmbd: 10, nHead: 3 }), RangeError, "nEmbd 10 is not divisible by 3 heads");
  assertThrows(make({ vocabSize: 0 }), RangeError, "vocabSize must be at least 1, got 0");
  assertThrows(make({ nLayer: 1.5 }), TypeError, "nLayer must be a whole number");
  assertThrows(make({ n_layer: 2 }), TypeError, "no option n_layer");
  assertThrows(
    () => model(tokens([2, 9])),
    RangeError,
    "T from 1 to blockSize, 8, got shape [2, 9]",
  );
  assertThrows(() => model(tokens([5])), RangeError, "[5]");
  assertThrows(() => model([[1n]] as any), TypeError, "idx must be a tensor");
  const write = (shape: number[], ...args: any[]) => () =>
    model.generate(tokens(shape), ...args as any);
  assertThrows(write([1, 2]), TypeError, "maxNewTokens must be a whole number");
  assertThrows(write([1, 2], -1), RangeError, "maxNewTokens");
  assertThrows(write([1, 2], 1, { temperature: 0 }), RangeError, "temperature must be positive");
  assertThrows(write([1, 2], 1, { topK: 0 }), RangeError, "topK must be at least 1");
  assertThrows(write([1, 0], 1), RangeError, "T from 1, got shape [1, 0]");
});
