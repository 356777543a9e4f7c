/**
 * A tutorial of PyTorch's early days, snippet by snippet, in its own words: the older forms run.
 */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { F, nn, optim, type Tensor } from "../mod.ts";

const { Variable } = torch.autograd;

Deno.test("tutorial: tensors from arrays and back, their sizes and their first row", () => {
  // data = np.arange(12).reshape(3, 4).astype('float'); torch_data = torch.from_numpy(data)
  const data = Float64Array.from({ length: 12 }, (_, i) => i);
  const torchData = torch.fromArray(data, [3, 4]);
  assertEquals(torchData.at(0).tolist(), [0, 1, 2, 3]);
  assertEquals(torchData.__getitem__(0).tolist(), [0, 1, 2, 3]);
  assertEquals(torchData.type(), "torch.DoubleTensor");
  assertEquals(torchData.size(), [3, 4]);
  assertEquals(torchData.size()[0], 3);
  assertEquals(torchData.numpy(), data);
  assertThrows(() => torchData.cuda(), Error, '"cuda" cannot be used'); // no GPU here, and it says so
});

Deno.test("tutorial: shapes, joins and repetition", () => {
  const x = torch.FloatTensor([[1, 2, 3]]);
  assertEquals(x.expand(3, -1).tolist(), [[1, 2, 3], [1, 2, 3], [1, 2, 3]]);
  assertEquals(x.view(3, 1).size(), [3, 1]);
  assertEquals(x.permute(1, 0).size(), [3, 1]);
  assertEquals(x.unsqueeze(0).size(), [1, 1, 3]);
  assertEquals(torch.cat([x, x]).size(), [2, 3]);
  const resized = torch.FloatTensor([[1, 2, 3], [4, 5, 6]]);
  assertEquals(resized.resize_(2, 2).tolist(), [[1, 2], [3, 4]]);
  assertEquals(resized.resize_(3, 3).size(), [3, 3]);
  assertEquals(x.mean().item(), 2);
  assertEquals(torch.mean(x).item(), 2);
});

Deno.test("tutorial: products of matrices, and of elements", () => {
  const batchSize = 2;
  let a = torch.FloatTensor([1, 2, 3]);
  a = a.expand([batchSize, a.size()[0]]);
  const w1 = new torch.FloatTensor([1, 2, 3]);
  assertEquals(a.mul(w1).tolist(), [[1, 4, 9], [1, 4, 9]]);
  assertEquals(a.mm(a.t()).tolist(), [[14, 14], [14, 14]]);
  assertEquals(torch.matmul(a, w1).tolist(), [14, 14]);
  w1.add_(1);
  assertEquals(w1.tolist(), [2, 3, 4]);
});

Deno.test("tutorial: types of tensors", () => {
  const types = [
    [torch.FloatTensor, torch.float32],
    [torch.DoubleTensor, torch.float64],
    [torch.HalfTensor, torch.float16],
    [torch.LongTensor, torch.int64],
    [torch.IntTensor, torch.int32],
    [torch.ShortTensor, torch.int16],
    [torch.CharTensor, torch.int8],
    [torch.ByteTensor, torch.uint8],
  ] as const;
  for (const [type, dtype] of types) {
    assertEquals(type([1, 2]).dtype, dtype);
    assertEquals(type([[1, 2]]).tolist(), [[1, 2]]);
    assertEquals(type(2, 3).size(), [2, 3]);
    assertEquals(new type().size(), [0]);
  }
});

Deno.test("tutorial: variables remember how they were made", () => {
  const x = Variable(torch.FloatTensor([1, 2, 3]), { requiresGrad: true });
  assertEquals(x.data.tolist(), [1, 2, 3]);
  assertEquals(x.data.requiresGrad, false);
  const y = new Variable(torch.FloatTensor([4, 5, 6]), { requiresGrad: true });
  const z = x.add(y);
  assertEquals(z.data.tolist(), [5, 7, 9]);
  assertEquals(String(z.gradFn), "<AddBackward0>");
  const s = z.sum();
  s.backward({ retainGraph: true });
  assertEquals(x.grad!.tolist(), [1, 1, 1]);
  s.backward(); // gradients add up
  assertEquals(x.grad!.tolist(), [2, 2, 2]);
  // A tensor that was taken out and wrapped again has forgotten its history.
  const again = Variable(z.data);
  assertEquals([again.requiresGrad, again.gradFn], [false, null]);
  assertThrows(() => again.sum().backward(), Error, "does not require a gradient");
});

class Pretrained extends nn.Module {
  features = new nn.Linear(4, 8);
  fc = new nn.Linear(8, 2);
  forward(x: Tensor): Tensor {
    return this.fc(F.relu(this.features(x)));
  }
}

Deno.test("tutorial: freezing all but a new last layer", () => {
  const model = new Pretrained();
  for (const param of model.parameters()) param.requiresGrad = false;
  model.fc = new nn.Linear(8, 100);
  const optimizer = new optim.SGD(model.fc.parameters(), { lr: 1e-2, momentum: 0.9 });
  const before = [model.features.weight.tolist(), model.fc.weight.tolist()];
  model(torch.ones(1, 4)).sum().backward();
  optimizer.step();
  assertEquals(model.features.weight.grad, null);
  assertEquals(model.features.weight.tolist(), before[0]);
  assert(JSON.stringify(model.fc.weight.tolist()) !== JSON.stringify(before[1]));
});

Deno.test("tutorial: nothing is recorded of what comes from a volatile input", () => {
  const model = new Pretrained();
  const input = Variable(torch.ones(2, 4), { volatile: true });
  assertEquals(model(input).requiresGrad, false);
  assertEquals(model(Variable(torch.ones(2, 4))).requiresGrad, true);
  const plain = torch.ones(2, 4);
  assertEquals(model(plain.add(input)).gradFn, null);
});

Deno.test("tutorial: the network of two layers, trained by hand", () => {
  torch.manualSeed(0);
  const [N, D_in, H, D_out] = [64, 1000, 100, 10];
  const x = Variable(torch.randn(N, D_in));
  const y = Variable(torch.randn(N, D_out), { requiresGrad: false });
  const model = new torch.nn.Sequential(
    new torch.nn.Linear(D_in, H),
    new torch.nn.ReLU(),
    new torch.nn.Linear(H, D_out),
  );
  const lossFn = new torch.nn.MSELoss({ sizeAverage: false });
  const learningRate = 1e-4, losses: number[] = [];
  for (let t = 0; t < 20; t++) {
    const yPred = model(x);
    const loss = lossFn(yPred, y);
    losses.push(loss.data[0] as number);
    model.zeroGrad();
    loss.backward();
    for (const param of model.parameters()) {
      param.data.sub_(param.grad!.data.mul(learningRate));
    }
  }
  // PyTorch's losses, to float32 rounding.
  assertAlmostEquals(losses[0], 628.283935546875, 1e-3);
  assertAlmostEquals(losses[19], 214.10247802734375, 1e-3);
  assertThrows(() => x.data[0], RangeError, "x.at(0)");
});

/** As the tutorial writes it: what it holds in the constructor, what it computes in forward. */
class MyNN extends nn.Module {
  hidden: torch.nn.Linear;
  out: torch.nn.Linear;
  constructor() {
    super();
    this.hidden = new nn.Linear(2, 8);
    this.out = new nn.Linear(8, 2);
  }
  override forward(x: Tensor): Tensor {
    return F.logSoftmax(this.out(torch.tanh(this.hidden(x))), 1);
  }
}

Deno.test("tutorial: a whole network with NLLLoss and SGD, sample by sample", () => {
  torch.manualSeed(0);
  const model = new MyNN(), lossFunction = new torch.nn.NLLLoss();
  const optimizer = new torch.optim.SGD(model.parameters(), { lr: 0.1 });
  const data: [number[], number][] = [[[0, 0], 0], [[0, 1], 1], [[1, 0], 1], [[1, 1], 0]];
  const makeInput = (instance: number[]) => Variable(torch.FloatTensor([instance]));
  const makeTarget = (label: number) => Variable(torch.LongTensor([label]));
  let total = 0;
  for (let epoch = 0; epoch < 200; epoch++) {
    total = 0;
    for (const [instance, label] of data) {
      model.zeroGrad();
      const loss = lossFunction(model(makeInput(instance)), makeTarget(label));
      loss.backward();
      optimizer.step();
      total += loss.data[0] as number;
    }
  }
  assert(total < 0.5, `the loss is still ${total}`);
  for (const [instance, label] of data) {
    assertEquals(model(makeInput(instance)).argmax(1).item(), label);
  }
  assertEquals(F.relu(torch.FloatTensor([-1, 2])).tolist(), [0, 2]);
  assertAlmostEquals(F.softmax(torch.FloatTensor([1, 2]), 0).sum().item() as number, 1, 1e-6);
});

Deno.test("tutorial: a device is chosen by what there is", () => {
  const device = torch.cuda.isAvailable() ? "cuda" : "cpu";
  assertEquals(torch.ones(2).to(device).device, device === "cuda" ? "cuda:0" : "cpu");
  if (device === "cuda") return;
  const problem = torch.cuda.problem()!;
  assertThrows(() => torch.ones(2).cuda(), Error, `"cuda" cannot be used: ${problem}`);
});

Deno.test("tutorial: what is a tensor already stays one", () => {
  const x = torch.fromNumpy(Float64Array.of(1, 2));
  assert(torch.isTensor(x) && !torch.isTensor([1]));
  assert(torch.asTensor(x) === x);
  assertEquals(torch.asTensor(x, { dtype: torch.int64 }).tolist(), [1, 2]);
  assertEquals(torch.asTensor([1, 2]).dtype, torch.float32);
});
