/**
 * Sorting, selection and searching on a CUDA device against the CPU, bit for bit: slices for warps, for blocks and for many
 * blocks; equal elements, both zeros, numbers that are none.
 */
import { assertEquals } from "@std/assert";
import * as torch from "../mod.ts";
import { cudaTest, gpu, setOrder } from "./cuda.ts";

type Tensor = torch.Tensor;

/** The bits of tensors, as strings of the elements: -0 and NaN are told apart. */
function bits(...tensors: Tensor[]): string[] {
  return tensors.map((x) => {
    const data = x.detach().cpu().contiguous().toTypedArray() as Float64Array;
    return `${x.dtype}[${x.shape}] ` +
      Array.from(data, (v) => Object.is(v, -0) ? "-0" : `${v}`).join();
  });
}

/** Asserts that `f` gives the same bits on both devices. */
function same(
  name: string,
  f: (...x: Tensor[]) => Tensor | Iterable<Tensor>,
  ...operands: Tensor[]
): void {
  const run = (device: string) => {
    const y = f(...operands.map((x) => x.to(device)));
    return bits(...y instanceof torch.Tensor ? [y] : y);
  };
  assertEquals(run("cuda"), run("cpu"), name);
}

/** Asserts that `f` on the device gives what `expected` gives on the CPU. */
function gives(
  name: string,
  f: (x: Tensor) => Iterable<Tensor>,
  x: Tensor,
  expected: (x: Tensor) => Iterable<Tensor>,
): void {
  assertEquals(bits(...f(x.cuda())), bits(...expected(x)), name);
}

const DTYPES = [torch.float32, torch.float64, torch.int64, torch.int32, torch.uint8];

/** [rows, n] with many equal elements, zeros of both signs, infinities and NaN. */
function ties(rows: number, n: number, dtype = torch.float32): Tensor {
  const most = n > 500 ? 40 : 5;
  const x = torch.randint(dtype === torch.uint8 ? 0 : -most, most, [rows, n]).to(dtype);
  if (dtype.kind !== "float") return x;
  const at = (k: number) => torch.randint(0, x.numel(), [Math.ceil(x.numel() / k)]);
  const line = x.view(-1);
  const special: [number, number][] = [[-0, 7], [NaN, 50], [-Infinity, 60], [Infinity, 60], [
    1e-40,
    30,
  ]];
  for (const [value, k] of special) line.indexFill_(0, at(k), value);
  return x;
}

/** Sizes for a warp, for blocks with few and many elements a thread, for several blocks. */
const SIZES = [7, 33, 700, 2049, 4097];

function tests(name: string, run: () => void): void {
  cudaTest(`as the CPU, bit for bit: ${name}`, () => {
    for (const order of gpu ? ["forward"] : ["forward", "random:5"]) {
      setOrder(order);
      torch.manualSeed(11);
      using _ = torch.scope();
      run();
    }
    setOrder("forward");
  });
}

tests("sort", () => {
  for (const [i, n] of SIZES.entries()) {
    const x = ties(2, n, DTYPES[i % DTYPES.length]), y = ties(3, n);
    same(`${x.dtype} ${n}`, (x) => torch.sort(x, { stable: true }), x);
    same(`descending ${n}`, (x) => torch.sort(x, { stable: true, descending: true }), y);
    if (n < 5000) {
      same(
        `columns ${n}`,
        (x) => torch.sort(x, { stable: true, dim: 1 }),
        ties(n, 2).view(1, n, 2),
      );
    }
  }
  for (const dtype of DTYPES) {
    same(`${dtype} over blocks`, (x) => torch.sort(x, { stable: true }), ties(1, 4500, dtype));
  }
  // Numbers that differ in every digit, negative ones too.
  const wide = torch.randint(-(2 ** 52), 2 ** 52, [3000]).mul(1021);
  same("all digits", (x) => torch.sort(x, { stable: true, descending: true }), wide);
  same("one value", (x) => torch.sort(x, { stable: true }), torch.ones(5000));
});

tests("topk and kthvalue", () => {
  for (const n of SIZES) {
    const x = ties(3, n), k = Math.ceil(n / 3);
    for (const largest of [true, false]) {
      const first = (x: Tensor) =>
        [...torch.sort(x, { stable: true, descending: largest })].map((y) => y.narrow(1, 0, k));
      gives(`topk ${n}`, (x) => torch.topk(x, k, { largest }), x, first);
    }
    const kth = (x: Tensor) => [...torch.sort(x, { stable: true })].map((y) => y.select(1, k - 1));
    gives(`kthvalue ${n}`, (x) => torch.kthvalue(x, k), x, kth);
  }
  const x = ties(6000, 2, torch.int64);
  const first = (x: Tensor) =>
    [...torch.sort(x, { stable: true, dim: 0 })].map((y) => y.narrow(0, 0, 9));
  gives("topk of columns", (x) => torch.topk(x, 9, { dim: 0, largest: false }), x, first);
});

tests("median and mode", () => {
  for (const n of [1, 32, 300, 4097]) {
    const x = ties(3, n), numbers = torch.randint(-9, 9, [3, n]);
    numbers.at(2).fill_(4);
    same(`median ${n}`, (x) => torch.median(x, 1), x);
    same(`nanmedian ${n}`, (x) => torch.nanmedian(x, 1), x);
    same(`median of numbers ${n}`, (x) => torch.median(x, 1), numbers);
    same(`median of columns ${n}`, (x) => torch.median(x, 0), numbers.t().contiguous());
    // The last of the most frequent: where it is hangs on the order of equal elements, which the CPU's sort does not keep.
    const values = (x: Tensor) => [torch.mode(x, 1).values];
    same(`mode ${n}`, values, numbers);
    const last = (x: Tensor) => {
      const { values } = torch.mode(x, 1), place = torch.arange(n).expand(3, n);
      return [
        values,
        torch.where(x.eq(values.unsqueeze(1)), place, torch.tensor(-1, { dtype: torch.int64 }))
          .amax(1),
      ];
    };
    gives(`place of the mode ${n}`, (x) => torch.mode(x, 1), numbers.double(), last);
  }
  const long = ties(1, 70_001);
  same("median of a long row", (x) => torch.nanmedian(x, 1), long);
});

tests("masks, repeats and runs", () => {
  for (const n of [1, 5, 1025, 4200]) {
    const mask = torch.rand(n).lt(0.3);
    same(`nonzero ${n}`, (x) => torch.nonzero(x), mask);
    same(`x[mask] ${n}`, (x, m) => x.index([m]), torch.randn(n), mask);
    same(`a[mask, mask] ${n}`, (x, m) => x.index([m]), torch.randn(n, 3), mask);
    const counts = torch.randint(0, 12, [n]);
    counts.at(0).fill_(300);
    same(`repeatInterleave ${n}`, (c) => torch.repeatInterleave(c), counts);
    const options = { returnInverse: true, returnCounts: true } as const;
    const line = torch.randint(0, 40, [n]);
    same(`unique ${n}`, (x) => torch.unique(x, options) as Tensor[], line);
    same(
      `uniqueConsecutive ${n}`,
      (x) => torch.uniqueConsecutive(x, options) as Tensor[],
      line.div(9, "floor"),
    );
  }
  same(
    "a mask of two axes",
    (x, m) => x.index([m]),
    torch.randn(60, 50),
    torch.rand(60, 50).lt(0.5),
  );
  const rows = torch.randint(0, 3, [700, 5]),
    options = { dim: 0, returnInverse: true, returnCounts: true } as const;
  same("rows", (x) => torch.unique(x, options) as Tensor[], rows);
  same(
    "wide rows",
    (x) => torch.unique(x, options) as Tensor[],
    torch.randint(0, 2, [300, 40]).eq(0).to(torch.float32).mul(rows.at(0, 0)),
  );
});

tests("search, histograms and tables", () => {
  const sorted = torch.sort(torch.randn(3, 900)).values, x = torch.randn(3, 1200);
  x.at(0, 0).fill_(NaN);
  same(
    "searchsorted",
    (s, x) => [torch.searchsorted(s, x), torch.searchsorted(s, x, { right: true })],
    sorted,
    x,
  );
  const some = torch.randint(0, 500, [300]);
  same(
    "isin",
    (x, s) => [torch.isin(x, s), torch.isin(x, s, { invert: true })],
    torch.randint(0, 500, [2000]),
    some,
  );
  for (const bins of [3, 900, 5000]) {
    same(`histc ${bins}`, (x) => torch.histc(x, bins, -1, 2), torch.randn(40_000));
  }
  for (const offset of [-30, -3, 0, 2, 25, 60]) {
    for (const [rows, columns] of [[40, 30], [9, 50], [3, 1]]) {
      for (const make of [torch.trilIndices, torch.triuIndices]) {
        const on = (device: string) => bits(make(rows, columns, offset, { device }));
        assertEquals(on("cuda"), on("cpu"), `${make.name} ${rows} ${columns} ${offset}`);
      }
    }
  }
  const index = torch.randint(0, 30, [200]),
    offsets = torch.tensor([0, 0, 70, 71, 150], { dtype: torch.int64 });
  same(
    "embeddingBag",
    (i, w, o) => torch.nn.functional.embeddingBag(i, w, o, { mode: "max" }),
    index,
    torch.randn(30, 45),
    offsets,
  );
});
