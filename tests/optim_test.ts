/**
 * Optimizers: PyTorch's parameters after each of 20 steps, its state after the last, and what a step must not do.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { nn, optim, type Tensor } from "../mod.ts";
import { camel, readSafetensors } from "./replay.ts";

const dir = new URL("golden/train/", import.meta.url).pathname;
const golden = JSON.parse(Deno.readTextFileSync(`${dir}optim.json`));
const store = readSafetensors(`${dir}optim.safetensors`);

function tensor(key: string): Tensor {
  const { data, shape } = store.get(key)!;
  return torch.fromArray(data, shape);
}

/** Options with PyTorch's names in camelCase. */
function options(kwargs: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(kwargs).map(([k, v]) => [camel(k), v]));
}

/** The largest difference, relative to the largest value: float32 rounding is about 6e-8. */
function difference(got: Tensor, want: Tensor): number {
  const a = got.toTypedArray() as Float32Array, b = want.toTypedArray() as Float32Array;
  assertEquals([...got.shape], [...want.shape]);
  let worst = 0;
  a.forEach((v, i) => worst = Math.max(worst, Math.abs(v - b[i]) / Math.max(Math.abs(b[i]), 1e-3)));
  return worst;
}

type Make = new (params: unknown, options: Record<string, unknown>) => optim.Optimizer;
const classes = optim as unknown as Record<string, Make>;

for (const entry of golden.optimizers) {
  Deno.test(`optim ${entry.id}: PyTorch's parameters and state`, () => {
    const params = golden.init.map((key: string) => new nn.Parameter(tensor(key))) as Tensor[];
    const grads = golden.grads.map(tensor) as Tensor[];
    const groups = entry.groups?.map((g: Record<string, unknown>, i: number) => ({
      params: [params[i]],
      ...options(g),
    }));
    const optimizer = new classes[entry.optimizer](groups ?? params, options(entry.kwargs));
    const trajectory = entry.keys.map(tensor) as Tensor[];
    for (let t = 0; t < golden.steps; t++) {
      using _ = torch.scope();
      params.forEach((p, i) => p.grad = grads[i].select(0, t));
      optimizer.step();
      params.forEach((p, i) => {
        const off = difference(p.detach(), trajectory[i].select(0, t));
        assert(off < 1e-6, `parameter ${i} after step ${t + 1} is off by ${off}`);
      });
    }
    const { state } = optimizer.stateDict();
    entry.final_state.forEach((want: Record<string, { key: string } | number>, i: number) => {
      const got = Object.entries(state[i]).filter(([, v]) => v !== null);
      assertEquals(got.map(([name]) => name).sort(), Object.keys(want).sort());
      for (const [name, value] of Object.entries(want)) {
        if (typeof value === "number") assertEquals(state[i][name], value);
        else assert(difference(state[i][name], tensor(value.key)) < 1e-6, `state ${name}`);
      }
    });
  });
}

Deno.test("optim: float64, non-contiguous, float16 and every SIMD tail step as one element would", () => {
  const make: [string, (p: Tensor[]) => optim.Optimizer][] = [
    ["SGD", (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, weightDecay: 0.1 })],
    ["Adam", (p) => new optim.Adam(p, { lr: 0.1, amsgrad: true, weightDecay: 0.1 })],
    ["RMSprop", (p) => new optim.RMSprop(p, { lr: 0.01, momentum: 0.5, centered: true })],
    ["Adamax", (p) => new optim.Adamax(p, { lr: 0.1 })],
    ["ASGD", (p) => new optim.ASGD(p, { lr: 0.1, t0: 0 })],
  ];
  /** `values` after three steps, as a parameter of `dtype`, `strided` over every other element. */
  function run(
    build: (p: Tensor[]) => optim.Optimizer,
    values: number[],
    dtype: torch.DType,
    strided = false,
  ) {
    using _ = torch.scope();
    const spread = strided ? values.flatMap((v) => [v, 9]) : values;
    let base = torch.tensor(spread, { dtype });
    if (strided) base = base.view(values.length, 2).select(1, 0);
    const p = new nn.Parameter(base), optimizer = build([p]);
    for (let t = 0; t < 3; t++) {
      p.grad = p.detach().mul(2).add(t);
      optimizer.step();
    }
    return p.detach().to(torch.float64).tolist() as number[];
  }
  for (const [name, build] of make) {
    const values = Array.from({ length: 11 }, (_, i) => i / 4 - 1);
    const exact = run(build, values, torch.float64);
    assertEquals(run(build, values, torch.float64, true), exact);
    for (let n = 1; n <= values.length; n++) {
      run(build, values.slice(0, n), torch.float32).forEach((v, i) => {
        assert(
          Math.abs(v - exact[i]) < 2e-6,
          `${name} of ${n} elements: ${v}, exactly ${exact[i]}`,
        );
      });
    }
    run(build, values, torch.float16).forEach((v, i) => {
      assert(Math.abs(v - exact[i]) < 1e-2, `${name} in float16: ${v}, exactly ${exact[i]}`);
    });
  }
});

Deno.test("optim: state and options go on after loadStateDict as if nothing had happened", () => {
  const names = Object.keys(classes).filter((n) => typeof classes[n] === "function");
  for (const name of names.filter((n) => n !== "Optimizer")) {
    const step = (p: Tensor, o: optim.Optimizer) => {
      o.step(() => {
        p.grad = p.detach().mul(0.5).add(1);
        return p.detach().pow(2).mul(0.25).add(p.detach()).sum().item();
      });
    };
    const p = new nn.Parameter(torch.tensor([1, 2, 3])), a = new classes[name]([p], { lr: 0.1 });
    step(p, a);
    step(p, a);
    const q = new nn.Parameter(p.detach().clone()), b = new classes[name]([q], { lr: 0.5 });
    const saved = a.stateDict();
    b.loadStateDict(saved);
    assertEquals(b.paramGroups[0].lr, 0.1);
    step(p, a);
    step(q, b);
    assertEquals(q.detach().tolist(), p.detach().tolist(), name);
    assertEquals(saved.param_groups[0].params, [0]);
  }
});

Deno.test("optim: names of saved options and state are PyTorch's", () => {
  const p = new nn.Parameter(torch.zeros(2)), frozen = new nn.Parameter(torch.zeros(1), false);
  const adam = new optim.AdamW([{ params: [frozen] }, { params: p, weightDecay: 0.5 }]);
  p.grad = torch.ones(2);
  adam.step();
  const { state, param_groups } = adam.stateDict();
  assertEquals(Object.keys(state), ["1"]);
  assertEquals(Object.keys(state[1]), ["step", "exp_avg", "exp_avg_sq"]);
  assertEquals(param_groups[1].weight_decay, 0.5);
  assertEquals(param_groups.map((g) => g.params), [[0], [1]]);
  assertEquals(
    String(new optim.SGD([p], { lr: 0.1 })),
    "SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n    foreach: None\n    lr: 0.1\n" +
      "    maximize: False\n    momentum: 0\n    nesterov: False\n    weight_decay: 0\n)",
  );
});

Deno.test("optim: a step counts as a change in place, runs its closure with gradients, keeps state through scopes", () => {
  const p = new nn.Parameter(torch.tensor([3])), optimizer = new optim.Adam([p], 0.1);
  const version = p.version;
  {
    using _ = torch.scope();
    const loss = torch.noGrad(() =>
      optimizer.step(() => {
        optimizer.zeroGrad();
        const loss = p.mul(p).sum();
        loss.backward();
        return loss;
      })
    );
    assertEquals(loss.item(), 9);
  }
  assert(p.version > version);
  assertEquals((optimizer.state.get(p)!.exp_avg as Tensor).tolist(), [0.6000000238418579]);
  const y = p.mul(p).sum();
  p.grad = torch.ones(1);
  optimizer.step();
  assertThrows(() => y.backward(), Error, "changed in place");
  optimizer.zeroGrad(false);
  assertEquals(p.grad.tolist(), [0]);
  optimizer.zeroGrad();
  assertEquals(p.grad, null);
  assertEquals(optimizer.step(), null);
});

Deno.test("optim: options are read from memory, so they can change between recorded steps", () => {
  const p = new nn.Parameter(torch.tensor([1])), optimizer = new optim.SGD([p], { lr: 0.5 });
  p.grad = torch.tensor([1]);
  optimizer.step();
  optimizer.paramGroups[0].lr = 0.25;
  optimizer.step();
  assertEquals(p.tolist(), [0.25]);
});

Deno.test("optim: bad calls are refused", () => {
  const p = new nn.Parameter(torch.zeros(2)), q = new nn.Parameter(torch.zeros(3));
  const wrong = (f: () => unknown, message: string) => assertThrows(f, Error, message);
  wrong(() => new optim.SGD([], { lr: 0.1 }), "empty parameter list");
  wrong(() => new optim.SGD([p]), "lr is required");
  wrong(() => new optim.SGD([p], { lr: -1 }), "learning rate: -1");
  wrong(() => new optim.SGD([p], { lr: 0.1, nesterov: true }), "Nesterov");
  wrong(() => new optim.Adam([p], { betas: [0.9, 1] }), "beta at index 1");
  wrong(() => new optim.Adam([p], { speed: 1 } as optim.AdamOptions), "no option speed");
  wrong(() => new optim.Adam([p.mul(2)]), "non-leaf");
  wrong(() => new optim.Adam(p as unknown as Tensor[]), "a tensor");
  wrong(() => new optim.Adam([1] as unknown as Tensor[]), "number");
  wrong(() => new optim.Adam([{ params: p }, { params: [p] }]), "more than one parameter group");
  wrong(() => new optim.Rprop([p], { etas: [1, 2] }), "etas");
  const a = new optim.Adam([p]), b = new optim.Adam([q]);
  p.grad = torch.ones(2);
  a.step();
  wrong(() => b.loadStateDict(a.stateDict()), "shape");
  const saved = (x: unknown) => x as ReturnType<typeof a.stateDict>;
  for (
    const x of [{}, { state: null, param_groups: [{ params: [0] }] }, {
      state: {},
      param_groups: [{}],
    }]
  ) {
    wrong(() => a.loadStateDict(saved(x)), "expected { state, param_groups }");
  }
  const first = new nn.Parameter(torch.ones(1)), other = new nn.Parameter(torch.ones(2));
  [first.grad, other.grad] = [torch.ones(1), torch.ones(2)];
  other.data = torch.ones(3);
  wrong(() => new optim.SGD([first, other], 1).step(), "gradient of shape [2]");
  assertEquals(first.tolist(), [1]); // no step is half done
  wrong(() => a.step(5 as unknown as () => number), "step: expected a function");
  wrong(() => new optim.Adam([p, q]).loadStateDict(a.stateDict()), "1 parameters");
  p.data = torch.ones(3);
  wrong(() => a.step(), "shape [3]");
});
