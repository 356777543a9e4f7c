/**
 * Programs as users write them: they need no casts. `deno task check` is what tests them; they run too.
 */
import { assertEquals } from "@std/assert";
import * as torch from "../mod.ts";
import { F, nn, optim, type Tensor } from "../mod.ts";

class Net extends nn.Module {
  static made = 0;
  #calls = 0;
  fc1 = new nn.Linear(4, 8);
  layers = new nn.ModuleList([new nn.ReLU(), new nn.Linear(8, 8)]);
  fc2: nn.Linear;
  declare scale: Tensor;

  constructor(classes = 3) {
    super();
    Net.made++;
    this.fc2 = new nn.Linear(8, classes);
    this.registerBuffer("scale", torch.ones(1));
  }

  get calls(): number {
    return this.#calls;
  }

  forward(x: Tensor, mask: Tensor | null = null): Tensor {
    this.#calls++;
    x = this.fc1(x);
    for (const layer of this.layers) x = layer(x);
    if (mask) x = x.mul(mask);
    return this.fc2(x).mul(this.scale);
  }
}

class AsyncNet extends nn.Module {
  fc = new nn.Linear(4, 3);
  async forward(x: Tensor): Promise<Tensor> {
    return await Promise.resolve(this.fc(x));
  }
}

class Cube extends torch.autograd.Function {
  static forward(ctx: torch.autograd.FunctionContext, x: Tensor): Tensor {
    ctx.saveForBackward(x);
    return x.mul(x).mul(x);
  }
  static backward(ctx: torch.autograd.FunctionContext, dy: Tensor): Tensor {
    const [x] = ctx.savedTensors;
    return dy.mul(x.mul(x)).mul(3);
  }
}

class Samples extends torch.utils.data.Dataset<{ x: Tensor; label: number; name: string }> {
  override get length() {
    return 5;
  }
  override get(i: number) {
    return { x: torch.full([4], i), label: i % 3, name: `sample ${i}` };
  }
}

function train(model: nn.Module, loader: Iterable<[Tensor, Tensor]>, optimizer: optim.Optimizer) {
  let sum = 0;
  for (const [x, y] of loader) {
    optimizer.zeroGrad();
    const loss = F.crossEntropy(model(x), y);
    loss.backward();
    optimizer.step();
    sum += loss.item() * x.size(0);
  }
  return sum;
}

Deno.test("a user's training program needs no casts", async () => {
  torch.manualSeed(0);
  const model = new Net(), x = torch.randn(6, 4), y = torch.randint(0, 3, [6]);
  const optimizer = new optim.SGD([
    { params: model.fc1.parameters(), lr: 0.1 },
    { params: model.fc2.parameters() },
  ], { lr: 0.01 });
  for (const group of optimizer.paramGroups) group.lr *= 0.9;
  const dataset = new torch.utils.data.TensorDataset(x, y);
  const loader = new torch.utils.data.DataLoader(dataset, { batchSize: 4, shuffle: true });
  const before: number = F.crossEntropy(model(x, null), y).item();
  const losses: number[] = [before];
  for (let epoch = 0; epoch < 3; epoch++) losses.push(train(model, loader, optimizer));
  for await (const [a, b] of loader) losses.push(F.crossEntropy(model(a), b).item());
  assertEquals(losses.map((v) => typeof v), losses.map(() => "number"));
  const right: number = model(x).argmax(1).eq(y).sum().item();
  assertEquals(`${(100 * right / 6).toFixed(0)}%`.endsWith("%"), true);
  assertEquals([model.calls > 6, Net.made], [true, 1]);
  assertEquals((await new AsyncNet()(x)).shape, [6, 3]);
  const optimized = optimizer.step(() => F.crossEntropy(model(x), y)).item();
  assertEquals(optimized < before, true);
  const checkpoint = { model: model.stateDict(), optimizer: optimizer.stateDict(), epoch: 3 };
  const again = torch.load<typeof checkpoint>(torch.saveBytes(checkpoint));
  new Net().loadStateDict(again.model);
  optimizer.loadStateDict(again.optimizer);
  assertEquals(again.epoch + 1, 4);
});

Deno.test("elements, rows, records of batches and functions of one's own are typed", () => {
  const x = torch.tensor([[1, 2], [3, 4]]);
  const rows: number[] = [];
  for (const row of x) rows.push(row.sum().item());
  assertEquals(rows, [3, 7]);
  const some: boolean = x.gt(3).any().item();
  assertEquals([some, torch.tensor(2n ** 60n).item<bigint>()], [true, 2n ** 60n]);
  const y = torch.tensor([2.0], { requiresGrad: true });
  Cube.apply(y).sum().backward();
  assertEquals(y.grad?.item(), 12);
  const linear = new nn.Linear(1, 1);
  // @ts-expect-error A tensor would take the parameter's place, and not be trained.
  const replace = () => linear.weight = torch.zeros(1, 1);
  assertEquals(typeof replace, "function");
  linear.weight = new nn.Parameter(torch.zeros(1, 1));
  const names: string[] = [];
  for (const { x, label, name } of new torch.utils.data.DataLoader(new Samples(), 2)) {
    assertEquals(x.shape[0], label.shape[0]);
    names.push(...name);
  }
  assertEquals(names.length, 5);
  const parts: number[][] = [];
  for (const batch of new torch.utils.data.DataLoader(torch.arange(3), { batchSize: 2 })) {
    parts.push([...batch.shape]);
  }
  assertEquals(parts, [[2], [1]]);
});
