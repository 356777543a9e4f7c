/**
 * Products of matrices beyond the golden cases: the kernel at all sizes, strides and splits, in both flavours, and
 * second derivatives.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { WasmBackend } from "../src/backend/wasm.ts";

let seed = 12345;
const random = () => {
  seed = (seed * 1664525 + 1013904223) >>> 0;
  return seed / 2 ** 32;
};
const below = (n: number) => Math.floor(random() * n);
const pick = <T>(xs: readonly T[]) => xs[below(xs.length)];

/** Strides of [batch, rows, columns] of some kind, and how many elements they reach. */
function layout(batches: number, rows: number, columns: number) {
  const kind = pick(["plain", "plain", "transposed", "padded", "strided", "sameRow", "one"]);
  let row = columns, column = 1, extent = rows * columns;
  if (kind === "transposed") [row, column] = [1, rows];
  if (kind === "padded") [row, extent] = [columns + 3, rows * (columns + 3)];
  if (kind === "strided") [row, column, extent] = [columns * 2 + 1, 2, rows * (columns * 2 + 1)];
  if (kind === "sameRow") row = 0;
  if (kind === "one") [row, column] = [0, 0];
  const batch = pick([extent, extent, 0]);
  const size = rows === 0 || columns === 0
    ? 0
    : (batches - 1) * batch + (rows - 1) * row + (columns - 1) * column + 1;
  return { row, column, batch, size };
}

Deno.test("matmul kernel: sizes, strides, batches, bias and splits against float64", () => {
  for (const flavour of ["baseline", "relaxed"] as const) {
    if (flavour === "relaxed" && new WasmBackend().flavour !== "relaxed") continue;
    const backend = new WasmBackend(flavour), { kernels, heap } = backend;
    const place = (values: Float32Array) => {
      const storage = backend.allocate(Math.max(values.byteLength, 4));
      backend.write(storage, 0, new Uint8Array(values.buffer as ArrayBuffer));
      return storage;
    };
    for (let test = 0; test < 400; test++) {
      const size = () => random() < 0.05 ? pick([64, 130, 257, 300]) : below(21);
      const m = size(), n = size(), k = size(), batches = 1 + below(3), rows = batches * m;
      const A = layout(batches, m, k), B = layout(batches, k, n);
      const numbers = (length: number) => Float32Array.from({ length }, () => random() * 2 - 1);
      const a = numbers(A.size),
        b = numbers(B.size),
        bias = random() < 0.7 ? numbers(rows * n) : null;
      const biasRow = random() < 0.5 ? n : 0, relu = random() < 0.3 ? 1 : 0;
      // A guard behind the result stays as it is.
      const c = place(new Float32Array(rows * n + 16).fill(77));
      const [at, bt] = [place(a), place(b)], biasAt = bias === null ? null : place(bias);
      const cut = below(rows + 1), scratch = backend.scratch(270_528);
      for (const [begin, end] of [[cut, rows], [0, cut]]) {
        kernels.matmul(
          backend.touch(c),
          backend.touch(at),
          backend.touch(bt),
          biasAt === null ? 0 : backend.touch(biasAt),
          m,
          n,
          k,
          A.row,
          A.column,
          B.row,
          B.column,
          A.batch,
          B.batch,
          biasRow,
          relu,
          scratch,
          begin,
          end,
        );
      }
      const start = backend.touch(c) >> 2;
      for (let row = 0; row < rows; row++) {
        const t = Math.floor(row / m), i = row % m;
        for (let j = 0; j < n; j++) {
          let want = bias === null ? 0 : bias[row * biasRow + j], magnitude = Math.abs(want);
          for (let p = 0; p < k; p++) {
            const term = a[t * A.batch + i * A.row + p * A.column] *
              b[t * B.batch + p * B.row + j * B.column];
            want += term;
            magnitude += Math.abs(term);
          }
          if (relu) want = Math.max(want, 0);
          const got = heap.f32[start + row * n + j];
          assert(
            Math.abs(got - want) <= (k + 2) * 2 ** -24 * magnitude,
            `${flavour} ${batches}x${m}x${k}x${n} at ${row}, ${j}: ${got}, not ${want}`,
          );
        }
      }
      for (let i = 0; i < 16; i++) assertEquals(heap.f32[start + rows * n + i], 77);
      for (const s of [c, at, bt]) s.free();
    }
  }
});

const shown = (x: torch.Tensor) => Array.from(x.toTypedArray(), Number);

/** Asserts that the gradients of `f`, and the gradients of those, agree with finite differences. */
function checkTwice(f: (...xs: torch.Tensor[]) => torch.Tensor, ...shapes: number[][]): void {
  const values = shapes.map((s) =>
    Float64Array.from({ length: s.reduce((a, b) => a * b, 1) }, () => random() * 2 - 1)
  );
  const leaves = () =>
    values.map((v, i) =>
      torch.fromArray(v, shapes[i], { dtype: torch.float64, requiresGrad: true })
    );
  // Squares make the second derivatives differ from zero.
  const first = () => {
    const xs = leaves(), y = f(...xs);
    torch.autograd.backward([y.mul(y).sum()], [null], { createGraph: true });
    return xs;
  };
  const energy = (): number => {
    const xs = leaves(), y = f(...xs);
    return y.mul(y).sum().item() as number;
  };
  const slope = (): number => {
    let total = 0;
    for (const x of first()) for (const g of shown(x.grad!)) total += g * g;
    return total;
  };
  const xs = first(), gradients = xs.map((x) => shown(x.grad!));
  let total = torch.zeros([], { dtype: torch.float64 });
  for (const x of xs) total = total.add(x.grad!.mul(x.grad!).sum());
  xs.forEach((x) => x.grad = null);
  total.backward();
  const second = xs.map((x) => shown(x.grad!));
  for (const [of, grads] of [[energy, gradients], [slope, second]] as const) {
    values.forEach((v, i) => {
      for (let e = 0; e < v.length; e += 3) {
        const saved = v[e], step = 1e-5;
        v[e] = saved + step;
        const up = of();
        v[e] = saved - step;
        const down = of();
        v[e] = saved;
        const want = (up - down) / (2 * step), got = grads[i][e];
        assert(Math.abs(got - want) <= 1e-5 * (1 + Math.abs(want)), `${i}, ${e}: ${got}, ${want}`);
      }
    });
  }
}

Deno.test("matmul: one row or one column without a bias, however long", () => {
  for (const n of [1, 4, 255, 256, 257, 300, 1000, 2049, 5000]) {
    using _ = torch.scope();
    const row = torch.randn(1, 5), wide = torch.randn(5, n), tall = torch.randn(n, 5);
    const close = (product: torch.Tensor, sum: torch.Tensor) =>
      assert(torch.allclose(product.reshape(-1), sum, { atol: 1e-5 }), `n = ${n}`);
    close(row.mm(wide), row.reshape(5, 1).mul(wide).sum(0));
    close(row.mm(tall.t()), row.mul(tall).sum(1));
    close(tall.mm(row.t()), row.mul(tall).sum(1));
    close(wide.t().mm(row.t()), row.reshape(5, 1).mul(wide).sum(0));
  }
});

Deno.test("products are differentiable twice", () => {
  const { F } = torch;
  checkTwice((x, w, b) => F.linear(x, w, b), [2, 3, 4], [2, 4], [2]);
  checkTwice((x, w, b) => F.linear(x.transpose(0, 1), w, b), [4, 3], [2, 4], [2]);
  checkTwice((a, b) => torch.mm(a.t(), b), [3, 2], [3, 4]);
  checkTwice((a, b) => torch.matmul(a, b), [2, 1, 3, 2], [3, 2, 2]);
  checkTwice((a, b) => torch.matmul(a, b), [3], [2, 3, 2]);
  checkTwice((a, b) => torch.mv(a, b), [3, 4], [4]);
  checkTwice((a, b) => torch.dot(a, b), [5], [5]);
  checkTwice((x, a, b) => torch.addmm(x, a, b, { beta: 0.5, alpha: 2 }), [3], [2, 4], [4, 3]);
  checkTwice((x, a, b) => torch.addbmm(x, a, b), [2, 3], [2, 2, 2], [2, 2, 3]);
  checkTwice((x, a, b) => torch.addr(x, a, b, { alpha: 3 }), [2, 3], [2], [3]);
  checkTwice((x, y, w) => F.bilinear(x, y, w), [2, 3], [2, 2], [2, 3, 2]);
  checkTwice((a, b) => torch.cross(a, b), [2, 3], [2, 3]);
  checkTwice((a, b, c) => torch.einsum("iij,jk,k->i", a, b, c), [2, 2, 3], [3, 2], [2]);
});

Deno.test("a chain of linear layers keeps the history that PyTorch shows", () => {
  const x = torch.ones(2, 3), w = torch.ones([4, 3], { requiresGrad: true });
  const b = torch.ones([4], { requiresGrad: true }), y = torch.F.linear(x, w, b);
  assertEquals(y.gradFn!.name, "AddmmBackward0");
  assertEquals(y.gradFn!.nextFunctions[0][0]!.name, "AccumulateGrad");
  assertEquals(torch.mm(x, w.t()).gradFn!.name, "MmBackward0");
});

Deno.test("a matrix that was changed in place stops backward", () => {
  const x = torch.ones([2, 2], { requiresGrad: true }), w = torch.ones(2, 2);
  const y = torch.mm(x, w);
  w.add_(1);
  assertThrows(() => y.sum().backward(), Error, "changed in place");
});

Deno.test("half precision and small integers multiply in a wider type", () => {
  const a = torch.tensor([[100, 28], [1, 2]], { dtype: torch.uint8 });
  assertEquals(torch.mm(a, a).tolist(), [[44, 40], [102, 32]]);
  const h = torch.tensor([[1.5, 2], [3, 4]], { dtype: torch.bfloat16 });
  assertEquals(torch.mm(h, h).dtype, torch.bfloat16);
  assertEquals(torch.mm(h, h).float().tolist(), [[8.25, 11], [16.5, 22]]);
});

Deno.test("einsum takes arrays, lists of subscripts, and names what does not fit", () => {
  const x = torch.tensor([[1, 2], [3, 4]]), y = torch.tensor([[1, 1], [0, 1]]);
  const want = [[1, 3], [3, 7]];
  assertEquals(torch.einsum("ij,jk->ik", [x, y]).tolist(), want);
  assertEquals(torch.einsum(x, [0, 1], y, [1, 2], [0, 2]).tolist(), want);
  assertEquals(torch.einsum(x, ["...", 1], y, [1, 2]).tolist(), want);
  assertThrows(() => torch.einsum("ij,jk", x, torch.ones(3, 2)), RangeError, "subscript j");
  assertThrows(() => torch.einsum("ij->ijj", x), RangeError, "appears twice");
  assertThrows(() => torch.einsum("ij.->i", x), RangeError, "ellipsis");
  assertThrows(() => torch.mm(x, torch.ones(3, 2)), RangeError, "[2, 2] x [3, 2]");
  assertThrows(() => torch.mm(x, y.to(torch.float64)), TypeError, "one dtype");
});
