/**
 * float16, bfloat16 and int8: conversions of every pattern, and products with them against float64, at all sizes, layouts
 * and splits, in both flavours.
 */
import { assert, assertEquals } from "@std/assert";
import * as torch from "../mod.ts";
import { F } from "../mod.ts";
import type { DType } from "../src/backend/dtype.ts";
import { WasmBackend } from "../src/backend/wasm.ts";

let seed = 4711;
const random = () => {
  seed = (seed * 1664525 + 1013904223) >>> 0;
  return seed / 2 ** 32;
};
const below = (n: number) => Math.floor(random() * n);
const pick = <T>(xs: readonly T[]) => xs[below(xs.length)];

const ALL = Uint16Array.from({ length: 65536 }, (_, i) => i);
const HALVES: DType[] = [torch.float16, torch.bfloat16];

/** The numbers that bits stand for. */
function valuesOf(bits: Uint16Array, dtype: DType): Float32Array {
  return dtype === torch.float16
    ? Float32Array.from(new Float16Array(bits.buffer as ArrayBuffer, bits.byteOffset, bits.length))
    : new Float32Array(Uint32Array.from(bits, (b) => b << 16).buffer);
}

/** The bits of float32 rounded to nearest, ties to even, as the host or arithmetic says. */
function roundedBits(values: Float32Array, dtype: DType): Uint16Array {
  if (dtype === torch.float16) return new Uint16Array(new Float16Array(values).buffer);
  const bits = new Uint32Array(values.buffer);
  return Uint16Array.from(bits, (b, i) => {
    if (Number.isNaN(values[i])) return 0x7fc0;
    const low = b & 0xffff, high = b >>> 16;
    return low > 0x8000 || (low === 0x8000 && high % 2 === 1) ? high + 1 : high;
  });
}

/** Bits with one NaN in the place of all. */
const oneNaN = (bits: Uint16Array, dtype: DType) => {
  const values = valuesOf(bits, dtype);
  return Array.from(bits, (b, i) => Number.isNaN(values[i]) ? -1 : b);
};

Deno.test("half: every pattern is widened exactly, and survives the way back", () => {
  for (const dtype of HALVES) {
    const x = torch.fromArray(ALL, [65536], { dtype });
    const wide = x.to(torch.float32), want = valuesOf(ALL, dtype);
    assertEquals(wide.toTypedArray(), want);
    const back = wide.to(dtype).toTypedArray() as Uint16Array;
    assertEquals(oneNaN(back, dtype), oneNaN(ALL, dtype));
    // An odd start and length: the ends of vectors.
    assertEquals(
      x.narrow(0, 30001, 1003).to(torch.float32).toTypedArray(),
      want.slice(30001, 31004),
    );
  }
});

Deno.test("half: float32 is rounded to nearest, ties to even", () => {
  for (const dtype of HALVES) {
    const values = valuesOf(ALL, dtype),
      cases: number[] = [3.4e38, -3.4e38, 65519.99, 65520, 1e-45];
    for (let i = 0; i < 65535; i++) {
      const middle = (values[i] + values[i + 1]) / 2;
      if (!Number.isFinite(middle)) continue;
      const one = new Float32Array([middle]), bits = new Uint32Array(one.buffer);
      cases.push(one[0]);
      bits[0]++;
      cases.push(one[0]);
      bits[0] -= 2;
      cases.push(one[0]);
    }
    const x = Float32Array.from(cases);
    const got = torch.fromArray(x).to(dtype).toTypedArray() as Uint16Array;
    assertEquals(oneNaN(got, dtype), oneNaN(roundedBits(x, dtype), dtype));
  }
});

Deno.test("half: products with every pattern are exact", () => {
  for (const dtype of HALVES) {
    // A sum of zeros is +0, and of what NaN is made does not matter.
    const plain = (v: number) => Number.isNaN(v) ? NaN : v + 0;
    const values = valuesOf(ALL, dtype).map(plain);
    const numbers = (x: torch.Tensor) =>
      (x.to(torch.float32).toTypedArray() as Float32Array).map(plain);
    // Infinite ones too, one to a column: 0 times those would spoil the others.
    const column = torch.fromArray(ALL, [65536, 1], { dtype });
    for (const rows of [1, 2, 9]) {
      const y = F.linear(torch.ones([rows, 1], { dtype }), column);
      for (let i = 0; i < rows; i++) assertEquals(numbers(y.at(i)), values);
      assertEquals(numbers(torch.ones([rows, 1], { dtype }).matmul(column.t())), numbers(y));
    }
    const finite = ALL.filter((_, i) => Number.isFinite(values[i]));
    const table = torch.fromArray(finite, [finite.length / 8, 8], { dtype });
    const one = torch.eye(8, { dtype });
    for (const rows of [1, 2, 3, 8]) {
      const part = one.narrow(0, 0, rows), want = numbers(table.t().narrow(0, 0, rows));
      assertEquals(numbers(F.linear(part, table)), want);
      assertEquals(numbers(part.matmul(table.t().contiguous())), want);
    }
  }
});

/** A matrix of narrow elements somewhere in memory, and their values. */
function narrowMatrix(kind: string, rows: number, columns: number, wild: boolean) {
  if (kind === "_i8") {
    const data = Int8Array.from({ length: rows * columns }, () => below(256) - 128);
    return { data, values: Float32Array.from(data) };
  }
  const dtype = kind === "_f16" ? torch.float16 : torch.bfloat16;
  const bits = roundedBits(
    Float32Array.from({ length: rows * columns }, () => (random() * 2 - 1) * 2 ** -below(20)),
    dtype,
  );
  if (wild && bits.length > 0) {
    bits[below(bits.length)] = pick(dtype === torch.float16 ? [0x7c00, 0xfc00, 0x7e01] : [0x7f80]);
  }
  return { data: bits, values: valuesOf(bits, dtype) };
}

for (const flavour of ["baseline", "relaxed"] as const) {
  Deno.test(`half: mixed products against float64, whole and in parts (${flavour})`, () => {
    if (flavour === "relaxed" && new WasmBackend().flavour !== "relaxed") {
      console.log("skipped: the host has no relaxed SIMD");
      return;
    }
    const backend = new WasmBackend(flavour), { kernels, heap } = backend;
    const place = (values: Float32Array | Uint16Array | Int8Array) => {
      const storage = backend.allocate(Math.max(values.byteLength, 4));
      backend.write(storage, 0, new Uint8Array(values.buffer as ArrayBuffer));
      return storage;
    };
    for (let test = 0; test < 500; test++) {
      const kind = pick(["_f16", "_bf16", "_i8"] as const);
      const size = () => random() < 0.08 ? pick([64, 130, 257, 300]) : below(27);
      const m = 1 + (random() < 0.7 ? below(9) : size()), n = size();
      const k = kind === "_i8" && random() < 0.05 ? 4200 + below(40) : size();
      const alongK = kind === "_i8" || random() < 0.6, wild = random() < 0.1;
      const b = narrowMatrix(kind, alongK ? n : k, alongK ? k : n, wild);
      const [bRow, bColumn] = alongK ? [1, k] : [n, 1];
      const large = 2 ** pick([0, 0, 0, 14, 40, -40, kind === "_i8" ? 0 : 120]);
      const a = Float32Array.from({ length: m * k }, () => (random() * 2 - 1) * large);
      const numbers = () => Float32Array.from({ length: n }, () => random() * 2 - 1);
      const scale = kind === "_i8" ? numbers() : null, bias = random() < 0.5 ? numbers() : null;
      const guarded = new Float32Array(m * n + 16).fill(77);
      const c = place(guarded), d = place(guarded), at = place(a), bt = place(b.data);
      const st = scale && place(scale), biasAt = bias && place(bias);
      const cut = below(n + 1);
      const run = (to: typeof c, ranges: number[][]) => {
        for (const [begin, end] of ranges) {
          const scratch = backend.scratch(278_720 + 4 * (k + 32) * 8);
          kernels[`matmul_mixed${kind}`](
            backend.touch(to),
            backend.touch(at),
            backend.touch(bt),
            st ? backend.touch(st) : 0,
            biasAt ? backend.touch(biasAt) : 0,
            m,
            n,
            k,
            bRow,
            bColumn,
            scratch,
            begin,
            end,
          );
        }
      };
      run(c, [[0, n]]);
      run(d, [[cut, n], [0, cut]]);
      const start = backend.touch(c) >> 2, parts = backend.touch(d) >> 2;
      for (let i = 0; i < m; i++) {
        let greatest = 0;
        for (let p = 0; p < k; p++) greatest = Math.max(greatest, Math.abs(a[i * k + p]));
        for (let j = 0; j < n; j++) {
          let want = 0, magnitude = 0, weights = 0;
          for (let p = 0; p < k; p++) {
            const w = b.values[p * bRow + j * bColumn];
            want += a[i * k + p] * w;
            magnitude += Math.abs(a[i * k + p] * w);
            weights += Math.abs(w);
          }
          const s = scale?.[j] ?? 1;
          want = want * s + (bias?.[j] ?? 0);
          magnitude = magnitude * Math.abs(s) + Math.abs(bias?.[j] ?? 0);
          // int8: each activation is off by half a step of its row, 1 / 65534 of the greatest.
          const rounding = kind === "_i8" ? greatest * weights * Math.abs(s) / 65000 : 0;
          const got = heap.f32[start + i * n + j];
          const where = `${kind} ${m}x${k}x${n} [${bRow}, ${bColumn}] at ${i}, ${j}`;
          assert(
            Number.isFinite(want)
              ? Math.abs(got - want) <= (k + 4) * 2 ** -24 * magnitude + rounding
              : Object.is(got, want),
            `${where}: ${got}, not ${want}`,
          );
          assert(Object.is(heap.f32[parts + i * n + j], got), `${where}: another value in parts`);
        }
      }
      for (let i = 0; i < 16; i++) assertEquals(heap.f32[start + m * n + i], 77);
      for (const x of [c, d, at, bt]) x.free();
    }
  });
}
