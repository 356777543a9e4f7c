/**
 * Functions of one variable beyond PyTorch's stored answers: the errors of the vector functions over the whole range of
 * float32, every tail of a vector, derivatives against finite differences, and the in-place forms.
 */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import type { Tensor } from "../mod.ts";
import { type KernelName, manifest } from "../src/backend/kernels.ts";
import { WasmBackend } from "../src/backend/wasm.ts";

type Kernel = (...values: number[]) => void;
type Unary = (x: Tensor) => Tensor;

/**
 * The kernel's largest error in each flavour, in units in the last place of float32, over every `stride`-th bit pattern.
 * Also throws where a result depends on where the range is split: sixteen elements and fewer go different ways.
 */
function largestErrors(backends: WasmBackend[], name: KernelName, stride: number): number[] {
  const size = 1 << 14, worst = backends.map(() => 0);
  const places = backends.map(({ heap }) =>
    [4, 4, 4, 8, 8].map((bytes) => heap.reserve(size * bytes))
  );
  for (let bits = 0; bits < 2 ** 32;) {
    const patterns = new Uint32Array(size);
    let n = 0;
    for (; n < size && bits < 2 ** 32; n++, bits += stride) patterns[n] = bits;
    const inputs = new Float32Array(patterns.buffer, 0, n);
    let want = new Float64Array();
    backends.forEach(({ heap, kernels }, k) => {
      const [x32, y32, split, x64, y64] = places[k], kernel = kernels[name] as Kernel;
      const floats = (address: number) => new Float32Array(heap.u8.buffer, address, n);
      if (k === 0) {
        new Float64Array(heap.u8.buffer, x64, n).set(inputs);
        (kernels[`${name}_f64` as KernelName] as Kernel)(y64, x64, 0, n);
        want = new Float64Array(heap.u8.buffer, y64, n);
      }
      floats(x32).set(inputs);
      kernel(y32, x32, 0, n);
      for (let i = 0; i < n; i += 12) kernel(split, x32, i, Math.min(i + 12, n));
      const got = floats(y32), parts = floats(split);
      for (let i = 0; i < n; i++) {
        const value = got[i], rounded = Math.fround(want[i]);
        if (!Object.is(value, parts[i])) {
          throw new Error(`${name}(${inputs[i]}) is ${value}, but ${parts[i]} in parts`);
        }
        if (Object.is(value, rounded)) continue;
        if (!Number.isFinite(rounded) || !Number.isFinite(value)) {
          throw new Error(`${name}(${inputs[i]}) is ${value}, not ${want[i]}`);
        }
        const exponent = Math.max(Math.floor(Math.log2(Math.abs(rounded))), -126);
        worst[k] = Math.max(worst[k], Math.abs(value - want[i]) / 2 ** (exponent - 23));
      }
    });
  }
  return worst;
}

Deno.test("vector functions are right to a few units in the last place, over the whole range", () => {
  const limits: Partial<Record<KernelName, [dense: boolean, relaxed: number, baseline: number]>> = {
    exp: [true, 0.9, 1.2],
    log: [true, 0.8, 0.8],
    erf: [true, 1, 1.2],
    tanh: [true, 3.7, 4],
    expm1: [false, 2, 2],
    log1p: [false, 2, 2],
    sigmoid: [false, 2, 2],
    sin: [false, 0.52, 0.52],
    cos: [false, 0.52, 0.52],
    silu: [false, 2.2, 2.2],
    gelu: [false, 4, 5],
    gelu_tanh: [false, 2, 2],
    mish: [false, 3.5, 3.5],
    logsigmoid: [false, 2, 2],
  };
  const backends = [new WasmBackend("relaxed"), new WasmBackend("baseline")];
  for (const [name, [dense, ...limit]] of Object.entries(limits)) {
    const worst = largestErrors(backends, name as KernelName, dense ? 997 : 65521);
    assert(worst.every((w, k) => w <= limit[k]), `${name}: ${worst} units in the last place`);
  }
});

Deno.test("the float64 functions that the sweep compares with are those of JavaScript", () => {
  const xs = Array.from({ length: 400 }, (_, i) => (i - 200) / 9.7);
  const x = torch.tensor(xs, { dtype: torch.float64 });
  for (const name of ["exp", "log", "tanh", "sinh", "atan", "log1p", "expm1", "asinh"] as const) {
    const got = torch[name](x).toTypedArray();
    xs.forEach((v, i) => {
      const want = Math[name](v), a = Number(got[i]);
      assert(
        Object.is(a, want) || Math.abs(a - want) <= 1e-14 * Math.abs(want),
        `${name}(${v}): ${a}, not ${want}`,
      );
    });
  }
});

Deno.test("special functions at points where they are known", () => {
  const at = (f: Unary, x: number) => f(torch.tensor([x], { dtype: torch.float64 })).item();
  const known: [Unary, number, number][] = [
    [torch.erf, 0.5, 0.5204998778130465],
    [torch.erf, -2, -0.9953222650189527],
    [torch.erfc, 5, 1.5374597944280349e-12],
    [torch.erfc, -1, 1.8427007929497148],
    [torch.erfinv, 0.5, 0.4769362762044699],
    [torch.erfinv, 1, Infinity],
    [torch.lgamma, 0.5, 0.5723649429247001],
    [torch.lgamma, 100, 359.13420536957540],
    [torch.lgamma, -2.5, -0.056243716497674054],
    [torch.digamma, 1, -0.5772156649015329],
    [torch.digamma, -0.5, 0.03648997397857652],
    [torch.sinc, 0.5, 0.6366197723675814],
    [torch.i0, 1, 1.2660658777520084],
    [torch.i0, 50, 2.9325537838493363e20],
    [(x) => torch.polygamma(1, x), 1, 1.6449340668482264],
    [(x) => torch.polygamma(2, x), 0.5, -16.828796644234320],
    [(x) => x.polygamma(1), -0.5, 8.934802200544679],
  ];
  for (const [f, x, want] of known) {
    const got = Number(at(f, x));
    assert(
      got === want || Math.abs(got - want) <= 1e-14 * (1 + Math.abs(want)),
      `${x}: ${got}, ${want}`,
    );
  }
});

Deno.test("every unary kernel gives the same whatever the tail and wherever it is split", () => {
  const { heap, kernels } = new WasmBackend(), size = 43;
  const [x, y, whole] = [0, 0, 0].map(() => heap.reserve(size * 8));
  for (const [name, parameters] of Object.entries(manifest) as [KernelName, readonly string[]][]) {
    if (parameters.join() !== "out y,in x,size begin,size end") continue;
    const wide = name.endsWith("_f64"), bytes = wide ? 8 : 4;
    if (/_(i64|i32|u8)$/.test(name)) continue;
    const view = (address: number) =>
      wide
        ? new Float64Array(heap.u8.buffer, address, size)
        : new Float32Array(heap.u8.buffer, address, size);
    view(x).set(Array.from({ length: size }, (_, i) => (i - 20) / 7));
    const kernel = kernels[name] as Kernel;
    kernel(whole, x, 0, size);
    for (let n = 0; n <= 40; n++) {
      view(y).fill(77);
      kernel(y, x, 1, 1 + n);
      view(y).forEach((v, i) => {
        const want = i >= 1 && i <= n ? view(whole)[i] : 77;
        assert(Object.is(v, want), `${name} of ${n} elements [${i}]: ${v}, not ${want}`);
      });
    }
    kernel(y + bytes, x + bytes, 0, 0);
  }
});

Deno.test("gradients of activations do not depend on where the range is split", () => {
  const { heap, kernels } = new WasmBackend(), size = 1 << 13;
  const [dx, parts, dy, x] = [0, 0, 0, 0].map(() => heap.reserve(size * 4));
  const view = (address: number) => new Float32Array(heap.u8.buffer, address, size);
  new Uint32Array(heap.u8.buffer, x, size).forEach((_, i, bits) => bits[i] = i * 524287);
  view(dy).forEach((_, i, values) => values[i] = 1 + i / size);
  for (const name of ["gelu_grad", "gelu_tanh_grad", "silu_grad", "mish_grad"] as const) {
    const kernel = kernels[name] as Kernel;
    kernel(dx, dy, x, 0, size);
    for (let i = 0; i < size; i += 12) kernel(parts, dy, x, i, Math.min(i + 12, size));
    assertEquals(view(parts), view(dx), name);
  }
});

/** Every function with a gradient, and the range that its arguments are taken from. */
const SMOOTH: [name: string, low: number, high: number][] = [
  ["neg", -2, 2],
  ["abs", 0.1, 2],
  ["sign", 0.1, 2],
  ["sgn", 0.1, 2],
  ["square", -2, 2],
  ["sqrt", 0.2, 3],
  ["rsqrt", 0.3, 3],
  ["reciprocal", 0.3, 3],
  ["exp", -2, 2],
  ["exp2", -2, 2],
  ["expm1", -2, 2],
  ["log", 0.3, 3],
  ["log1p", -0.5, 3],
  ["log2", 0.3, 3],
  ["log10", 0.3, 3],
  ["sigmoid", -3, 3],
  ["tanh", -2, 2],
  ["floor", 0.1, 0.9],
  ["ceil", 0.1, 0.9],
  ["round", 0.6, 1.4],
  ["trunc", 0.1, 0.9],
  ["frac", 0.1, 0.9],
  ["sin", -3, 3],
  ["cos", -3, 3],
  ["tan", -1, 1],
  ["asin", -0.8, 0.8],
  ["acos", -0.8, 0.8],
  ["atan", -3, 3],
  ["sinh", -2, 2],
  ["cosh", -2, 2],
  ["asinh", -3, 3],
  ["acosh", 1.3, 4],
  ["atanh", -0.8, 0.8],
  ["deg2rad", -90, 90],
  ["rad2deg", -2, 2],
  ["erf", -2, 2],
  ["erfc", -2, 2],
  ["erfinv", -0.8, 0.8],
  ["lgamma", 0.4, 4],
  ["digamma", 0.6, 4],
  ["sinc", -2, 2],
  ["i0", -2, 2],
  ["logit", 0.1, 0.9],
];

/** Those whose gradient is zero. */
const FLAT = new Set(["sign", "sgn", "floor", "ceil", "round", "trunc"]);

const functions = torch as unknown as Record<string, Unary>;
const method = (x: Tensor, name: string) =>
  (x as unknown as Record<string, () => Tensor>)[name].call(x);

/** [3, 2], not contiguous, of numbers between `low` and `high`. */
function strided(low: number, high: number, dtype = torch.float64): Tensor {
  const values = [0.05, 0.93, 0.38, 0.61, 0.22, 0.77].map((v) => low + v * (high - low));
  return torch.fromArray(Float64Array.from(values), [2, 3], { dtype }).t();
}

Deno.test("gradients are those of finite differences, and so are theirs", () => {
  for (const [name, low, high] of SMOOTH) {
    const x = strided(low, high).requiresGrad_();
    const f = functions[name];
    assert(torch.autograd.gradcheck(f, [x]), name);
    if (!FLAT.has(name)) assert(torch.autograd.gradgradcheck(f, [x]), name);
  }
  const x = strided(-2.3, 2.8).requiresGrad_();
  assert(torch.autograd.gradcheck((x) => torch.polygamma(2, x), [x]), "polygamma");
});

Deno.test("functions take every layout, empty tensors and 0-d ones", () => {
  for (const [name, low, high] of SMOOTH) {
    const f = functions[name], x = strided(low, high);
    assertEquals(f(x).tolist(), f(x.contiguous()).tolist(), name);
    assertEquals(f(torch.zeros(0, 3)).shape, [0, 3]);
    const scalar = torch.tensor(low + 0.4 * (high - low), { requiresGrad: true });
    f(scalar).backward();
    assertEquals([f(scalar).shape, scalar.grad!.shape], [[], []]);
  }
});

Deno.test("functions in place: the same numbers and gradients, in the same memory", () => {
  for (const [name, low, high] of SMOOTH) {
    for (const make of [(x: Tensor) => x.clone(), (x: Tensor) => x.clone().t()]) {
      const [a, b] = [0, 1].map(() => make(strided(low, high)).requiresGrad_());
      const y = functions[name](a.mul(1));
      y.sum().backward();
      const base = b.mul(1), version = base.version;
      const z = method(base, `${name}_`);
      assertStrictEquals(z, base);
      assert(base.version > version, `${name}_ counts as a change`);
      z.sum().backward();
      assertEquals(z.tolist(), y.tolist(), name);
      assertEquals(b.grad!.tolist(), a.grad!.tolist(), `gradient of ${name}_`);
      torch.noGrad(() =>
        assertEquals(method(make(strided(low, high)), `${name}_`).tolist(), y.tolist())
      );
    }
    // A view of a part: the rest keeps its gradient.
    const x = strided(low, high).contiguous().requiresGrad_(), whole = x.mul(1);
    method(whole.select(0, 1), `${name}_`);
    whole.sum().backward();
    assertEquals((x.grad!.tolist() as number[][])[0], [1, 1]);
  }
});

Deno.test("in-place functions refuse what does not fit, and leave the tensor as it was", () => {
  const whole = torch.tensor([1n, 2n]);
  assertThrows(() => whole.exp_(), TypeError, "torch.float32");
  assertEquals(whole.tolist(), [1, 2]);
  assertEquals(whole.neg_().abs_().square_().floor_().tolist(), [1, 4]);
  const leaf = torch.ones(2, { requiresGrad: true });
  assertThrows(() => leaf.exp_(), Error, "leaf");
  assertEquals(leaf.tolist(), [1, 1]);
  assertThrows(() => torch.ones(1).expand(3).sqrt_(), Error, "expanded");
  // The gradient reads the result, which must stay.
  const y = leaf.mul(2).exp_();
  y.mul(2).sum().backward();
  const z = leaf.mul(2).exp_(), sum = z.sum();
  z.add_(1);
  assertThrows(() => sum.backward(), Error, "changed in place");
});

Deno.test("dtypes: integers as float32, rounding and signs as they are, bool refused where PyTorch does", () => {
  const { bool, uint8, int8, int16, int32, int64, float16, bfloat16 } = torch;
  for (const dtype of [bool, uint8, int8, int16, int32, int64]) {
    const x = torch.tensor([0, 1, 1], { dtype });
    for (const name of ["exp", "sin", "sigmoid", "erf", "logit", "deg2rad", "lgamma", "sqrt"]) {
      assertStrictEquals(functions[name](x).dtype, torch.float32, `${name} of ${dtype}`);
    }
    for (const name of ["neg", "abs", "floor", "round", "positive"]) {
      if (dtype === bool) assertThrows(() => functions[name](x), TypeError, "torch.bool");
      else assertStrictEquals(functions[name](x).dtype, dtype, `${name} of ${dtype}`);
    }
    assertStrictEquals(torch.sign(x).dtype, dtype);
    assertStrictEquals(torch.square(x).dtype, dtype === bool ? int64 : dtype);
    assertThrows(() => torch.frac(x), TypeError, "frac");
    assertThrows(() => torch.round(x, { decimals: 1 }), TypeError, "decimals");
  }
  for (const dtype of [float16, bfloat16]) {
    const x = torch.tensor([0.5, -2], { dtype });
    for (const name of ["exp", "tanh", "neg", "floor", "erf"]) {
      assertStrictEquals(functions[name](x).dtype, dtype, `${name} of ${dtype}`);
    }
  }
  const big = torch.tensor([-9007199254740993n, 9007199254740993n]);
  assertEquals(torch.abs(big).tolist(), [9007199254740993n, 9007199254740993n]);
  assertEquals(torch.neg(torch.tensor([1, 255], { dtype: uint8 })).tolist(), [255, 1]);
});

Deno.test("round: half to even, decimals of either sign", () => {
  const x = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, 1234.5678], { dtype: torch.float64 });
  assertEquals(x.round().tolist(), [0, 2, 2, -0, -2, 1235]);
  assertEquals(x.round(2).tolist(), [0.5, 1.5, 2.5, -0.5, -1.5, 1234.57]);
  assertEquals(x.round({ decimals: -2 }).tolist(), [0, 0, 0, -0, -0, 1200]);
  assertEquals(x.clone().round_(1).tolist(), [0.5, 1.5, 2.5, -0.5, -1.5, 1234.6]);
});

Deno.test("functions refuse what is not a tensor, by name", () => {
  for (const [name] of SMOOTH) {
    for (const bad of [1, null, undefined, [1, 2], "x"]) {
      assertThrows(() => functions[name](bad as unknown as Tensor), TypeError, "must be a tensor");
    }
  }
  assertThrows(() => torch.polygamma(-1, torch.ones(1)), RangeError, "negative");
});
