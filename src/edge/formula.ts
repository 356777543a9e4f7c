/**
 * Elementwise kernels as formulas of vectors, so that chains of them become one loop.
 *
 * @module
 */
import { type Address, isPlace, type Step } from "./program.ts";

/** Kernels of one operand. The formulas are those of assembly/activation.ts and unary.ts: the same bits. */
const UNARY: Readonly<Record<string, string>> = {
  relu: "f32x4.pmax($0, f32x4.splat(0))",
  neg: "f32x4.neg($0)",
  abs: "f32x4.abs($0)",
  sqrt: "f32x4.sqrt($0)",
};

/** Kernels of one operand and parameters `a`, `b`. */
const ACTIVATION: Readonly<Record<string, string>> = {
  hardtanh: "f32x4.pmin(f32x4.pmax($0, @a), @b)",
  leaky_relu: "v128.bitselect($0, f32x4.mul($0, @a), f32x4.gt($0, f32x4.splat(0)))",
  threshold: "v128.bitselect(@b, $0, f32x4.le($0, @a))",
};

/** Kernels of two operands. */
const BINARY: Readonly<Record<string, string>> = {
  add: "f32x4.add($0, $1)",
  sub: "f32x4.sub($0, $1)",
  mul: "f32x4.mul($0, $1)",
  div: "f32x4.div($0, $1)",
  maximum: "f32x4.max($0, $1)",
  minimum: "f32x4.min($0, $1)",
};

/** A float32 number as AssemblyScript writes it. */
export function literal(x: number): string {
  const y = Math.fround(x);
  if (Number.isNaN(y)) return "f32.NaN";
  if (!Number.isFinite(y)) return y > 0 ? "f32.INFINITY" : "-f32.INFINITY";
  const text = Object.is(y, -0) ? "-0.0" : String(y);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** The formula of a vector of four results, and the inputs it names `$0`, `$1`; null if `step` is not elementwise. */
export function formulaOf(step: Step): { formula: string; inputs: Address[] } | null {
  const { kernel, at, n } = step;
  if (n.begin?.some((b) => b !== 0)) return null;
  if (kernel in UNARY) return { formula: UNARY[kernel], inputs: [at.x] };
  if (kernel in ACTIVATION) {
    const formula = ACTIVATION[kernel].replace(
      /@(a|b)/g,
      (_, name) => `f32x4.splat(${literal(n[name][0])})`,
    );
    return { formula, inputs: [at.x] };
  }
  if (!(kernel in BINARY)) return null;
  // Both operands go along with the result, or are a number.
  const inputs: Address[] = [];
  const operand = (address: Address, row: readonly number[], column: readonly number[]) => {
    if (address !== null && "constant" in address && column[0] === 0) {
      return `f32x4.splat(${literal(Number(address.constant))})`;
    }
    const along = n.columns.every((columns, i) =>
      column[i] === 1 && (columns === n.end[i] || row[i] === columns)
    );
    if (!isPlace(address) || !along) return null;
    inputs.push(address);
    return `$${inputs.length - 1}`;
  };
  const a = operand(at.a, n.aRow, n.aColumn), b = operand(at.b, n.bRow, n.bColumn);
  if (a === null || b === null || inputs.length === 0) return null;
  return {
    formula: BINARY[kernel].replace(/\$([01])/g, (_, i) => i === "0" ? a : b),
    inputs,
  };
}
