/**
 * Writes to indexed positions on the CUDA device, against the CPU: many elements on one position, positions in one block's
 * sort and in one of many blocks, several outer indexes.
 */
import { assertEquals } from "@std/assert";
import * as torch from "../mod.ts";
import { setOrder } from "./cuda.ts";
import { same, testCases } from "./cuda_same.ts";

type Tensor = torch.Tensor;

const CASES: [name: string, run: () => void][] = [
  ["adding at indexes", () => {
    for (const [n, k] of [[10, 9], [500, 90], [3, 700], [90, 4500]]) {
      const index = torch.randint(0, n, [k]), x = torch.randn(n, 3);
      same(
        `indexAdd ${n}, ${k}`,
        (x, s) => x.indexAdd(0, index.to(x.device), s),
        x,
        torch.randn(k, 3),
      );
      same(
        `indexAdd ${n}, ${k}, inside`,
        (x, s) => x.indexAdd(1, index.to(x.device), s),
        torch.randn(2, n),
        torch.randn(2, k),
      );
      same(
        `indexPut ${n}, ${k}`,
        (x, s) => x.indexPut([index.to(x.device)], s, true),
        x,
        torch.randn(k, 3),
      );
      same(
        `x[i] ${n}, ${k}`,
        (x) => x.index([torch.slice(), index.to(x.device)]),
        torch.randn(2, n, 2),
      );
    }
    // Rows in packs, within an outer axis, and runs that are cut into pieces.
    for (const [n, k] of [[300, 260], [5, 900], [70000, 4500]]) {
      const index = torch.randint(0, n, [k]), source = torch.randn(2, k, 8);
      same(
        `indexAdd ${n}, ${k}, in packs`,
        (s) => torch.ones(2, n, 8, { device: s.device }).indexAdd(1, index.to(s.device), s),
        source,
      );
    }
    const index = torch.randint(0, 40, [300]), ints = torch.randint(0, 9, [300]);
    for (const dtype of [torch.int64, torch.int32, torch.uint8]) {
      same(
        `${dtype}`,
        (s) => torch.zeros(40, { device: s.device, dtype }).indexAdd(0, index.to(s.device), s),
        ints.to(dtype),
      );
    }
  }],
  ["writing at indexes: the last stays", () => {
    for (const [n, k] of [[10, 9], [500, 90], [3, 700], [90, 4500]]) {
      const index = torch.randint(0, n, [k]), other = torch.randint(0, 4, [k]);
      // One dtype of each size of elements; the long sort does not know of it.
      const dtypes = [torch.float32, torch.float64, torch.bfloat16, torch.uint8];
      for (const dtype of k > 1000 ? dtypes.slice(0, 1) : dtypes) {
        const x = torch.zeros(n, 3, { dtype }),
          source = torch.arange(3 * k).remainder(100).view(k, 3).to(dtype);
        same(
          `indexCopy ${dtype}`,
          (i, s) => x.to(i.device).indexCopy(0, i, s).detach(),
          index,
          source,
        );
        same(
          `indexPut ${dtype}`,
          (i, s) => x.to(i.device).indexPut([i], s).detach(),
          index,
          source,
        );
      }
      const wide = torch.zeros(4, n, 2);
      same(
        "two axes",
        (i, j) =>
          wide.to(i.device).indexPut([j, i], torch.linspace(0, 1, 2 * k).view(k, 2).to(i.device)),
        index,
        other,
      );
    }
  }],
  ["scattering", () => {
    for (const [n, k, inner] of [[5, 40, 1], [7, 300, 2], [40, 4500, 1]]) {
      const index = torch.randint(0, n, [2, k, inner]),
        x = torch.randn(2, n, inner),
        s = torch.randn(2, k, inner);
      same("scatterAdd", (x, s) => x.scatterAdd(1, index.to(x.device), s), x, s);
      same("scatter", (x, s) => x.scatter(1, index.to(x.device), s).detach(), x, s);
      const reductions = ["amax", "amin", "prod", "sum", "mean"] as const;
      for (const reduce of k > 1000 ? reductions.slice(0, 1) : reductions) {
        same(
          reduce,
          (x, s) => x.scatterReduce(1, index.to(x.device), s, reduce).detach(),
          x,
          reduce === "prod" ? s.mul(0.1).add(1) : s,
        );
      }
    }
    same("bincount", (x) => torch.bincount(x), torch.randint(0, 20, [3000]));
  }],
  ["adding into overlapping places", () => {
    const x = torch.randn(3, 50);
    same("unfold by 4", (x) => x.unfold(1, 11, 4).mul(2), x);
    same("unfold by 1", (x) => x.unfold(1, 5, 1).unfold(0, 2, 1).mul(2), x);
    same("asStrided", (x) => x.asStrided([4, 3, 7], [0, 2, 3]).mul(2), torch.randn(40));
    same(
      "asStrided twice on one",
      (x) => x.asStrided([5, 6, 4], [1, 1, 6]).mul(2),
      torch.randn(60),
    );
    same("expand", (x) => x.asStrided([6, 5, 2], [0, 0, 3]).mul(2), torch.randn(10));
  }],
  ["equal calls give equal bits", () => {
    const index = torch.randint(0, 5, [6000]).to("cuda"), s = torch.randn(6000, 2).to("cuda");
    const sums = ["forward", "random:3", "reverse"].map((order) => {
      setOrder(order);
      return torch.zeros(5, 2, { device: "cuda" }).indexAdd(0, index, s).cpu().tolist();
    });
    assertEquals(sums[1], sums[0]);
    assertEquals(sums[2], sums[0]);
  }],
];

testCases(CASES);
