/**
 * Where everything lies in the memory of an exported program: weights first, each with an address of its own, then what
 * is computed, where values that are not needed at the same time share their bytes.
 *
 * @module
 */
import { planOf } from "./convolution.ts";
import type { Lowered } from "./lower.ts";
import { type Operation, readsOf, writesOf } from "./operation.ts";
import { type Affine, type Value, valueFor } from "./program.ts";

/** Addresses and sizes, in bytes. */
export interface Layout {
  /** How many samples are computed at a time. */
  readonly chunk: number;
  /** The address of each value. */
  readonly addresses: ReadonlyMap<Value, number>;
  /** Values whose bytes come with the program, in the order of their addresses. */
  readonly weights: readonly Value[];
  /** Working space. */
  readonly scratch: number;
  /** The first address that is not used. */
  readonly end: number;
}

/** Samples are computed together while what they need at once stays below this. */
const COMPUTED = 4 << 20;
/** Vectors at the end of a block may reach as far beyond it. */
const SLACK = 64;

const room = (bytes: number) => Math.ceil((bytes + SLACK) / 64) * 64;

/** Lays out `program` for up to `maxBatch` samples. */
export function layOut(program: Lowered, maxBatch: number): Layout {
  const { ops } = program, weights = new Set<Value>();
  for (const op of ops) {
    for (const { value } of readsOf(op)) if (value.contents !== null) weights.add(value);
  }
  const addresses = new Map<Value, number>();
  let end = SLACK; // no kernel is given the address 0
  for (const value of weights) {
    addresses.set(value, end);
    end += room(value.bytes.base);
  }
  const one = place(program, 1);
  const chunk = separable(ops)
    ? Math.min(maxBatch, Math.max(1, Math.floor(COMPUTED / one.bytes)))
    : maxBatch;
  const scratch = end;
  end += room(Math.max(0, ...ops.map((op) => scratchOf(op, chunk))));
  const computed = place(program, chunk);
  for (const [value, offset] of computed.offsets) addresses.set(value, end + offset);
  return { chunk, addresses, weights: [...weights], scratch, end: end + computed.bytes };
}

/** Whether samples can be computed one after another: their number is the length of loops, and nothing else. */
function separable(ops: readonly Operation[]): boolean {
  const loop = (a: Affine) => a.base === 0;
  return ops.every((op) => {
    if ([...readsOf(op), ...writesOf(op)].some((p) => p.offset.perSample !== 0)) return false;
    if (op.kind === "linear") return loop(op.rows);
    if (op.kind === "convolution") return loop(op.batch);
    if (op.kind === "elementwise") return loop(op.n);
    return op.args.every((arg, i) =>
      !("perSample" in arg) || arg.perSample === 0 || (i === op.args.length - 1 && loop(arg))
    );
  });
}

function scratchOf(op: Operation, n: number): number {
  if (op.kind === "convolution") return planOf(op).scratch;
  if (op.kind !== "kernel") return 0;
  return Math.max(0, ...op.args.map((arg) => "scratch" in arg ? valueFor(arg.scratch, n) : 0));
}

/** Places what is computed for n samples: the largest first, each at the lowest offset that is free while it lives. */
function place(program: Lowered, n: number): { offsets: Map<Value, number>; bytes: number } {
  const lives = new Map<Value, { from: number; to: number }>();
  const live = (value: Value, at: number) => {
    if (value.contents !== null) return;
    const life = lives.get(value);
    if (life === undefined) lives.set(value, { from: at, to: at });
    else life.to = at;
  };
  live(program.input, -1);
  program.ops.forEach((op, i) => {
    for (const { value } of [...readsOf(op), ...writesOf(op)]) live(value, i);
  });
  live(program.output.value, program.ops.length);
  const size = (value: Value) => room(valueFor(value.bytes, n));
  const sorted = [...lives].sort(([a], [b]) => size(b) - size(a));
  const offsets = new Map<Value, number>();
  let bytes = 0;
  for (const [value, life] of sorted) {
    const taken = [...offsets]
      .filter(([other]) => {
        const { from, to } = lives.get(other)!;
        return from <= life.to && life.from <= to;
      })
      .map(([other, offset]) => [offset, offset + size(other)])
      .sort(([a], [b]) => a - b);
    let offset = 0;
    for (const [from, to] of taken) {
      if (offset + size(value) <= from) break;
      offset = Math.max(offset, to);
    }
    offsets.set(value, offset);
    bytes = Math.max(bytes, offset + size(value));
  }
  return { offsets, bytes };
}
