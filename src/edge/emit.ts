/**
 * The exported program in AssemblyScript: one function, `run(n)`, in which every address and size is a constant.
 *
 * @module
 */
import { planOf } from "./convolution.ts";
import { literal } from "./formula.ts";
import type { Layout } from "./layout.ts";
import type { Lowered } from "./lower.ts";
import type { KernelArgument, Operation } from "./operation.ts";
import { type Affine, type Place, valueFor } from "./program.ts";

/** AssemblyScript's types, by the suffix of a kernel's name. */
const TYPES: Readonly<Record<string, string>> = {
  "": "f32",
  _f64: "f64",
  _i64: "i64",
  _i32: "i32",
  _u8: "u8",
};

/** The text of the module that runs `program`, and tells when an input is NaN; `fileOf` names the file of assembly/ that a kernel is in. */
export function emit(
  program: Lowered,
  layout: Layout,
  fileOf: (kernel: string) => string,
): string {
  const imports = new Map<string, Set<string>>(), loops = new Map<string, string>();
  const data: string[] = [];
  const use = (file: string, name: string) => {
    let names = imports.get(file);
    if (names === undefined) imports.set(file, names = new Set());
    names.add(name);
    return name;
  };
  const size = (a: Affine) => {
    if (a.perSample === 0 || layout.chunk === 1) return String(valueFor(a, 1));
    const product = a.perSample === 1 ? "n" : `${a.perSample} * n`;
    return a.base === 0 ? product : `${product} + ${a.base}`;
  };
  const address = (place: Place | null) => {
    if (place === null) return "0";
    const { base, perSample } = place.offset;
    return size({ base: layout.addresses.get(place.value)! + base, perSample });
  };
  const argument = (arg: KernelArgument): string => {
    if ("base" in arg) return size(arg);
    if ("place" in arg) return address(arg.place);
    if ("scratch" in arg) return String(layout.scratch);
    const type = TYPES[arg.suffix];
    const value = type === "f32" ? literal(Number(arg.constant)) : String(Number(arg.constant));
    data.push(`memory.data<${type}>([${value}], 16)`);
    return `constant${data.length - 1}`;
  };
  const call = (op: Operation): string => {
    switch (op.kind) {
      case "linear":
        return `${use("./edge/linear", "linear")}(${
          [op.y, op.x, op.weight, op.bias].map(address).join(", ")
        }, ${size(op.rows)}, ${op.n}, ${op.k}, ${op.relu})`;
      case "convolution": {
        const { groups, channels, outputs, size: [h, w], count: [oh, ow], kernel } = op;
        const { band, rows, pitch } = planOf(op);
        return `${use("./edge/convolution", "convolution")}(${
          [op.y, op.x, op.weight, op.bias, op.residual].map(address).join(", ")
        }, ${layout.scratch}, ${op.relu}, ${op.pool}, ${size(op.batch)}, ${
          [groups, channels, outputs, h, w, oh, ow, ...kernel, ...op.stride, ...op.padding]
            .join(", ")
        }, ${[...op.dilation, band, rows, pitch].join(", ")})`;
      }
      case "elementwise": {
        const key = `${op.inputs.length} ${op.formula}`;
        let name = loops.get(key);
        if (name === undefined) loops.set(key, name = `loop${loops.size}`);
        return `${name}(${[op.y, ...op.inputs].map(address).join(", ")}, ${size(op.n)})`;
      }
      case "kernel":
        return `${use(fileOf(op.kernel), op.kernel)}(${op.args.map(argument).join(", ")})`;
    }
  };
  const { input } = program;
  const check = `${use("./edge/input", "has_nan")}(${layout.addresses.get(input)}, ${
    size({ base: 0, perSample: input.bytes.perSample / 4 })
  })`;
  const calls = program.ops.map((op) => `  ${call(op)};`);
  return [
    ...[...imports].map(([file, names]) => `import { ${[...names].join(", ")} } from "${file}";`),
    ...data.map((text, i) => `const constant${i} = ${text};`),
    ...[...loops].map(([key, name]) => loop(name, key)),
    `export function run(n: i32): bool {`,
    `  if (${check}) return true;`,
    ...calls,
    "  return false;",
    "}",
    "",
  ].join("\n");
}

/** A loop over vectors of four; the last one may reach beyond the end, where nothing lies. */
function loop(name: string, key: string): string {
  const space = key.indexOf(" "), count = Number(key.slice(0, space));
  const formula = key.slice(space + 1).replace(/\$(\d+)/g, "v128.load(x$1 + i)");
  const inputs = Array.from({ length: count }, (_, j) => `x${j}: usize`).join(", ");
  return `function ${name}(y: usize, ${inputs}, n: i32): void {
  const end = <usize>n << 2;
  for (let i: usize = 0; i < end; i += 16) v128.store(y + i, ${formula});
}`;
}
