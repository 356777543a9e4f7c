/** Whole steps of training: forward, backward, and the optimizer. Every library starts from the same numbers. */
import { floats, sizeOf, weight } from "../data.ts";
import type { Row, Tensor, Torch } from "../row.ts";
import * as jaxStep from "./training_jax.ts";
import * as tfStep from "./training_tfjs.ts";

const group = "training step";

/** Sets the model's parameters, in the order of their names: `weight(i)`; those of one axis to 0 (biases) or 1. */
function fill(torch: Torch, model: InstanceType<Torch["nn"]["Module"]>): void {
  const parameters = [...model.namedParameters()].sort(([a], [b]) => a < b ? -1 : 1);
  torch.noGrad(() =>
    parameters.forEach(([name, p], i) => {
      if (p.ndim > 1) p.copy_(torch.fromArray(weight(i, p.shape), p.shape));
      else p.fill_(name.includes("bias") ? 0 : 1);
    })
  );
}

/** A step with an optimizer of `torch.optim`. */
function optimized(
  loss: () => Tensor,
  optimizer: InstanceType<Torch["optim"]["Optimizer"]>,
  beforeStep?: () => unknown,
): () => Tensor {
  return () => {
    const result = loss();
    optimizer.zeroGrad();
    result.backward();
    beforeStep?.();
    optimizer.step();
    return result;
  };
}

/** The same in Python, where `loss`, an expression, and `optimizer`, another, are given. */
const optimizedInPython = (
  setup: string,
  loss: string,
  optimizer: string,
  beforeStep = "pass",
) => ({
  setup: `${setup}
fill(model)
optimizer = ${optimizer}
def step():
    loss = ${loss}
    optimizer.zero_grad()
    loss.backward()
    ${beforeStep}
    optimizer.step()
    return loss`,
  code: "step()",
});

const TWO_LAYERS: Row = {
  name: "two-layer net (64, 1000, 100, 10), SGD",
  group,
  inputs: [[64, 1000], [64, 10]],
  flags: true,
  ours: (torch, a, b) => {
    const { nn } = torch;
    const model = new nn.Sequential(
      new nn.Linear(1000, 100),
      new nn.ReLU(),
      new nn.Linear(100, 10),
    );
    const lossFn = new nn.MSELoss({ reduction: "sum" });
    fill(torch, model);
    return () => {
      const loss = lossFn(model(a), b);
      model.zeroGrad();
      loss.backward();
      torch.noGrad(() => {
        for (const p of model.parameters()) p.sub_(p.grad!.mul(1e-4));
      });
      return loss;
    };
  },
  torch: {
    setup: `model = nn.Sequential(nn.Linear(1000, 100), nn.ReLU(), nn.Linear(100, 10))
loss_fn = nn.MSELoss(reduction="sum")
fill(model)
def step():
    loss = loss_fn(model(a), b)
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= 1e-4 * p.grad
    return loss`,
    code: "step()",
  },
  tfjs: tfStep.twoLayers,
  jax: jaxStep.twoLayers,
};

const MLP: Row = {
  name: "MNIST MLP (64, 784, 128, 10), Adam",
  group,
  inputs: [[64, 784], { ints: [64], below: 10 }],
  ours: (torch, a, b) => {
    const { nn, optim } = torch;
    const model = new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10));
    fill(torch, model);
    return optimized(
      () => nn.functional.crossEntropy(model(a), b),
      new optim.Adam(model.parameters(), { lr: 1e-3 }),
    );
  },
  torch: optimizedInPython(
    "model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))",
    "F.cross_entropy(model(a), b)",
    "torch.optim.Adam(model.parameters(), lr=1e-3)",
  ),
  tfjs: tfStep.mlp,
  jax: jaxStep.mlp,
};

const CNN: Row = {
  name: "MNIST CNN (64 images), Adam",
  group,
  inputs: [[64, 1, 28, 28], { ints: [64], below: 10 }],
  ours: (torch, a, b) => {
    const { nn, optim } = torch;
    const model = new nn.Sequential(
      new nn.Conv2d(1, 8, 3),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Conv2d(8, 16, 3),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(400, 10),
    );
    fill(torch, model);
    return optimized(
      () => nn.functional.crossEntropy(model(a), b),
      new optim.Adam(model.parameters(), { lr: 1e-3 }),
    );
  },
  torch: optimizedInPython(
    `model = nn.Sequential(
    nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(400, 10))`,
    "F.cross_entropy(model(a), b)",
    "torch.optim.Adam(model.parameters(), lr=1e-3)",
  ),
  tfjs: tfStep.cnn,
  jax: jaxStep.cnn,
};

const GPT: Row = {
  name: "character GPT (4 layers, 128 wide, 12x64), AdamW",
  group,
  inputs: [{ ints: [12, 64], below: 65 }, { ints: [12, 64], below: 65 }],
  flags: true,
  ours: (torch, a, b) => {
    const { models, nn, optim } = torch;
    const config = { vocabSize: 65, blockSize: 64, nLayer: 4, nHead: 4, nEmbd: 128, bias: false };
    const model = new models.GPT(config);
    fill(torch, model);
    const parameters = [...model.parameters()];
    const groups = [
      { params: parameters.filter((p) => p.ndim >= 2), weightDecay: 0.1 },
      { params: parameters.filter((p) => p.ndim < 2), weightDecay: 0 },
    ];
    return optimized(
      () => nn.functional.crossEntropy(model(a).view(-1, 65), b.view(-1)),
      new optim.AdamW(groups, { lr: 1e-3, betas: [0.9, 0.99] }),
      () => nn.utils.clipGradNorm_(parameters, 1),
    );
  },
  torch: optimizedInPython(
    `model = GPT(65, n_layer=4, n_head=4, n_embd=128, block=64)
parameters = list(model.parameters())
groups = [{"params": [p for p in parameters if p.dim() >= 2], "weight_decay": 0.1},
          {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0}]`,
    "F.cross_entropy(model(a).view(-1, 65), b.view(-1))",
    "torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))",
    "nn.utils.clip_grad_norm_(parameters, 1.0)",
  ),
};

const RESNET: Row = {
  name: "ResNet-18 (8 images 3x32x32), SGD with momentum",
  group,
  inputs: [[8, 3, 32, 32], { ints: [8], below: 10 }],
  ours: (torch, a, b) => {
    const { models, nn, optim } = torch;
    const model = models.resnet18({ numClasses: 10 });
    fill(torch, model);
    return optimized(
      () => nn.functional.crossEntropy(model(a), b),
      new optim.SGD(model.parameters(), { lr: 0.01, momentum: 0.9 }),
    );
  },
  torch: optimizedInPython(
    "model = ResNet18(classes=10)",
    "F.cross_entropy(model(a), b)",
    "torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)",
  ),
};

const GRU: Row = {
  name: "character GRU (64 wide, 32x16), AdamW",
  group,
  inputs: [{ ints: [32, 16], below: 27 }, { ints: [32, 16], below: 27 }],
  ours: (torch, a, b) => {
    const { nn, optim } = torch;
    class CharGRU extends nn.Module {
      wte = new nn.Embedding(27, 32);
      gru = new nn.GRU(32, 64, { batchFirst: true });
      lm_head = new nn.Linear(64, 27);

      override forward(x: Tensor): Tensor {
        return this.lm_head(this.gru(this.wte(x))[0]);
      }
    }
    const model = new CharGRU();
    fill(torch, model);
    return optimized(
      () => nn.functional.crossEntropy(model(a).transpose(1, 2), b),
      new optim.AdamW(model.parameters(), { lr: 5e-3, weightDecay: 0.01, betas: [0.9, 0.99] }),
    );
  },
  torch: optimizedInPython(
    "model = CharGRU()",
    "F.cross_entropy(model(a).transpose(1, 2), b)",
    "torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.01, betas=(0.9, 0.99))",
  ),
};

/** The shapes of a ResNet-18's 62 parameters. */
const SHAPES: number[][] = [[64, 3, 7, 7], [64], [64]];
for (const [i, n] of [64, 128, 256, 512].entries()) {
  const before = i === 0 ? n : n / 2;
  for (const channels of [before, n, n, n]) SHAPES.push([n, channels, 3, 3], [n], [n]);
  if (i > 0) SHAPES.push([n, before, 1, 1], [n], [n]);
}
SHAPES.push([10, 512], [10]);

const ADAM: Row = {
  name: "Adam alone, on the 11 million parameters of a ResNet-18",
  group,
  inputs: [],
  // Reads the parameter, its gradient and both means; writes all but the gradient.
  bytes: 7 * 4 * SHAPES.reduce((n, shape) => n + sizeOf(shape), 0),
  ours: (torch) => {
    const parameters = SHAPES.map((shape, i) => {
      const p = torch.fromArray(floats(200 + i, sizeOf(shape)), shape).requiresGrad_();
      p.grad = torch.fromArray(floats(300 + i, sizeOf(shape)), shape);
      return p;
    });
    const optimizer = new torch.optim.Adam(parameters, { lr: 1e-3 });
    return () => {
      optimizer.step();
      return parameters[0];
    };
  },
  torch: {
    setup: `parameters = []
for i, shape in enumerate(${JSON.stringify(SHAPES)}):
    p = floats(200 + i, *shape).requires_grad_()
    p.grad = floats(300 + i, *shape)
    parameters.append(p)
optimizer = torch.optim.Adam(parameters, lr=1e-3)
def step():
    optimizer.step()
    return parameters[0]`,
    code: "step()",
  },
  tfjs: (tf) => {
    const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
    const variables = SHAPES.map((shape, i) =>
      tf.variable(tf.tensor(floats(200 + i, sizeOf(shape)), shape))
    );
    const gradients = SHAPES.map((shape, i) => ({
      name: variables[i].name,
      tensor: tf.tensor(floats(300 + i, sizeOf(shape)), shape),
    }));
    return () => {
      optimizer.applyGradients(gradients);
      return variables[0];
    };
  },
};

export const TRAINING: Row[] = [TWO_LAYERS, MLP, CNN, GPT, RESNET, GRU, ADAM];
