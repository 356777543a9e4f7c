/**
 * The subscript language against Python's and PyTorch's: what each mixture selects, where its axes go, assignment,
 * gradients, and errors by name.
 */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import type { Index, Tensor } from "../mod.ts";

const { slice } = torch;
const long = (values: torch.Nested) => torch.tensor(values, { dtype: torch.int64 });
const mask = (values: torch.Nested) => torch.tensor(values, { dtype: torch.bool });

/** 0, 1, 2, ... in shape [2, 3, 4]. */
const cube = () => torch.fromArray(Float32Array.from({ length: 24 }, (_, i) => i), [2, 3, 4]);

const M23 = mask([[true, false, true], [false, true, true]]);

// The shapes are those that PyTorch 1.13 gives, the first elements too.
const SELECTED: [items: Index[], shape: number[], first: number[]][] = [
  [[], [2, 3, 4], [0, 1, 2]],
  [[1], [3, 4], [12, 13, 14]],
  [[-1, 0, -2], [], [14]],
  [[slice(), 1], [2, 4], [4, 5, 6]],
  [["...", 1], [2, 3], [1, 5, 9]],
  [[slice(1), "...", slice(null, null, 3)], [1, 3, 2], [12, 15, 16]],
  [[0, slice(-2, 10), slice(3, 1)], [2, 0], []],
  [[null, 0, null, "..."], [1, 1, 3, 4], [0, 1, 2]],
  [[true], [1, 2, 3, 4], [0, 1, 2]],
  [[slice(), false], [2, 0, 3, 4], []],
  [[long([1, 0, -1])], [3, 3, 4], [12, 13, 14]],
  [[[1, 0]], [2, 3, 4], [12, 13, 14]],
  [[slice(), long([[0, 2]])], [2, 1, 2, 4], [0, 1, 2]],
  [[slice(), long([0, 1]), long([[0], [3]])], [2, 2, 2], [0, 4, 3]],
  [[long([0, 1]), slice(), long([0, 3])], [2, 3], [0, 4, 8]],
  [[long([[0, 1], [1, 0]]), slice(), long([0, 3])], [2, 2, 3], [0, 4, 8]],
  [[0, slice(), long([0, 1])], [3, 2], [0, 1, 4]],
  [[slice(), long([0, 1]), null, long([0, 1])], [2, 2, 1], [0, 12, 5]],
  [[long([0, 1]), true], [2, 3, 4], [0, 1, 2]],
  [[long(1), long([2, 0])], [2, 4], [20, 21, 22]],
  [[torch.tensor([1, 0], { dtype: torch.int32 })], [2, 3, 4], [12, 13, 14]],
  [[M23], [4, 4], [0, 1, 2]],
  [[M23, slice(1, 3)], [4, 2], [1, 2, 9]],
  [[M23, long(1)], [4], [1, 9, 17]],
  [[slice(), slice(), mask([true, false, false, true])], [2, 3, 2], [0, 3, 4]],
  [["...", [true, false, false, true]], [2, 3, 2], [0, 3, 4]],
  [[torch.tensor([0, 1], { dtype: torch.uint8 })], [1, 3, 4], [12, 13, 14]],
  [[torch.tensor(true)], [1, 2, 3, 4], [0, 1, 2]],
  [[[]], [0, 3, 4], []],
];

Deno.test("subscript: every form selects what PyTorch selects", () => {
  for (const [items, shape, first] of SELECTED) {
    const y = cube().index(items);
    assertEquals(y.shape, shape, String(items));
    assertEquals([...y.toTypedArray().slice(0, 3)], first, String(items));
    assertEquals(cube().at(...items).tolist(), y.tolist());
  }
});

Deno.test("subscript: of layouts that are not contiguous", () => {
  const x = cube(),
    views: ((x: Tensor) => Tensor)[] = [
      (x) => x.transpose(0, 2),
      (x) => x.permute(1, 2, 0).narrow(1, 1, 3),
      (x) => x.at(slice(), slice(null, null, 2), slice(1)),
      (x) => x.at(1).expand(2, 3, 4),
      (x) => x.unsqueeze(2).expand(2, 3, 2, 4),
    ];
  for (const view of views) {
    const a = view(x), b = a.clone(), i = long([1, 0, 1]), j = long([[1], [0]]);
    const forms: Index[][] = [[i], [slice(), i], [slice(), i, j], [j, slice(), i], [0, i], [
      b.gt(10),
    ]];
    for (const items of forms) {
      assertEquals(a.index(items).tolist(), b.index(items).tolist());
    }
  }
});

Deno.test("subscript: basic forms are views, the others copies", () => {
  const x = cube();
  assertStrictEquals(x.at(0, slice(1), null, "...").storage, x.storage);
  x.at("...", 0).zero_();
  assertEquals(x.at(0, 0).tolist(), [0, 1, 2, 3]);
  assertEquals(x.at(slice(), slice(), 0).sum().item(), 0);
  x.at(long([0])).zero_();
  assertEquals(x.at(0, 0).tolist(), [0, 1, 2, 3]);
});

Deno.test("subscript: assignment by every form, in views too", () => {
  for (const [items] of SELECTED) {
    const x = cube(), y = x.index(items);
    const value = torch.fromArray(
      Float32Array.from({ length: y.numElements }, (_, i) => 100 + i),
      y.shape,
    );
    x.indexPut_(items, value);
    // What is written is read back, unless it was written to one place twice.
    if (new Set<unknown>([...y.toTypedArray()]).size === y.numElements) {
      assertEquals(x.index(items).tolist(), value.tolist(), String(items));
    }
    const z = cube();
    z.indexPut_(items, z.index(items).mul(2));
    z.indexPut_(items, -1).indexPut_(items, cube().index(items));
    assertEquals(z.tolist(), cube().tolist(), String(items));
  }
  const x = torch.zeros(3, 4);
  x.t().indexPut_([long([1, 1, 2]), long([0, 0, 1])], torch.tensor([1, 2, 3]), true);
  assertEquals(x.tolist(), [[0, 3, 0, 0], [0, 0, 3, 0], [0, 0, 0, 0]]);
  x.indexPut_([mask([true, false, true])], torch.ones(1, 1, 4)); // leading ones are dropped
  assertEquals(x.sum(1).tolist(), [4, 3, 4]);
  const b = torch.zeros(2, { dtype: torch.bool });
  b.indexPut_([long([0, 0])], torch.tensor([true, true]), { accumulate: true });
  assertEquals(b.tolist(), [true, false]);
  for (const dtype of [torch.float16, torch.int8, torch.int16, torch.uint8, torch.int64]) {
    const n = torch.ones(3, { dtype }).indexPut_(
      [long([0, 2, 0])],
      torch.ones(3, { dtype }),
      true,
    );
    assertEquals(n.to(torch.float32).tolist(), [3, 1, 2]);
  }
  // The source may be part of the target.
  const s = torch.tensor([1, 2, 3]);
  s.indexPut_([long([2, 1, 0])], s);
  assertEquals(s.tolist(), [3, 2, 1]);
});

Deno.test("subscript: gradients, of values and targets, with repeated indexes", () => {
  const w = torch.tensor([1, 2, 3, 4]).requiresGrad_();
  w.at(long([0, 0, 3])).mul(torch.tensor([1, 10, 100])).sum().backward();
  assertEquals(w.grad!.tolist(), [11, 0, 0, 100]);

  const x = torch.ones(2, 3).requiresGrad_(), v = torch.ones(1).requiresGrad_();
  const y = x.mul(2);
  const row = y.at(0); // sees the assignment
  y.indexPut_([0, long([0, 2])], v);
  row.mul(torch.tensor([1, 2, 3])).sum().backward();
  assertEquals(x.grad!.tolist(), [[0, 4, 0], [0, 0, 0]]);
  assertEquals(v.grad!.tolist(), [4]);

  // An index that is changed before backward is noticed, as any saved tensor.
  const i = long([0, 1]), z = w.at(i).sum();
  i.fill_(2);
  assertThrows(() => z.backward(), Error, "changed in place");
  assertThrows(() => w.indexPut_([0], 1), Error, "leaf");
  torch.noGrad(() => w.indexPut_([0], 7));
  assertEquals(w.at(0).item(), 7);
});

Deno.test("subscript: bad ones are refused by name, and nothing is written", () => {
  const x = cube();
  const refused: [() => unknown, RegExp][] = [
    [() => x.at(2), /^at: index 2 is out of range for axis 0 of size 2$/],
    [() => x.at(0, -4), /^at: index -4 is out of range for axis 1 of size 3$/],
    [() => x.at(0, long([0, 3])), /^at: index 3 is out of range for axis 1 of size 3$/],
    [() => torch.zeros(2, 0).at(0, long([1])), /^at: an index is given for axis 1 of size 0$/],
    [() => x.at(0, 0, 0, 0), /^at: 4 axes are indexed, .* \[2, 3, 4\] has 3$/],
    [() => x.index(mask([true, false, true])), /^index: a mask of shape \[3\] does not fit/],
    [() => x.at(long([0, 1]), long([0, 1, 2])), /shapes \[2\] and \[3\] do not broadcast/],
    [() => slice(0, 1, -1), /^slice: the step must be at least 1/],
    [() => x.indexPut_([long([0, 5])], 1), /^indexPut_: index 5 is out of range/],
    [() => x.indexPut_([0], torch.ones(5)), /^indexPut_: .*\[5\].*\[3, 4\]/],
    [() => x.indexPut_([long([0])], torch.ones(3)), /^indexPut_: .*\[3\].*\[1, 3, 4\]/],
  ];
  for (const [call, message] of refused) {
    const error = assertThrows(call, RangeError);
    assert(message.test(error.message), error.message);
  }
  assertThrows(() => x.at(torch.ones(2)), TypeError, "int64 or int32");
  assertThrows(() => x.at(0.5), TypeError, "whole number");
  assertThrows(() => x.at("x" as unknown as Index), TypeError);
  assertThrows(
    () => x.indexPut_([long([0])], torch.ones(3, 4, { dtype: torch.float64 })),
    TypeError,
  );
  assertEquals(x.tolist(), cube().tolist());
});
