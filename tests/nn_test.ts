/**
 * Modules: calling, members, modes, state, hooks, printed form, containers, copies.
 */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { F, nn, type Tensor } from "../mod.ts";

/** A module with parameters, a buffer of each kind, and a module that it holds twice. */
class Net extends nn.Module {
  fc1 = new nn.Linear(2, 3);
  scale: torch.nn.Parameter;
  fc2: torch.nn.Linear;
  again: torch.nn.Linear;
  declare steps: Tensor;
  notes = ["not a module", new nn.Linear(1, 1)];

  constructor() {
    super();
    this.scale = new nn.Parameter(torch.ones(3));
    this.registerBuffer("steps", torch.zeros(1));
    this.registerBuffer("cache", torch.ones(2), { persistent: false });
    this.fc2 = new nn.Linear(3, 3, false);
    this.again = this.fc2;
  }

  forward(x: Tensor, twice = false): Tensor {
    const y = this.fc2(F.relu(this.fc1(x)).mul(this.scale));
    return twice ? this.again(y) : y;
  }
}

Deno.test("modules are called like functions, with the arguments of forward", () => {
  const net = new Net(), x = torch.ones(4, 2);
  const y: Tensor = net(x, true);
  assertEquals(y.shape, [4, 3]);
  assertEquals(y.tolist(), net.forward(x, true).tolist());
  assert(net instanceof nn.Module && net instanceof Net && typeof net === "function");
  class Empty extends nn.ModuleList {}
  assertThrows(() => (new Empty() as unknown as (x: Tensor) => void)(x), Error, "forward");
});

Deno.test("members are listed in the order of their properties, each once", () => {
  const net = new Net(), names = (pairs: [string, unknown][]) => pairs.map(([name]) => name);
  const parameters = ["scale", "fc1.weight", "fc1.bias", "fc2.weight"];
  assertEquals(names(net.namedParameters()), parameters);
  assertEquals(names(net.namedParameters("p", false)), ["p.scale"]);
  assertEquals(names(net.namedParameters({ recurse: false })), ["scale"]);
  assertEquals(net.parameters().length, 4);
  assertEquals(names(net.namedBuffers()), ["steps", "cache"]);
  assertEquals(names(net.namedChildren()), ["fc1", "fc2"]);
  assertEquals(names(net.namedModules()), ["", "fc1", "fc2"]);
  assertEquals(names(net.namedModules({ prefix: "net" })), ["net", "net.fc1", "net.fc2"]);
  assertEquals(net.modules().length, 3);
  assertEquals(Object.keys(net.stateDict()), [
    "scale",
    "steps",
    "fc1.weight",
    "fc1.bias",
    "fc2.weight",
    "again.weight",
  ]);
  assertEquals(Object.keys(net.fc1.stateDict({ prefix: "x." })), ["x.weight", "x.bias"]);
  assertStrictEquals(net.getSubmodule("fc1"), net.fc1);
  assertStrictEquals(net.getParameter("fc1.bias"), net.fc1.bias);
  assertStrictEquals(net.getBuffer("steps"), net.steps);
  assertThrows(() => net.getSubmodule("fc1.x"), RangeError, "Linear has no module");
  assertThrows(() => net.getParameter("steps"), RangeError, "no parameter");
});

Deno.test("modes, freezing and gradients reach all submodules", () => {
  const net = new Net();
  assert(net.training && net.fc2.training);
  assertStrictEquals(net.eval(), net);
  assert(!net.training && !net.fc2.training);
  net.train();
  assertThrows(() => net.train(1 as unknown as boolean), TypeError);
  net(torch.ones(1, 2)).sum().backward();
  net.zeroGrad(false);
  assertEquals(net.scale.grad!.tolist(), [0, 0, 0]);
  net.zeroGrad();
  assert(net.parameters().every((p) => p.grad === null));
  net.requiresGrad_(false);
  assert(net.parameters().every((p) => !p.requiresGrad));
  const order: string[] = [];
  net.apply((m) => void order.push(m.constructor.name));
  assertEquals(order, ["Linear", "Linear", "Net"]);
});

Deno.test("moving to another dtype keeps the parameters themselves", () => {
  const net = new Net(), { weight } = net.fc1;
  net.registerBuffer("count", torch.tensor([3n]));
  weight.grad = torch.ones(3, 2);
  assertStrictEquals(net.double(), net);
  assertStrictEquals(net.fc1.weight, weight);
  assertEquals([weight.dtype, weight.grad.dtype], [torch.float64, torch.float64]);
  assertEquals(net.getBuffer("count").dtype, torch.int64);
  assertEquals(net(torch.ones(1, 2, { dtype: torch.float64 })).dtype, torch.float64);
  assertEquals(net.to("cpu", torch.float32).steps.dtype, torch.float32);
  assertEquals(net.to({ dtype: torch.float16 }).scale.dtype, torch.float16);
  assertThrows(() => net.to(torch.int64), TypeError, "floating-point");
  assertThrows(() => net.cuda(), Error, '"cuda" cannot be used');
});

Deno.test("a state is loaded all or not at all, and every problem is named", () => {
  const net = new Net(), other = new Net();
  assertEquals(other.loadStateDict(net.stateDict()), { missingKeys: [], unexpectedKeys: [] });
  assertEquals(other.fc1.weight.tolist(), net.fc1.weight.tolist());
  other.loadStateDict(new Map(Object.entries(net.stateDict())));
  const linear = new nn.Linear(3, 2), before = linear.weight.tolist();
  const wrong = { weight: torch.zeros(2, 3), bias: torch.zeros(3), extra: torch.zeros(1) };
  assertThrows(
    () => linear.loadStateDict(wrong),
    Error,
    "Error(s) in loading state_dict for Linear:\n\t" +
      'Unexpected key(s) in state_dict: "extra". \n\t' +
      "size mismatch for bias: copying a param with shape torch.Size([3]) from checkpoint, " +
      "the shape in current model is torch.Size([2]).",
  );
  assertThrows(
    () => linear.loadStateDict({ weight: torch.zeros(2, 3) }),
    Error,
    'Missing key(s) in state_dict: "bias". ',
  );
  assertThrows(
    () => linear.loadStateDict({ weight: torch.zeros(2, 4), bias: torch.zeros(2) }),
    RangeError,
    "size mismatch for weight",
  );
  assertThrows(
    () => linear.loadStateDict({ weight: 1 as unknown as Tensor, bias: torch.zeros(2) }),
    Error,
    "expected a tensor",
  );
  assertEquals(linear.weight.tolist(), before);
  const later = Promise.resolve({}) as unknown as Record<string, Tensor>;
  assertThrows(() => linear.loadStateDict(later), TypeError, "await it");
  assertEquals(linear.loadStateDict({ weight: torch.zeros(2, 3), x: torch.zeros(1) }, false), {
    missingKeys: ["bias"],
    unexpectedKeys: ["x"],
  });
  assertEquals(linear.weight.tolist(), [[0, 0, 0], [0, 0, 0]]);
});

Deno.test("a state shares the module's elements, and is detached from it unless keepVars", () => {
  const linear = new nn.Linear(1, 1), state = linear.stateDict();
  assertEquals(state.weight.requiresGrad, false);
  torch.noGrad(() => linear.weight.fill_(7));
  assertEquals(state.weight.tolist(), [[7]]);
  assertStrictEquals(linear.stateDict({ keepVars: true }).weight, linear.weight);
});

Deno.test("forward hooks see and replace inputs and outputs, in order", () => {
  const linear = new nn.Linear(1, 1);
  torch.noGrad(() => {
    linear.weight.fill_(1);
    linear.bias!.zero_();
  });
  const handles = [
    linear.registerForwardPreHook((_, [x]) => [x.mul(2)]),
    linear.registerForwardPreHook((_, [x]) => x.add(1)),
    linear.registerForwardHook((module, [x], y) => {
      assertStrictEquals(module, linear);
      assertEquals(x.item(), 3);
      return y.mul(10);
    }),
  ];
  assertEquals(linear(torch.ones(1)).item(), 30);
  for (const handle of handles) handle.remove();
  assertEquals(linear(torch.ones(1)).item(), 1);
});

Deno.test("backward hooks see the gradients of inputs and outputs, and replace the former", () => {
  const linear = new nn.Linear(2, 1), calls: unknown[] = [];
  torch.noGrad(() => linear.weight.fill_(3));
  const list = (grads: (Tensor | null)[]) => grads.map((g) => g?.tolist() ?? null);
  const handle = linear.registerFullBackwardHook((_, dx, dy) => {
    calls.push([list(dx), list(dy)]);
    return dx.map((g) => g?.mul(2) ?? null);
  });
  const x = torch.ones(1, 2, { requiresGrad: true });
  linear(x).sum().backward();
  assertEquals(calls, [[[[[3, 3]]], [[[1]]]]]);
  assertEquals(x.grad!.tolist(), [[6, 6]]);
  linear(torch.ones(1, 2)).sum().backward();
  assertEquals(calls[1], [[null], [[[1]]]]);
  assertEquals(linear.weight.grad!.tolist(), [[2, 2]]);
  handle.remove();
  linear(x).sum().backward();
  assertEquals(calls.length, 2);
});

Deno.test("modules print as PyTorch's", () => {
  const net = new nn.Sequential(
    new nn.Linear(2, 3),
    new nn.ModuleDict({ a: new nn.ReLU(), b: new nn.Sequential(new nn.Linear(1, 1)) }),
    new nn.ModuleList([new nn.Dropout(), new nn.ELU(), new nn.Softmax({ dim: 1 })]),
    new nn.Embedding(3, 4, { paddingIdx: -1, maxNorm: 1 }),
  );
  const text = `Sequential(
  (0): Linear(in_features=2, out_features=3, bias=True)
  (1): ModuleDict(
    (a): ReLU()
    (b): Sequential(
      (0): Linear(in_features=1, out_features=1, bias=True)
    )
  )
  (2): ModuleList(
    (0): Dropout(p=0.5, inplace=False)
    (1): ELU(alpha=1.0)
    (2): Softmax(dim=1)
  )
  (3): Embedding(3, 4, padding_idx=2, max_norm=1.0)
)`;
  assertEquals(String(net), text);
  assertEquals(Deno.inspect(net), text);
  assertEquals(
    String(new nn.Parameter(torch.tensor([1, 2]))),
    "Parameter containing:\ntensor([1., 2.], requires_grad=True)",
  );
  assertEquals(
    String(new nn.ParameterList([torch.zeros(2, 3), torch.zeros(4)])),
    "ParameterList(\n    (0): Parameter containing: [torch.float32 of size 2x3]\n" +
      "    (1): Parameter containing: [torch.float32 of size 4]\n)",
  );
});

Deno.test("Sequential: by position, by name, sliced and changed", () => {
  const [a, b, c] = [new nn.Linear(2, 2), new nn.ReLU(), new nn.Linear(2, 1)];
  const net = new nn.Sequential(a, b, c), x = torch.ones(1, 2);
  assertEquals(net(x).tolist(), c(b(a(x))).tolist());
  assertEquals(net.length, 3);
  assertStrictEquals(net[0], a);
  assertStrictEquals(net.at(-1), c);
  assertEquals([...net], [a, b, c]);
  assertEquals(net.slice(1).length, 2);
  assertEquals(net(x).tolist(), new nn.Sequential({ first: a, second: b, third: c })(x).tolist());
  const named = new nn.Sequential(new Map<string, torch.nn.Module>([["fc", a], ["act", b]]));
  assertEquals(Object.keys(named.stateDict()), ["fc.weight", "fc.bias"]);
  net.append(new nn.Sigmoid()).insert(1, new nn.Identity());
  assertEquals(net.length, 5);
  assert(net.pop() instanceof nn.Sigmoid);
  // Those behind it move up, so that the next one that is added takes no other's place.
  assertStrictEquals(net.pop(1).constructor, nn.Identity);
  assertEquals(net.namedChildren().map(([name]) => name), ["0", "1", "2"]);
  assertEquals(net.append(new nn.Tanh()).length, 4);
  assertEquals(new nn.Sequential(b, b).length, 2);
  assertThrows(() => net.at(9), RangeError, "out of range");
  assertThrows(() => new nn.Sequential({ forward: a }), Error, "already exists");
  assertThrows(() => new nn.Sequential({ "a.b": a }), RangeError, "cannot be empty or contain");
  assertThrows(() => new nn.Sequential(1 as unknown as torch.nn.Module), TypeError);
});

Deno.test("lists and dicts of modules and parameters register what they hold", () => {
  const layers = new nn.ModuleList([new nn.Linear(1, 1)]);
  layers.append(new nn.Linear(1, 1, false)).extend([new nn.ReLU()]);
  layers.insert(0, new nn.Tanh());
  assertEquals(Object.keys(layers.stateDict()), ["1.weight", "1.bias", "2.weight"]);
  assert(layers.pop(0) instanceof nn.Tanh && layers.length === 3);
  const dict = new nn.ModuleDict({ a: new nn.Linear(1, 1) });
  dict.set("b", new nn.ReLU());
  assertEquals([dict.keys(), dict.has("b"), dict.length], [["a", "b"], true, 2]);
  dict.pop("a");
  assertEquals([...dict], ["b"]);
  assertThrows(() => dict.get("a"), RangeError, "no module");
  const weights = new nn.ParameterList([torch.zeros(2)]);
  weights.append(torch.ones(1));
  assertEquals([weights.length, weights.at(-1).requiresGrad, weights[0].shape], [2, true, [2]]);
  const named = new nn.ParameterDict({ w: torch.zeros(2) });
  named.set("v", torch.ones(1));
  assertEquals(named.namedParameters().map(([name]) => name), ["w", "v"]);
  assertEquals(named.get("x"), null);
});

Deno.test("a parameter may take the place of a buffer", () => {
  const linear = new nn.Linear(1, 1) as torch.nn.Linear & { scale: Tensor };
  linear.registerBuffer("scale", torch.ones(1));
  linear.scale = new nn.Parameter(torch.ones(1));
  assertEquals(linear.buffers(), []);
  assertEquals(linear.namedParameters().map(([name]) => name), ["weight", "bias", "scale"]);
});

Deno.test("names and kinds of members are checked", () => {
  const net = new Net(), t = torch.ones(1);
  assertThrows(() => net.registerBuffer("scale", t), Error, "already exists");
  assertThrows(() => net.registerBuffer("a.b", null), RangeError, '"."');
  assertThrows(
    () => net.registerParameter("q", t as torch.nn.Parameter),
    TypeError,
    "nn.Parameter",
  );
  assertThrows(() => net.addModule("", new nn.ReLU()), RangeError, "empty");
  assertThrows(() => net.addModule("forward", new nn.ReLU()), Error, "already exists");
  assertThrows(() => new nn.Linear(-1, 2), RangeError, "inFeatures");
  assertThrows(() => new nn.Linear(1.5, 2), TypeError, "inFeatures");
  assertThrows(() => new nn.Linear(1, 2, { size: 3 } as object), TypeError, "no option size");
  assertThrows(() => new nn.Dropout(2), RangeError, "from 0 to 1");
  assertThrows(() => new nn.Parameter(torch.tensor([1n])), TypeError, "floating-point");
});

Deno.test("parameters outlive the scopes that they are made in", () => {
  const make = () => {
    using _ = torch.scope();
    return new Net().double();
  };
  const net = make();
  using _ = torch.scope();
  assertEquals(net(torch.ones(1, 2, { dtype: torch.float64 })).shape, [1, 3]);
});

Deno.test("a deep copy shares nothing with the original, and within itself what that shares", () => {
  const net = new Net().eval();
  net.registerForwardHook((_, __, y) => y.mul(2));
  const copy = torch.deepcopy(net), x = torch.ones(1, 2);
  assert(copy instanceof Net && copy !== net && !copy.training);
  assertEquals(copy(x).tolist(), net(x).tolist());
  assertStrictEquals(copy.fc2, copy.again);
  assertEquals(Object.keys(copy.stateDict()), Object.keys(net.stateDict()));
  torch.noGrad(() => copy.scale.fill_(0));
  assertEquals(net.scale.tolist(), [1, 1, 1]);
  const [base, part] = torch.deepcopy((() => {
    const base = torch.zeros(4);
    return [base, base.narrow(0, 1, 2)];
  })());
  part.fill_(5);
  assertEquals(base.tolist(), [0, 5, 5, 0]);
  assertThrows(() => torch.deepcopy(net(x)), Error, "leaves");
});

Deno.test("every module of one tensor trains: outputs and gradients of activations, tables and lists", () => {
  torch.manualSeed(0);
  const make = ["ReLU", "Tanh", "Sigmoid", "ELU", "GELU", "SiLU", "Softplus", "LeakyReLU", "PReLU"]
    .map((name) => (nn as unknown as Record<string, new () => torch.nn.Module>)[name]);
  const x = torch.randint(0, 5, [2, 3]);
  for (const Activation of make) {
    const net = new nn.Sequential(
      new nn.Embedding(5, 4),
      new nn.Flatten(),
      new nn.Linear(12, 3),
      new Activation(),
      new nn.LogSoftmax(1),
    );
    net(x).sum().backward();
    assert(net.parameters().every((p) => p.grad !== null));
  }
});

Deno.test("losses are those of the functions, in today's words and the older ones", () => {
  torch.manualSeed(1);
  const x = torch.randn(4, 3), y = torch.randn(4, 3), p = torch.rand(4, 3);
  const classes = torch.tensor([0, 2, 1, -100], { dtype: torch.int64 }), sign = p.sub(0.5).sign();
  const right = classes.clamp(0),
    weight = torch.tensor([1, 2, 3]),
    hot = p.gt(0.5).to(torch.float32),
    logs = F.logSoftmax(x, 1);
  const same = (a: Tensor, b: Tensor) => assertEquals(a.tolist(), b.tolist());
  same(new nn.MSELoss()(x, y), F.mseLoss(x, y));
  same(new nn.MSELoss({ sizeAverage: false })(x, y), F.mseLoss(x, y, { reduction: "sum" }));
  same(new nn.L1Loss(null, false)(x, y), F.l1Loss(x, y, { reduction: "none" }));
  assertEquals(new nn.MSELoss(false).reduction, "sum");
  same(new nn.SmoothL1Loss({ beta: 0.5 })(x, y), F.smoothL1Loss(x, y, { beta: 0.5 }));
  same(new nn.HuberLoss("sum", 0.5)(x, y), F.huberLoss(x, y, "sum", 0.5));
  same(new nn.BCELoss(weight)(p, hot), F.binaryCrossEntropy(p, hot, { weight }));
  same(
    new nn.BCEWithLogitsLoss({ posWeight: weight })(x, hot),
    F.binaryCrossEntropyWithLogits(x, hot, { posWeight: weight }),
  );
  same(new nn.NLLLoss({ weight })(logs, classes), F.nllLoss(logs, classes, { weight }));
  same(
    new nn.CrossEntropyLoss(weight, { labelSmoothing: 0.1, ignoreIndex: 1 })(x, right),
    F.crossEntropy(x, right, { weight, labelSmoothing: 0.1, ignoreIndex: 1 }),
  );
  same(
    new nn.KLDivLoss({ reduction: "batchmean" })(logs, p),
    F.klDiv(logs, p, { reduction: "batchmean" }),
  );
  same(new nn.PoissonNLLLoss({ full: true })(x, p), F.poissonNllLoss(x, p, { full: true }));
  same(new nn.GaussianNLLLoss()(x, y, p), F.gaussianNllLoss(x, y, p));
  const first = x.select(1, 0), second = y.select(1, 0), signs = sign.select(1, 0);
  same(
    new nn.MarginRankingLoss(0.1)(first, second, signs),
    F.marginRankingLoss(first, second, signs, { margin: 0.1 }),
  );
  same(new nn.HingeEmbeddingLoss()(x, sign), F.hingeEmbeddingLoss(x, sign));
  same(new nn.CosineEmbeddingLoss()(x, y, signs), F.cosineEmbeddingLoss(x, y, signs));
  same(new nn.SoftMarginLoss()(x, sign), F.softMarginLoss(x, sign));
  same(new nn.MultiMarginLoss(2)(x, right), F.multiMarginLoss(x, right, { p: 2 }));
  same(
    new nn.MultiLabelSoftMarginLoss({ weight })(x, hot),
    F.multilabelSoftMarginLoss(x, hot, { weight }),
  );
  same(
    new nn.TripletMarginLoss({ swap: true })(x, y, p),
    F.tripletMarginLoss(x, y, p, { swap: true }),
  );
  const distance = (a: Tensor, b: Tensor) => a.sub(b).abs().sum(-1);
  same(
    new nn.TripletMarginWithDistanceLoss({ distanceFunction: distance })(x, y, p),
    F.tripletMarginWithDistanceLoss(x, y, p, { distanceFunction: distance }),
  );
  assertEquals(
    Object.keys(new nn.BCEWithLogitsLoss({ weight, posWeight: weight }).stateDict()),
    ["weight", "pos_weight"],
  );
  assertEquals(String(new nn.CrossEntropyLoss(weight)), "CrossEntropyLoss()");
  assertThrows(() => new nn.MSELoss({ reduction: "all" as "sum" })(x, y), RangeError, "reduction");
});
