import { assertEquals, assertThrows } from "@std/assert";
import { printTensor, setPrintOptions } from "../src/tensor/print.ts";
import cases from "./golden/print.json" with { type: "json" };

type Case = Omit<(typeof cases)[number], "values"> & { values: (number | string | boolean)[] };

/** What PyTorch names in snake_case. */
interface Options {
  profile?: "default" | "short" | "full";
  precision?: number;
  threshold?: number;
  edgeitems?: number;
  linewidth?: number;
  sci_mode?: boolean;
}

function print({ values, options, indent, ...tensor }: Case): string {
  const { sci_mode, ...rest } = options as Options;
  setPrintOptions({ profile: "default" });
  setPrintOptions({ ...rest, sciMode: sci_mode });
  const read = (index: number): number | bigint | boolean => {
    const value = values[index % values.length];
    if (typeof value !== "string") return value;
    return tensor.dtype === "int64" ? BigInt(value) : Number(value);
  };
  return printTensor({ ...tensor, read }, indent);
}

Deno.test("tensors print as in PyTorch", () => {
  try {
    for (const [i, c] of (cases as Case[]).entries()) {
      assertEquals(
        print(c),
        c.expected,
        `case ${i}: ${c.dtype} [${c.shape}] ${JSON.stringify(c.options)}`,
      );
    }
  } finally {
    setPrintOptions({ profile: "default" });
  }
});

Deno.test("a summary reads only what it shows", () => {
  let reads = 0;
  const read = (index: number): number => (reads++, index);
  const t = {
    shape: [1e6, 1e6],
    dtype: "float64",
    device: "cpu",
    requiresGrad: false,
    gradFn: null,
    read,
  };
  printTensor(t);
  assertEquals(reads, 36);
});

Deno.test("wrong print options throw and change nothing", () => {
  const t = {
    shape: [],
    dtype: "float32",
    device: "cpu",
    requiresGrad: false,
    gradFn: null,
    read: () => 0.5,
  };
  assertThrows(() => setPrintOptions({ precision: 2, edgeitems: 0 }), RangeError, "edgeitems is 0");
  assertThrows(() => setPrintOptions({ precision: 1.5 }), RangeError, "precision is 1.5");
  assertThrows(() => setPrintOptions({ threshold: NaN }), RangeError, "threshold is NaN");
  assertThrows(
    () => setPrintOptions({ profile: "long" as "short" }),
    TypeError,
    'profile is "long"',
  );
  assertEquals(printTensor(t), "tensor(0.5000)");
});
