/**
 * Arithmetic and choices beyond PyTorch's stored answers: every tail of a vector, every layout, derivatives and their
 * derivatives, changes in place, and what must be refused.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import type { Tensor } from "../mod.ts";

/** Numbers in [-4, 4), always the same ones. */
function numbers(count: number, seed = 1): Float64Array {
  let state = seed;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 29 - 4;
  });
}

/** A float64 leaf of these numbers that requires a gradient. */
function leaf(shape: number[], seed: number, positive = false): Tensor {
  const data = numbers(shape.reduce((a, b) => a * b, 1), seed);
  const values = positive ? data.map((v) => 0.5 + Math.abs(v)) : data;
  return torch.fromArray(values, shape, { requiresGrad: true });
}

const floats = (data: Float64Array, shape?: number[]) =>
  torch.fromArray(Float32Array.from(data), shape);

const values = (x: Tensor) => [...x.contiguous().toTypedArray()].map(Number);

Deno.test("arith: float32 kernels at every tail, with tensors and numbers", () => {
  const f32 = Math.fround;
  const operations: [string, (a: Tensor, b: Tensor) => Tensor, (a: number, b: number) => number][] =
    [
      ["add", torch.add, (a, b) => f32(a + b)],
      ["div", (x, y) => torch.div(x, y), (a, b) => f32(a / b)],
      ["maximum", torch.maximum, Math.max],
      ["lt", torch.lt, (a, b) => Number(a < b)],
      ["ge", torch.ge, (a, b) => Number(a >= b)],
      ["ne", torch.ne, (a, b) => Number(a !== b)],
      ["bitwiseAnd", (a, b) => a.gt(0).bitwiseAnd(b.gt(0)), (a, b) => Number(a > 0 && b > 0)],
      ["where", (a, b) => torch.where(a.gt(0), a, b), (a, b) => a > 0 ? a : b],
    ];
  for (let n = 1; n <= 40; n++) {
    using _ = torch.scope();
    const a = floats(numbers(n, n)), b = floats(numbers(n, n + 50));
    b.narrow(0, 0, Math.ceil(n / 3)).copy_(a.narrow(0, 0, Math.ceil(n / 3)));
    const [p, q] = [values(a), values(b)], one = b.select(0, n - 1);
    for (const [name, f, g] of operations) {
      assertEquals(values(f(a, b)), p.map((v, i) => g(v, q[i])), `${name} ${n}`);
      assertEquals(values(f(a, one)), p.map((v) => g(v, q[n - 1])), `${name} ${n}, one element`);
      assertEquals(values(f(one, a)), p.map((v) => g(q[n - 1], v)), `${name} ${n}, one element`);
    }
  }
});

Deno.test("arith: three operands in every layout", () => {
  for (let n = 1; n <= 21; n++) {
    using _ = torch.scope();
    const dense = [1, 2, 3].map((s) => floats(numbers(6 * n, 10 * n + s), [2, 3, n]));
    const layouts: ((x: Tensor) => Tensor)[] = [
      (x) => x,
      (x) => x.permute(2, 0, 1).contiguous().permute(1, 2, 0),
      (x) => x.narrow(1, 0, 1),
      (x) => x.narrow(0, 1, 1).narrow(2, 0, 1),
    ];
    for (const f of [torch.lerp, torch.addcmul, torch.addcdiv]) {
      for (const k of [1, 2, 3]) {
        const [a, b, c] = dense.map((x, i) => layouts[(i * k + k) % 4](x));
        const want = f(a.double(), b.double(), c.double());
        const got = f(a, b, c), bound = Math.max(...values(want).map(Math.abs));
        assertEquals(got.shape, want.shape);
        assert(torch.allclose(got.double(), want, 1e-5, 1e-5 * bound), `${f.name} ${n} ${k}`);
      }
    }
  }
});

Deno.test("arith: gradients against finite differences, once and twice", () => {
  const a = () => leaf([2, 3], 1), b = () => leaf([3], 2, true), c = () => leaf([2, 1], 3, true);
  const positive = () => leaf([2, 3], 4, true);
  const condition = torch.tensor([[true, false, true]]);
  const cases: [string, (...x: Tensor[]) => Tensor, Tensor[]][] = [
    ["add", (x, y) => torch.add(x, y, { alpha: 0.3 }), [a(), b()]],
    ["rsub", (x, y) => torch.rsub(x, y, 2), [a(), b()]],
    ["mul", torch.mul, [a(), b()]],
    ["div", (x, y) => torch.div(x, y), [a(), b()]],
    ["pow", (x, y) => torch.pow(x, y), [positive(), b()]],
    ["pow of a number", (y) => torch.pow(2.5, y), [a()]],
    ["pow to 3", (x) => torch.pow(x, 3), [a()]],
    ["pow to -1.5", (x) => torch.pow(x, -1.5), [positive()]],
    ["floatPower", (x) => torch.floatPower(x, 2), [a()]],
    ["maximum", torch.maximum, [a(), b()]],
    ["fmin", torch.fmin, [a(), b()]],
    ["atan2", torch.atan2, [a(), b()]],
    ["hypot", torch.hypot, [a(), b()]],
    ["logaddexp", torch.logaddexp, [a(), b()]],
    ["logaddexp2", torch.logaddexp2, [a(), b()]],
    ["xlogy", torch.xlogy, [positive(), b()]],
    ["copysign", (x, y) => torch.copysign(x, y.detach()), [a(), b()]],
    ["remainder", torch.remainder, [a(), b()]],
    ["fmod", torch.fmod, [a(), b()]],
    ["lerp", (x, y, z) => torch.lerp(x, y, z), [a(), b(), c()]],
    ["addcmul", (x, y, z) => torch.addcmul(x, y, z, { value: 0.3 }), [a(), b(), c()]],
    ["addcdiv", (x, y, z) => torch.addcdiv(x, y, z, -2), [a(), b(), c()]],
    ["where", (x, y) => torch.where(condition, x, y), [a(), b()]],
    ["maskedFill", (x, y) => torch.maskedFill(x, condition, y), [a(), leaf([], 5)]],
    ["clamp", (x, y, z) => torch.clamp(x, torch.mul(y, -1), z), [a(), b(), c()]],
    ["clamp by numbers", (x) => torch.clamp(x, { min: -1 }), [a()]],
    ["nanToNum", (x) => torch.nanToNum(x), [a()]],
    ["mul_", (x, y) => torch.mul(x, 1).mul_(y), [a(), b()]],
    ["add_ to a view", (x, y) => {
      const z = x.clone();
      z.select(0, 1).add_(y, 2).mul_(y);
      return z;
    }, [a(), b()]],
    ["clamp_ of a view", (x) => {
      const z = x.mul(2);
      z.narrow(1, 0, 2).clamp_(-1, 1);
      return z.mul(z);
    }, [a()]],
  ];
  for (const [name, f, inputs] of cases) {
    using _ = torch.scope();
    assert(torch.autograd.gradcheck(f, inputs), name);
    assert(torch.autograd.gradgradcheck(f, inputs), `${name} twice`);
  }
});

Deno.test("arith: operands of narrow types wrap before a wider type computes", () => {
  const bytes = torch.tensor([7, 200], { dtype: torch.uint8 });
  assertEquals(values(torch.fmod(bytes, -1)), [7, 200]);
  assertEquals(values(torch.floorDivide(bytes, torch.tensor(-2, { dtype: torch.int64 }))), [0, 0]);
  assertEquals(values(torch.gt(bytes, 300)), [0, 1]);
  const shorts = torch.tensor([1, -3], { dtype: torch.int8 });
  assertEquals(values(torch.maximum(shorts, torch.tensor(300, { dtype: torch.int64 }))), [44, 44]);
  assertEquals(values(torch.bitwiseLeftShift(shorts, 6)), [64, 64]);
  const lowest = torch.tensor([-(2n ** 63n), 5n]);
  assertEquals(torch.div(lowest, -1, { roundingMode: "floor" }).tolist(), [-(2n ** 63n), -5]);
  assertEquals(torch.remainder(lowest, -1).tolist(), [0, 0]);
});

Deno.test("arith: where as a method, and its numbers", () => {
  const condition = torch.tensor([true, false]), x = torch.tensor([1.5, 2.5]);
  assertEquals(x.where(condition, 0).tolist(), [1.5, 0]);
  assertEquals(torch.where(condition, 1, 0).dtype, torch.int64);
  assertEquals(torch.where(condition, 0.5, 0).tolist(), [0.5, 0]);
  assertEquals(torch.where(condition, x.half(), 1).dtype, torch.float16);
});

Deno.test("arith: in place keeps what gradients read", () => {
  const w = torch.tensor([1, 2], { requiresGrad: true, dtype: torch.float32 });
  const v = torch.tensor([3, 4]);
  v.mul_(w).sum().backward();
  assertEquals(w.grad!.tolist(), [3, 4]);
  const u = torch.tensor([2, 3], { requiresGrad: true });
  const y = torch.mul(u, 1);
  y.pow_(2).addcmul_(y, u);
  assertEquals(y.tolist(), [12, 36]);
  const z = torch.mul(u, 1);
  z.mul_(z);
  assertThrows(() => z.sum().backward(), Error, "changed in place");
  // Overlapping memory: the operand is read as it was.
  const line = torch.tensor([1, 2, 3, 4]);
  line.narrow(0, 1, 3).add_(line.narrow(0, 0, 3));
  assertEquals(line.tolist(), [1, 3, 5, 7]);
});

Deno.test("arith: what is refused leaves the tensors as they were", () => {
  const x = torch.tensor([7n, -7n]), zero = torch.tensor([0n, 2n]), f = torch.tensor([1.5, -2.5]);
  const b = torch.tensor([true, false]);
  const wide = torch.tensor([[1], [2]]);
  const range: [string, () => unknown][] = [
    ["floorDivide", () => x.floorDivide_(zero)],
    ["div", () => torch.div(x, zero, "trunc")],
    ["remainder", () => x.remainder_(0)],
    ["fmod", () => torch.fmod(x, zero)],
    ["pow", () => torch.pow(x, -1)],
    ["add_", () => f.add_(wide)],
    ["maskedFill", () => f.maskedFill_(wide.gt(1), 0)],
    ["maskedFill", () => torch.maskedFill(f, b, f)],
    ["fill_", () => x.fill_(1e30)],
    ["fill_", () => x.fill_(f)],
    ["copy_", () => f.copy_(wide)],
    ["isclose", () => torch.isclose(f, f, { rtol: -1 })],
    ["where", () => torch.where(b, f, torch.tensor([1, 2, 3]))],
    ["clamp", () => torch.clamp(torch.tensor([1], { dtype: torch.uint8 }), 0, 300)],
  ];
  const type: [string, () => unknown][] = [
    ["sub", () => torch.sub(b, true)],
    ["rsub", () => torch.rsub(b, 1)],
    ["add", () => torch.add(x, x, { alpha: 0.5 })],
    ["add", () => torch.add(x, x, { alpha: true })],
    ["add", () => torch.add(f, "1" as unknown as number)],
    ["add_", () => x.add_(0.5)],
    ["div_", () => x.div_(2)],
    ["add_", () => b.add_(1)],
    ["div", () => torch.div(f, f, { roundingMode: "up" as "floor" })],
    ["div", () => torch.div(b, b, "floor")],
    ["pow", () => torch.pow(b, b)],
    ["pow", () => torch.pow(2, 3)],
    ["pow", () => x.pow_(0.5)],
    ["floatPower_", () => f.floatPower_(2)],
    ["hypot", () => torch.hypot(x, x)],
    ["maximum", () => torch.maximum(f, 1 as unknown as Tensor)],
    ["lerp", () => torch.lerp(f, f.double(), 0.5)],
    ["lerp", () => torch.lerp(x, x, 0.5)],
    ["addcdiv", () => torch.addcdiv(f, x, x)],
    ["addcmul", () => torch.addcmul(b, b, b)],
    ["clamp", () => torch.clamp(f)],
    ["clamp", () => torch.clamp(f, f, 1)],
    ["clamp", () => x.clamp_(0.5)],
    ["where", () => torch.where(x, f, f)],
    ["maskedFill", () => torch.maskedFill(f, x, 1)],
    ["bitwiseAnd", () => torch.bitwiseAnd(x, 1.5)],
    ["isclose", () => torch.isclose(f, f.double())],
    ["heaviside", () => torch.heaviside(f, f.double())],
  ];
  for (const [kind, calls] of [[RangeError, range], [TypeError, type]] as const) {
    for (const [name, call] of calls) assertThrows(call, kind, name);
  }
  const held = torch.tensor([1, 2], { requiresGrad: true });
  assertThrows(() => held.add_(1), Error, "leaf");
  assertThrows(() => f.expand(3, 2).mul_(2), Error, "expanded");
  assertEquals([x, f, b].map((t) => t.tolist()), [[7, -7], [1.5, -2.5], [true, false]]);
  assertEquals([x, f, b, held].map((t) => t.version), [0, 0, 0, 0]);
});

Deno.test("maximum, minimum and clamp: not a number where an operand is not, in every lane", () => {
  const n = 23, values = Array.from({ length: n }, (_, i) => (i * 7 % 23) - 11);
  const x = torch.tensor(values, { dtype: torch.float32 }), y = x.flip(0);
  assertEquals(torch.maximum(x, y).tolist(), values.map((v, i) => Math.max(v, values[n - 1 - i])));
  assertEquals(torch.minimum(x, y).tolist(), values.map((v, i) => Math.min(v, values[n - 1 - i])));
  assertEquals(x.clamp(-3, 4).tolist(), values.map((v) => Math.min(Math.max(v, -3), 4)));
  for (let i = 0; i < n; i++) {
    const odd = torch.tensor(values.with(i, NaN), { dtype: torch.float32 });
    const results = [
      torch.maximum(odd, y),
      torch.maximum(y, odd),
      torch.minimum(odd, y),
      torch.minimum(y, odd),
      odd.clamp(-3, 4),
      torch.clamp(x, odd, y),
      torch.clamp(x, y, odd),
    ];
    for (const result of results) {
      assertEquals(result.isnan().tolist(), values.map((_, j) => j === i));
    }
  }
  for (const bounds of [[NaN, 1], [-1, NaN]]) {
    assert(x.clamp(bounds[0], bounds[1]).isnan().all().item());
  }
});
