/**
 * Learning-rate schedulers: PyTorch's learning rates and momentums after each of 30 steps, its states, its formulas for
 * single epochs, and going on in the middle.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { nn, optim } from "../mod.ts";

const S = optim.lrScheduler;
type AnyScheduler =
  | optim.lrScheduler.LRScheduler
  | optim.lrScheduler.SequentialLR
  | optim.lrScheduler.ChainedScheduler
  | optim.lrScheduler.ReduceLROnPlateau;

const read = (name: string) =>
  JSON.parse(Deno.readTextFileSync(new URL(`golden/train/${name}.json`, import.meta.url)));
const golden: { id: string; lr: number[][]; momentum?: number[][]; metrics?: number[] }[] =
  read("optim").schedulers;
const more = read("schedulers");

const param = () => new nn.Parameter(torch.zeros(1));
const sgd = () => new optim.SGD([param()], { lr: 0.1, momentum: 0.9 });
const two = () => new optim.SGD([{ params: [param()] }, { params: [param()], lr: 0.5 }], 0.1, 0.9);

/** PyTorch's schedule `id`: its optimizer, and the scheduler with further options. */
const SCHEDULES: Record<
  string,
  [
    optimizer: () => optim.Optimizer,
    scheduler: (
      o: optim.Optimizer,
      more: optim.lrScheduler.SchedulerOptions,
    ) => AnyScheduler,
  ]
> = {
  lambda: [sgd, (o, m) => new S.LambdaLR(o, (e) => 0.95 ** e, m)],
  lambda_two_groups: [
    two,
    (o, m) => new S.LambdaLR(o, { lrLambda: [(e) => 1 / (1 + e), (e) => 0.9 ** e], ...m }),
  ],
  multiplicative: [sgd, (o, m) => new S.MultiplicativeLR(o, (e) => e % 2 ? 0.95 : 0.99, m)],
  step: [sgd, (o, m) => new S.StepLR(o, 7, 0.1, m)],
  step_two_groups: [two, (o, m) => new S.StepLR(o, { stepSize: 5, gamma: 0.5, ...m })],
  multistep: [sgd, (o, m) => new S.MultiStepLR(o, [4, 10, 10, 21], { gamma: 0.3, ...m })],
  constant: [sgd, (o, m) => new S.ConstantLR(o, { factor: 0.25, totalIters: 6, ...m })],
  linear: [sgd, (o, m) => new S.LinearLR(o, 0.2, 0.9, 12, m)],
  linear_default: [sgd, (o, m) => new S.LinearLR(o, m)],
  exponential: [sgd, (o, m) => new S.ExponentialLR(o, 0.9, m)],
  cosine: [sgd, (o, m) => new S.CosineAnnealingLR(o, 30, m)],
  cosine_eta_min_wrap: [
    sgd,
    (o, m) => new S.CosineAnnealingLR(o, { TMax: 8, etaMin: 0.01, ...m }),
  ],
  warm_restarts: [
    sgd,
    (o, m) => new S.CosineAnnealingWarmRestarts(o, { T0: 7, etaMin: 0.001, ...m }),
  ],
  warm_restarts_mult2: [sgd, (o, m) => new S.CosineAnnealingWarmRestarts(o, 4, 2, m)],
  one_cycle_cos: [sgd, (o, m) => new S.OneCycleLR(o, 0.8, { totalSteps: 31, ...m })],
  one_cycle_linear: [
    sgd,
    (o, m) =>
      new S.OneCycleLR(o, {
        maxLr: 0.8,
        totalSteps: 31,
        annealStrategy: "linear",
        pctStart: 0.4,
        divFactor: 10,
        finalDivFactor: 100,
        ...m,
      }),
  ],
  one_cycle_three_phase: [
    sgd,
    (o, m) =>
      new S.OneCycleLR(o, 0.8, 31, {
        threePhase: true,
        baseMomentum: 0.8,
        maxMomentum: 0.99,
        ...m,
      }),
  ],
  one_cycle_adam: [
    () => new optim.Adam([param()], { lr: 0.1 }),
    (o, m) => new S.OneCycleLR(o, { maxLr: 0.01, epochs: 5, stepsPerEpoch: 7, ...m }),
  ],
  cyclic_triangular: [
    sgd,
    (o, m) => new S.CyclicLR(o, 0.01, 0.1, { stepSizeUp: 4, stepSizeDown: 6, ...m }),
  ],
  cyclic_triangular2: [sgd, (o, m) => new S.CyclicLR(o, 0.01, 0.1, 5, null, "triangular2", m)],
  cyclic_exp_range: [
    sgd,
    (o, m) =>
      new S.CyclicLR(o, 0.01, [0.1], { stepSizeUp: 5, mode: "exp_range", gamma: 0.95, ...m }),
  ],
  polynomial: [sgd, (o, m) => new S.PolynomialLR(o, 20, 2, m)],
  plateau_min: [sgd, (o) => new S.ReduceLROnPlateau(o, { patience: 2 })],
  plateau_cooldown_abs: [
    sgd,
    (o) =>
      new S.ReduceLROnPlateau(o, {
        factor: 0.5,
        patience: 1,
        threshold: 0.05,
        thresholdMode: "abs",
        cooldown: 2,
        minLr: 0.01,
      }),
  ],
  plateau_max: [sgd, (o) => new S.ReduceLROnPlateau(o, "max", 0.2, 3)],
  sequential: [
    sgd,
    (o) => new S.SequentialLR(o, [new S.ConstantLR(o, 0.1, 3), new S.ExponentialLR(o, 0.9)], [5]),
  ],
  sequential_warmup_cosine: [
    sgd,
    (o) =>
      new S.SequentialLR(o, {
        schedulers: [
          new S.LinearLR(o, { startFactor: 0.01, totalIters: 5 }),
          new S.CosineAnnealingLR(o, 25),
        ],
        milestones: [5],
      }),
  ],
  chained: [
    sgd,
    (o) => new S.ChainedScheduler([new S.ConstantLR(o, 0.1, 4), new S.ExponentialLR(o, 0.9)]),
  ],
};

const lrs = (o: optim.Optimizer) => o.paramGroups.map((group) => group.lr);
const momentums = (o: optim.Optimizer) => o.paramGroups.map((g) => g.betas?.[0] ?? g.momentum);

/** Equal but for the rounding of float64, which adds up in products of 30 factors; only pow and cos differ at all. */
function same(got: unknown, want: unknown, what: string): void {
  if (typeof want === "number" && typeof got === "number") {
    const close = Math.abs(got - want) <= 1e-14 * Math.abs(want) + 1e-17;
    assert(close, `${what}: ${got}, PyTorch has ${want}`);
  } else if (want !== null && typeof want === "object" && got !== null && typeof got === "object") {
    assertEquals(Object.keys(got).sort(), Object.keys(want).sort(), what);
    for (const [key, value] of Object.entries(want)) {
      same((got as Record<string, unknown>)[key], value, `${what}.${key}`);
    }
  } else assertEquals(got, want === "inf" ? Infinity : want === "-inf" ? -Infinity : want, what);
}

/** A step of training: of the optimizer, then of the scheduler. */
function advance(o: optim.Optimizer, scheduler: AnyScheduler, metric?: number): void {
  o.step();
  if (scheduler instanceof S.ReduceLROnPlateau) scheduler.step(metric!);
  else scheduler.step();
}

Deno.test("schedulers: every stored schedule is compared", () => {
  assertEquals(Object.keys(SCHEDULES), golden.map(({ id }) => id));
});

for (const { id, lr, momentum, metrics } of golden) {
  Deno.test(`scheduler ${id}: PyTorch's learning rates and state`, () => {
    const [optimizer, make] = SCHEDULES[id], o = optimizer(), scheduler = make(o, {});
    const { state } = more.schedulers.find((entry: { id: string }) => entry.id === id);
    for (let t = 0; t < lr.length; t++) {
      if (t > 0) advance(o, scheduler, metrics?.[t - 1]);
      same(lrs(o), lr[t], `lr after step ${t}`);
      assertEquals(scheduler.getLastLr(), lrs(o));
      if (momentum) same(momentums(o), momentum[t], `momentum after step ${t}`);
      if (t === 13) same(scheduler.stateDict(), state, "state");
    }
  });

  Deno.test(`scheduler ${id}: goes on from a saved state, which JSON can hold`, () => {
    const [optimizer, make] = SCHEDULES[id], o = optimizer(), scheduler = make(o, {});
    const p = optimizer(), other = make(p, {});
    for (const steps of [0, 11]) {
      for (let t = 0; t < steps; t++) advance(o, scheduler, metrics?.[t]);
      const saved = JSON.parse(JSON.stringify([o.stateDict(), scheduler.stateDict()]));
      p.loadStateDict(saved[0]);
      other.loadStateDict(saved[1]);
      assertEquals(other.stateDict(), scheduler.stateDict());
    }
    for (let t = 11; t < 30; t++) {
      advance(o, scheduler, metrics?.[t]);
      advance(p, other, metrics?.[t]);
      assertEquals([lrs(p), momentums(p)], [lrs(o), momentums(o)]);
    }
  });
}

for (const { id, jumps, resumed } of more.schedulers) {
  if (jumps === undefined) continue;
  Deno.test(`scheduler ${id}: single epochs, and after a given epoch, as in PyTorch`, () => {
    const [optimizer, make] = SCHEDULES[id];
    const o = optimizer(), scheduler = make(o, {}) as optim.lrScheduler.LRScheduler;
    o.step();
    more.jump_epochs.forEach((epoch: number, i: number) => {
      scheduler.step(epoch);
      same(lrs(o), jumps[i], `lr of epoch ${epoch}`);
    });
    scheduler.step();
    same(lrs(o), jumps.at(-1), "lr of the epoch after");

    const p = optimizer(), first = make(p, {});
    for (let t = 0; t < 9; t++) advance(p, first);
    const second = make(p, { lastEpoch: 9 });
    resumed.forEach((want: number[], t: number) => {
      if (t > 0) advance(p, second);
      same(lrs(p), want, `lr ${t} epochs after going on`);
    });
  });
}

for (const [name, { lr, state }] of Object.entries<{ lr: number[][]; state: unknown }>(more.swa)) {
  Deno.test(`scheduler SWALR ${name}: PyTorch's learning rates and state`, () => {
    const o = two(), decay = new S.ExponentialLR(o, 0.9), swaLr = [0.05, 0.2];
    const scheduler = name === "linear"
      ? new optim.swaUtils.SWALR(o, swaLr, 4, "linear")
      : new optim.swaUtils.SWALR(o, { swaLr, annealEpochs: name === "cos" ? 10 : 0 });
    lr.forEach((want, t) => {
      if (t > 0) advance(o, t > 3 ? scheduler : decay);
      same(lrs(o), want, `lr after step ${t}`);
    });
    same(scheduler.stateDict(), state, "state");
  });
}

Deno.test("schedulers: warm restarts take parts of epochs", () => {
  const o = new optim.SGD([param()], { lr: 0.1 });
  const scheduler = new S.CosineAnnealingWarmRestarts(o, 4, { TMult: 2, etaMin: 0.01 });
  more.warm_restarts_parts.forEach((want: number, k: number) => {
    scheduler.step(k / 4);
    same(lrs(o), [want], `lr of epoch ${k / 4}`);
  });
  assertThrows(() => scheduler.step(-1), RangeError, "epoch must be 0 or more, got -1");
});

Deno.test("schedulers: the next step of the optimizer takes the new learning rate and momentum", () => {
  const p = param(), o = new optim.SGD([p], { lr: 1 });
  const scheduler = new S.ExponentialLR(o, 0.5);
  for (let t = 0; t < 3; t++) {
    p.grad = torch.ones(1);
    o.step();
    scheduler.step();
  }
  assertEquals(p.tolist(), [-1.75]);
  const q = param(), cycled = new optim.SGD([q], { lr: 1, momentum: 0.9 });
  const cycle = new S.CyclicLR(cycled, 1, 3, { stepSizeUp: 2, baseMomentum: 0.5, maxMomentum: 1 });
  for (let t = 0; t < 2; t++) {
    q.grad = torch.ones(1);
    cycled.step();
    cycle.step();
  }
  assertEquals(cycled.paramGroups[0].momentum, 0.5);
  assertEquals(q.tolist(), [-1 - 2 * (0.75 + 1)]); // lr 1, 2; momentum 1, 0.75
});

Deno.test("schedulers: functions keep their properties, a class of one's own its fields", () => {
  const decay = Object.assign((epoch: number): number => decay.base ** epoch, { base: 0.5 });
  const a = sgd(), scheduler = new S.LambdaLR(a, decay);
  const saved = scheduler.stateDict();
  assertEquals(saved.lr_lambdas, [{ base: 0.5 }]);
  decay.base = 0.25;
  scheduler.loadStateDict(saved);
  assertEquals(decay.base, 0.5);

  class Inverse extends S.LRScheduler {
    warmSteps: number;
    constructor(optimizer: optim.Optimizer, warmSteps: number) {
      super(optimizer);
      this.warmSteps = warmSteps;
      this.initialStep();
    }
    protected override getLr() {
      return this.baseLrs.map((lr) => lr / Math.max(1, this.lastEpoch - this.warmSteps));
    }
  }
  const b = sgd(), own = new Inverse(b, 2);
  for (let t = 0; t < 6; t++) advance(b, own);
  assertEquals(lrs(b), [0.1 / 4]);
  assertEquals(own.stateDict().warm_steps, 2);
});

/** What `f` prints by `console[method]`. */
function printed(method: "log" | "warn", f: () => void): string[] {
  const before = console[method], lines: string[] = [];
  console[method] = (...values: unknown[]) => lines.push(values.join(" "));
  try {
    f();
  } finally {
    console[method] = before;
  }
  return lines;
}

Deno.test("schedulers: verbose ones print PyTorch's lines", () => {
  const lines = printed("log", () => {
    const o = sgd(), scheduler = new S.StepLR(o, 1, { gamma: 0.5, verbose: true });
    advance(o, scheduler);
    scheduler.step(3);
    new S.CosineAnnealingWarmRestarts(sgd(), 4, { verbose: true }).step(0.5);
    const plateau = new S.ReduceLROnPlateau(sgd(), { patience: 0, verbose: true });
    plateau.step(1);
    plateau.step(torch.tensor(1));
  });
  assertEquals(lines, [
    "Adjusting learning rate of group 0 to 1.0000e-01.",
    "Adjusting learning rate of group 0 to 5.0000e-02.",
    "Epoch 00003: adjusting learning rate of group 0 to 1.2500e-02.",
    "Epoch 00000: adjusting learning rate of group 0 to 1.0000e-01.",
    "Epoch 0.50: adjusting learning rate of group 0 to 9.6194e-02.",
    "Epoch 00002: reducing learning rate of group 0 to 1.0000e-02.",
  ]);
});

Deno.test("schedulers: a step before the optimizer's is warned of, once", () => {
  const o = sgd(), scheduler = new S.StepLR(o, 1);
  const warnings = printed("warn", () => {
    scheduler.step();
    scheduler.step();
  });
  assertEquals(warnings.length, 1);
  assert(warnings[0].startsWith("StepLR.step() was called before optimizer.step()"));
  const p = sgd(), first = new S.StepLR(p, 1), second = new S.StepLR(p, 1);
  assertEquals(printed("warn", () => [first, second].forEach((s) => advance(p, s))), []);
});

Deno.test("schedulers: groups that were added later keep their learning rate", () => {
  const o = sgd(), scheduler = new S.LambdaLR(o, () => 0.5);
  o.addParamGroup({ params: [param()], lr: 7 });
  advance(o, scheduler);
  assertEquals(lrs(o), [0.05, 7]);
});

Deno.test("schedulers: bad calls are refused, and change nothing", () => {
  const o = sgd(), rprop = new optim.Rprop([param()]);
  const before = JSON.stringify(o.paramGroups[0]);
  const wrong = (type: new () => Error, message: string, f: () => unknown) =>
    assertThrows(f, type, message);
  const any = (x: unknown) => x as never;
  wrong(TypeError, "expected an optimizer, got 5", () => new S.StepLR(any(5), 1));
  wrong(TypeError, "stepSize is required", () => new S.StepLR(o));
  wrong(TypeError, "gamma is required", () => new S.ExponentialLR(o, { verbose: true }));
  wrong(TypeError, "no option speed", () => new S.StepLR(o, 1, any({ speed: 1 })));
  wrong(RangeError, "stepSize must be 1 or more, got 0", () => new S.StepLR(o, 0));
  wrong(TypeError, "milestones must be an array", () => new S.MultiStepLR(o, any(3)));
  wrong(RangeError, "expected 1 lrLambdas, got 2", () => new S.LambdaLR(o, [Math.abs, Math.abs]));
  wrong(TypeError, "lrLambda must be a function", () => new S.LambdaLR(o, any(0.9)));
  wrong(RangeError, "factor must be more than 0, up to 1, got 2", () => new S.ConstantLR(o, 2));
  wrong(RangeError, "startFactor must be more than 0", () => new S.LinearLR(o, 0));
  wrong(RangeError, "endFactor must be from 0 to 1", () => new S.LinearLR(o, 0.1, -1));
  wrong(TypeError, "T0 must be a whole", () => new S.CosineAnnealingWarmRestarts(o, 1.5));
  wrong(RangeError, "TMult must be 1", () => new S.CosineAnnealingWarmRestarts(o, 2, 0));
  wrong(RangeError, "expected 1 values for maxLr, got 2", () => new S.CyclicLR(o, 0.1, [1, 2]));
  wrong(RangeError, "mode must be", () => new S.CyclicLR(o, 0.1, 1, { mode: any("square") }));
  wrong(TypeError, "Rprop has no momentum", () => new S.CyclicLR(rprop, 0.1, 1));
  wrong(TypeError, "Rprop has no momentum", () => new S.OneCycleLR(rprop, 0.1, 10));
  wrong(TypeError, "give totalSteps", () => new S.OneCycleLR(o, 1));
  wrong(RangeError, "totalSteps must be 1 or more, got 0", () => new S.OneCycleLR(o, 1, 0));
  wrong(TypeError, "stepsPerEpoch must be a whole", () => new S.OneCycleLR(o, 1, { epochs: 3 }));
  wrong(RangeError, "pctStart", () => new S.OneCycleLR(o, 1, 9, { pctStart: 2 }));
  wrong(
    RangeError,
    'annealStrategy must be "cos" or "linear"',
    () => new S.OneCycleLR(o, 1, 9, { annealStrategy: any("log") }),
  );
  wrong(RangeError, "factor must be less than 1", () => new S.ReduceLROnPlateau(o, "min", 1));
  wrong(RangeError, 'mode must be "min" or "max"', () => new S.ReduceLROnPlateau(o, any("low")));
  wrong(RangeError, "values for minLr", () => new S.ReduceLROnPlateau(o, { minLr: [1, 2] }));
  wrong(TypeError, "expected an array", () => new S.ChainedScheduler([]));
  assertEquals(JSON.stringify(o.paramGroups[0]), before);
  wrong(Error, "initialLr is not specified", () => new S.StepLR(o, 1, { lastEpoch: 3 }));

  const step = new S.StepLR(o, 1), plateau = new S.ReduceLROnPlateau(o), q = sgd();
  wrong(TypeError, "metrics must be a number", () => plateau.step(any("good")));
  wrong(TypeError, "number 0 belongs to another", () => new S.SequentialLR(q, [step], []));
  wrong(
    TypeError,
    "number 1 belongs to another",
    () => new S.ChainedScheduler([step, new S.StepLR(q, 1)]),
  );
  wrong(RangeError, "one scheduler more than milestones", () => new S.SequentialLR(o, [step], [1]));
  wrong(TypeError, "go by the number", () => new S.SequentialLR(o, any([plateau]), []));
  wrong(TypeError, "expected an object", () => step.loadStateDict(any(null)));
  wrong(
    TypeError,
    "gamma must be a number",
    () => step.loadStateDict({ last_epoch: 9, gamma: "0.1" }),
  );
  assertEquals(step.lastEpoch, 0);
  const chained = new S.ChainedScheduler([step]);
  wrong(TypeError, "_schedulers", () => chained.loadStateDict(step.stateDict()));
  wrong(TypeError, "epoch 0 must be a number", () => new S.LambdaLR(o, any(() => undefined)));
});

Deno.test("schedulers: a step that fails does not count", () => {
  const o = sgd(), cycle = new S.OneCycleLR(o, 1, 2);
  for (let t = 0; t < 2; t++) advance(o, cycle);
  const state = cycle.stateDict();
  assertThrows(() => cycle.step(), Error, "tried to step 4 times");
  assertEquals(cycle.stateDict(), state);
});
