/** Softmax beyond PyTorch's stored answers: every tail of a vector, both layouts, and derivatives of derivatives. */
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

function assertClose(got: Tensor, want: ArrayLike<number>, tolerance: number, what: string) {
  const values = got.detach().contiguous().toTypedArray();
  assertEquals(values.length, want.length);
  for (let i = 0; i < values.length; i++) {
    const a = Number(values[i]), b = Number(want[i]);
    assert(Math.abs(a - b) <= tolerance * (1 + Math.abs(b)), `${what}[${i}]: ${a}, not ${b}`);
  }
}

Deno.test("softmax and logSoftmax, forward and backward, for every tail", () => {
  for (let n = 1; n <= 40; n++) {
    for (const shape of [[2, n], [n, 3], [2, 3, n], [2, n % 5 + 1, n]]) {
      using _ = torch.scope();
      const dim = shape[0] === n ? 0 : 1, count = shape.reduce((a, b) => a * b);
      const data = numbers(count, n), grads = numbers(count, n + 100);
      for (const f of [torch.softmax, torch.logSoftmax]) {
        const [[y32, dx32], [y64, dx64]] = [torch.float32, torch.float64].map((dtype) => {
          const x = torch.fromArray(data, shape, { dtype, requiresGrad: true });
          const y = f(x, dim);
          y.backward(torch.fromArray(grads, shape, { dtype }));
          return [y, x.grad!];
        });
        assertClose(y32, y64.detach().toTypedArray() as Float64Array, 2e-6, `${f.name} ${shape}`);
        assertClose(dx32, dx64.toTypedArray() as Float64Array, 4e-6, `${f.name} grad ${shape}`);
        const total = (f === torch.softmax ? y64 : y64.exp()).sum(dim);
        assertClose(total, new Array(total.numel()).fill(1), 1e-14, `sum of ${f.name} ${shape}`);
      }
    }
  }
});

Deno.test("softmax: infinities and values that are not numbers", () => {
  const rows = [[1, -Infinity, 2, -Infinity, 0], [NaN, 1, 2, 3, 4], [1, 2, 3, 4, NaN]];
  rows.push(new Array(5).fill(-Infinity), [Infinity, 0, 0, 0, 0]);
  for (const layout of [rows, rows[0].map((_, j) => rows.map((r) => r[j]))]) {
    const dim = layout === rows ? 1 : 0;
    for (const dtype of [torch.float32, torch.float64]) {
      const y = torch.softmax(torch.tensor(layout, { dtype }), dim);
      const at = (i: number, j: number) => (y.tolist() as number[][])[dim ? i : j][dim ? j : i];
      assertEquals([at(0, 1), at(0, 3)], [0, 0]);
      assert(Math.abs(at(0, 0) + at(0, 2) + at(0, 4) - 1) < 1e-6);
      for (let i = 1; i < 5; i++) assert(Number.isNaN(at(i, 2)) || (i === 4 && at(i, 2) === 0));
      assert(Number.isNaN(at(4, 0)));
    }
  }
});

Deno.test("softmax and logSoftmax: second derivatives against differences of first ones", () => {
  for (const f of [torch.softmax, torch.logSoftmax]) {
    const shape = [2, 3, 2], data = numbers(12, 5), w = torch.fromArray(numbers(12, 6), shape);
    const v = torch.fromArray(numbers(12, 7), shape);
    const first = (values: Float64Array, createGraph = false): [Tensor, Tensor] => {
      const x = torch.fromArray(values, shape, { requiresGrad: true });
      const y = f(x, 1), z = y.mul(y).mul(w).sum();
      return [x, torch.autograd.grad([z], [x], { createGraph })[0]!];
    };
    const [x, dx] = first(data, true);
    dx.mul(v).sum().backward();
    const h = 1e-6;
    const want = data.map((_, i) => {
      const [up, down] = [h, -h].map((d) =>
        Number(first(data.map((value, j) => j === i ? value + d : value))[1].mul(v).sum().item())
      );
      return (up - down) / (2 * h);
    });
    assertClose(x.grad!, want, 1e-7, f.name);
  }
});

Deno.test("softmax: no axis, no elements, no axes, and what is refused", () => {
  const x = torch.fromArray(numbers(6), [2, 3], { dtype: torch.float32 });
  assertEquals(torch.nn.functional.softmax(x).tolist(), torch.softmax(x, 1).tolist());
  assertEquals(torch.nn.functional.softmin(x, { dim: 0 }).tolist(), x.neg().softmax(0).tolist());
  assertEquals(torch.softmax(torch.tensor(3), 0).item(), 1);
  assertEquals(torch.logSoftmax(torch.tensor(3), -1).item(), 0);
  for (const shape of [[0, 3], [3, 0], [0]]) {
    assertEquals(torch.softmax(torch.zeros(shape), 0).shape, shape);
  }
  assertThrows(() => torch.softmax(x, 2), RangeError, "softmax: dim 2 is out of range");
  assertThrows(() => torch.softmax(x.long(), 1), TypeError, "not defined for torch.int64");
  assertEquals(torch.softmax(x.long(), 1, torch.float64).dtype, torch.float64);
  assertEquals(torch.softmax(x.half(), 1).dtype, torch.float16);
});
