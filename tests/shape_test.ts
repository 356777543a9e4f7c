/**
 * Views, joins, cuts, rearrangements, padding and windows: gradients of every op, once and twice, against finite
 * differences; what names, layouts and errors promise.
 */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { F, type Tensor } from "../mod.ts";
import { WasmBackend } from "../src/backend/wasm.ts";

const { gradcheck, gradgradcheck } = torch.autograd;

/** Distinct float64 elements of `shape`. */
function input(...shape: number[]): Tensor {
  const n = shape.reduce((a, b) => a * b, 1);
  const x = torch.fromArray(Float64Array.from({ length: n }, (_, i) => Math.sin(3 * i + 1)), shape);
  return x.requiresGrad_();
}

const range = (...shape: number[]) => {
  const n = shape.reduce((a, b) => a * b, 1);
  return torch.fromArray(Float32Array.from({ length: n }, (_, i) => i), shape);
};

const long = (values: torch.Nested) => torch.tensor(values, { dtype: torch.int64 });

/** Ops of a [3, 4] input; each is tried on a contiguous and on a transposed one. */
const OPS: Record<string, (x: Tensor) => Tensor | readonly Tensor[]> = {
  view: (x) => x.contiguous().view(2, 6),
  reshape: (x) => x.reshape(-1),
  flatten: (x) => x.flatten(),
  unflatten: (x) => x.unflatten(1, [2, -1]),
  permute: (x) => x.permute(1, 0),
  transpose: (x) => x.transpose(0, 1),
  expand: (x) => x.unsqueeze(1).expand(2, 3, 5, 4),
  squeeze: (x) => x.narrow(0, 1, 1).squeeze(),
  unsqueeze: (x) => x.unsqueeze(-1),
  narrow: (x) => x.narrow(1, 1, 2),
  select: (x) => x.select(1, -1),
  asStrided: (x) => x.asStrided([2, 2], [1, 2], 1),
  "asStrided overlapping": (x) => x.asStrided([3, 3], [1, 1], 0),
  "asStrided of an expanded tensor": (x) =>
    x.mul(1).select(0, 0).expand(3, 4).asStrided([2, 4], [0, 1], 0),
  unfold: (x) => x.unfold(1, 3, 1),
  "unfold without overlap": (x) => x.unfold(0, 1, 2),
  diagonal: (x) => x.diagonal(1),
  diagEmbed: (x) => x.diagEmbed(-1),
  diag: (x) => x.diag(1),
  "diag of a vector": (x) => x.select(0, 0).diag(),
  trace: (x) => x.trace(),
  tril: (x) => x.tril(-1),
  triu: (x) => x.triu(1),
  movedim: (x) => x.movedim(0, 1),
  cat: (x) => torch.cat([x, x.narrow(0, 0, 1), torch.zeros(0, { dtype: torch.float64 })]),
  "cat of dtypes": (x) => torch.cat([x, torch.ones(3, 1)], 1),
  stack: (x) => torch.stack([x, x.mul(2)], 1),
  hstack: (x) => torch.hstack([x, x]),
  vstack: (x) => torch.vstack([x, x.select(0, 0)]),
  dstack: (x) => torch.dstack([x, x]),
  columnStack: (x) => torch.columnStack([x, x.select(1, 0)]),
  meshgrid: (x) => torch.meshgrid(x.select(0, 0), x.select(1, 1), { indexing: "xy" }),
  broadcastTensors: (x) => torch.broadcastTensors(x, x.select(0, 1)),
  split: (x) => x.split(2, 1),
  "split, one part used": (x) => x.split([1, 0, 3], 1)[2],
  chunk: (x) => x.chunk(2),
  tensorSplit: (x) => x.tensorSplit([1, 3], 1),
  unbind: (x) => x.unbind(1),
  "unbind, one used": (x) => x.unbind(1)[2],
  flip: (x) => x.flip(0, 1),
  roll: (x) => x.roll([1, -2], [0, 1]),
  "roll, flattened": (x) => x.roll(5),
  rot90: (x) => x.rot90(3),
  repeat: (x) => x.repeat(2, 1, 3),
  tile: (x) => x.tile(2),
  repeatInterleave: (x) => x.repeatInterleave(2, 1),
  "repeatInterleave by counts": (x) => x.repeatInterleave(long([2, 0, 1]), 0),
  selectScatter: (x) => torch.selectScatter(x, x.select(0, 2).mul(3), 0, 1),
  sliceScatter: (x) => torch.sliceScatter(x, x.narrow(1, 0, 2), 1, 0, 4, 2),
  diagonalScatter: (x) => torch.diagonalScatter(x, x.select(1, 0)),
  pad: (x) => F.pad(x, [1, -2, 0, 1], { value: 2 }),
  "pad reflect": (x) => F.pad(x, [2, 3], "reflect"),
  "pad reflect, cut": (x) => F.pad(x, [-1, 2], "reflect"),
  "pad replicate": (x) => F.pad(x, [2, 1], "replicate"),
  "pad circular": (x) => F.pad(x, [1, 4], "circular"),
  "F.unfold": (x) => F.unfold(x.unsqueeze(0), 2, { padding: 1, stride: [1, 2] }),
  "F.fold": (x) => F.fold(x.transpose(0, 1).contiguous(), [2, 4], 2, { dilation: 1 }),
  index: (x) => x.at(long([0, 2, 0]), torch.slice(1)),
  "index, two tensors": (x) => x.at(long([[0], [-1]]), long([3, 0, 3])),
  "index, mask": (x) => x.at(torch.tensor([true, false, true])),
  indexPut: (x) => x.indexPut([long([0, 2])], x.select(0, 1).mul(2)),
  "indexPut, accumulated": (x) => x.indexPut([long([0, 2, 0])], x.select(0, 1), true),
};

Deno.test("shape: gradients, and gradients of gradients, of contiguous and transposed tensors", () => {
  for (const [name, f] of Object.entries(OPS)) {
    for (const g of [f, (x: Tensor) => f(x.transpose(0, 1))]) {
      const x = g === f ? input(3, 4) : input(4, 3);
      try {
        gradcheck(g, [x]);
        gradgradcheck(g, [x]);
      } catch (e) {
        throw new Error(`${name}: ${(e as Error).message}`);
      }
    }
  }
});

Deno.test("shape: views share memory, chains of views too", () => {
  const x = range(2, 3, 4);
  x.transpose(0, 2).narrow(0, 1, 2).select(1, 1).fill_(-1);
  assertEquals(x.index([torch.slice(), 1]).tolist(), [[4, -1, -1, 7], [16, -1, -1, 19]]);
  x.view(6, 4).unfold(1, 2, 2).select(2, 0).zero_();
  assertEquals(x.at(0).tolist(), [[0, 1, 0, 3], [0, -1, 0, 7], [0, 9, 0, 11]]);
  for (const part of [...x.split(1), ...x.chunk(2, 1), ...x.unbind(-1), x.diagonal(), x.T, x.mT]) {
    assertStrictEquals(part.storage, x.storage);
  }
});

Deno.test("shape: repeatInterleave copies, a scalar too", () => {
  const x = torch.tensor(1), y = x.repeatInterleave(2);
  y.at(0).add_(1);
  assertEquals([x.tolist(), y.tolist()], [1, [2, 1]]);
});

Deno.test("shape: elements of every size, and rows with SIMD tails", () => {
  const dtypes = [torch.bool, torch.int8, torch.int16, torch.int32, torch.int64, torch.bfloat16];
  for (const dtype of dtypes) {
    const x = range(3, 5).to(dtype),
      same = (y: Tensor, want: unknown) => {
        assertStrictEquals(y.dtype, dtype);
        assertEquals(y.to(torch.float32).tolist(), want);
      };
    const plain = x.to(torch.float32).tolist() as number[][];
    same(torch.cat([x, x.flip(0)]), [...plain, ...plain.toReversed()]);
    same(x.tril(), plain.map((row, i) => row.map((v, j) => j <= i ? v : 0)));
    same(x.repeat(2, 1), [...plain, ...plain]);
    same(x.at(long([2, 0])), [plain[2], plain[0]]);
    same(F.pad(x, [0, 0, 1, 0]), [[0, 0, 0, 0, 0], ...plain]);
  }
  for (let n = 1; n <= 40; n++) {
    const x = range(2, n), row = Array.from({ length: n }, (_, i) => i);
    assertEquals(x.flip(1).at(0).tolist(), row.toReversed());
    assertEquals(x.roll(1, 1).at(0).tolist(), [n - 1, ...row.slice(0, -1)]);
    const y = torch.zeros(3, n).indexPut_([long([1, 1])], x, true);
    assertEquals(y.at(1).tolist(), row.map((i) => 2 * i + n));
    const sums = range(n).unfold(0, 1, 1).expand(n, 3);
    assertEquals(sums.sum().item(), 3 * n * (n - 1) / 2);
  }
});

Deno.test("shape: arguments by position and by name", () => {
  const x = range(2, 3, 4), shape = (y: Tensor) => y.shape;
  assertEquals(shape(x.view({ size: [6, -1] })), [6, 4]);
  assertEquals(shape(x.permute({ dims: [2, 0, 1] })), [4, 2, 3]);
  assertEquals(shape(x.flatten({ startDim: 1 })), [2, 12]);
  assertEquals(shape(x.transpose({ dim0: 0, dim1: -1 })), [4, 3, 2]);
  assertEquals(x.split({ splitSize: 2, dim: 2 }).map(shape), [[2, 3, 2], [2, 3, 2]]);
  assertEquals(shape(F.pad(x, { pad: [1, 1], value: 3 })), [2, 3, 6]);
  assertEquals(shape(torch.squeeze(range(1, 2, 1), { dim: -1 })), [1, 2]);
  assertEquals(torch.atleast1d(torch.tensor(1), torch.tensor([2])).map(shape), [[1], [1]]);
  assertEquals(shape(x.to(torch.float32)), [2, 3, 4]);
  assertStrictEquals(x.to(torch.float32), x);
  assert(x.to(torch.float32, false, true) !== x);
  assertEquals(x.type(), "torch.FloatTensor");
  assertStrictEquals(x.type("torch.LongTensor").dtype, torch.int64);
});

Deno.test("shape: bad calls are refused by name", () => {
  const x = range(2, 3);
  const refused: [() => unknown, RegExp][] = [
    [() => x.view(4, 2), /view: shape \[4, 2\] does not fit .* 6 elements/],
    [() => x.T.view(6), /view: .* use reshape/],
    [() => torch.cat([x, range(2)]), /cat: .* \[2, 3\] and \[2\] \(tensor 1\)/],
    [() => torch.cat([x, range(3, 4)]), /cat: .* differ at axis 1/],
    [() => torch.stack([]), /stack: expected at least one tensor/],
    [() => x.expand(3, 3), /expand: .* \[2, 3\] cannot be expanded to \[3, 3\]/],
    [() => x.split([1, 1], 1), /split: sizes \[1, 1\] add up to 2, axis 1 has size 3/],
    [() => x.chunk(0), /chunk: chunks must be at least 1/],
    [() => x.flip(0, -2), /flip: an axis appears twice/],
    [() => x.repeat(2), /repeat: expected at least 2 numbers/],
    [() => x.unfold(1, 4, 1), /unfold: a window of size 4 does not fit axis 1 of size 3/],
    [() => x.movedim([0, 1], [0]), /movedim: as many axes/],
    [() => F.pad(x, [3, 0], "reflect"), /pad: axis 1 of size 3 cannot be padded by 3/],
    [() => range(3).mT, /mT: expected a tensor of at least 2 axes, got shape \[3\]/],
    [() => F.fold(range(1, 5, 4), [3, 3], 2), /fold: columns of 5 elements/],
  ];
  for (const [call, message] of refused) {
    const error = assertThrows(call, RangeError);
    assert(message.test(error.message), error.message);
  }
  assertThrows(() => F.pad(x, [1, 1], "reflect", 2), TypeError);
  assertThrows(() => torch.cat([x, 1 as unknown as Tensor]), TypeError);
});

Deno.test("shape: data, resize_, detach_ and views in place", () => {
  const w = input(2, 2), y = w.mul(2);
  w.data.fill_(5);
  assertEquals(w.tolist(), [[5, 5], [5, 5]]);
  y.sum().backward(); // the change through data goes unnoticed
  w.data = torch.ones(3, { dtype: torch.float32 });
  assertEquals([w.shape, w.dtype, w.requiresGrad, w.isLeaf], [[3], torch.float32, true, true]);

  const x = range(2, 3), part = x.at(1);
  x.resize_(4, 2);
  assertEquals(x.at(2).tolist(), [4, 5]);
  assertEquals(part.fill_(9).tolist(), [9, 9, 9]);
  assertEquals(x.at(torch.slice(1, 3)).tolist(), [[2, 9], [9, 9]]);
  assertEquals(x.resize_(2).tolist(), [0, 1]);
  assertThrows(() => input(2).resize_(3), Error, "requires a gradient");

  const z = input(2, 3).mul(1);
  assertStrictEquals(z.detach_(), z);
  assert(z.isLeaf && !z.requiresGrad);
  assertThrows(() => z.view(6).detach_(), Error, "view");

  const leaf = input(2, 3), t = leaf.mul(1).t_().unsqueeze_(0).squeeze_();
  assertEquals(t.shape, [3, 2]);
  t.mul(range(3, 2)).sum().backward();
  assertEquals(leaf.grad!.tolist(), [[0, 2, 4], [1, 3, 5]]);
  assertThrows(() => leaf.t_(), Error, "leaf");
});

Deno.test("transposed views are copied in blocks: every size, wherever the rows are split", () => {
  const { heap, kernels } = new WasmBackend(), size = 3 * 21 * 19;
  const [x, y] = [0, 0].map(() => heap.reserve(size * 4));
  const at = (address: number) => new Float32Array(heap.u8.buffer, address, size);
  at(x).forEach((_, i, values) => values[i] = i);
  for (const [rows, columns] of [[8, 4], [21, 19], [19, 21], [7, 13], [16, 3], [9, 1]]) {
    const n = 3 * rows * columns;
    for (const split of [0, 1, 5, rows + 3, 2 * rows + 8]) {
      at(y).fill(-1);
      for (const [begin, end] of [[0, split], [split, 3 * rows]]) {
        // y: [3, rows, columns], x: the same, stored as [3, columns, rows]
        kernels.copy_b4(
          y,
          x,
          3,
          rows,
          columns,
          0,
          rows * columns,
          columns,
          1,
          0,
          rows * columns,
          1,
          rows,
          begin,
          end,
        );
      }
      at(y).forEach((value, i) => {
        const row = Math.trunc(i / columns) % rows, first = i - i % (rows * columns);
        assertEquals(value, i < n ? first + i % columns * rows + row : -1);
      });
    }
  }
});
