/**
 * Runs the rows, every participant in its turn, several rounds of turns for each row.
 */
import { COPY_BYTES, FMA_FLOPS } from "./engines/limits.ts";
import { Participant } from "./process.ts";
import type { Row } from "./row.ts";
import { type Key, LABELS, limitCommand, type Side } from "./sides.ts";
import { merge, type Timing } from "./timing.ts";

/** How long each thing is measured, in milliseconds. */
export interface Pace {
  /** Turns of each participant on each row. */
  rounds: number;
  /** Samples in a turn. */
  ms: number;
  /** Running before the first. */
  warm: number;
}

/** What the machine can do: operations and bytes a second, on one core, and on all together. */
export interface Limits {
  flops: { one: number; all: number };
  bytes: { one: number; all: number };
}

/** A row's figures; those of a participant are under its key and its number of threads, as "torch@1". */
export interface Result {
  name: string;
  group: string;
  flops?: number;
  bytes?: number;
  cells: Record<string, Timing>;
}

/** A run of the benchmark; what results.json holds. */
export interface Results {
  machine: string;
  date: string;
  cores: number;
  pace: Pace;
  about: Record<string, string>;
  limits: Limits;
  rows: Result[];
  /** Why cells are empty: reasons, and the rows of each. */
  missing: { key: Key; threads: number; reason: string; rows: string[] }[];
  /** Rows where a participant computes something else than the library. */
  differences: string[];
}

/** How long an answer may take beyond what was asked for, in milliseconds: the slowest work takes a second or two. */
const PATIENCE = 20_000;
/** How far results may lie apart: sums of a thousand float32 in other orders, and approximations of exp and tanh. */
const TOLERANCE = 2e-3;

export const cellName = (key: Key, threads: number): string => `${key}@${threads}`;

/** Measures the machine's limits, for 100 ms each way. */
export async function measureLimits(cores: number): Promise<Limits> {
  const processes = Array.from({ length: cores }, () => new Participant(limitCommand));
  const limit = async (row: string, work: number) => {
    const ask = (p: Participant) => p.ask({ row, warm: 50, ms: 100 }, PATIENCE);
    await Promise.all(processes.map(ask));
    const one = await ask(processes[0]), all = await Promise.all(processes.map(ask));
    return {
      one: work / one.best * 1e6,
      all: all.reduce((sum, { median }) => sum + work / median * 1e6, 0),
    };
  };
  try {
    return { flops: await limit("fma", FMA_FLOPS), bytes: await limit("copy", COPY_BYTES) };
  } finally {
    await Promise.all(processes.map((p) => p.stop()));
  }
}

/** Measures `rows`; `tick` is called after every turn. */
export async function measure(
  rows: readonly Row[],
  sides: readonly Side[],
  pace: Pace,
  tick: (row: string) => void,
): Promise<Pick<Results, "rows" | "about" | "missing" | "differences">> {
  const participants = new Map(sides.map((side) => [side, new Participant(side.command)]));
  const about: Record<string, string> = {}, differences: string[] = [];
  const missing = new Map<string, Results["missing"][number]>();
  const miss = ({ key, threads }: Side, reason: string, row: string) => {
    const id = `${cellName(key, threads)} ${reason}`;
    if (!missing.has(id)) missing.set(id, { key, threads, reason, rows: [] });
    missing.get(id)!.rows.push(row);
  };
  const results: Result[] = [];
  try {
    for (const row of rows) {
      const { name, group, flops, bytes } = row;
      const turns = new Map<Side, Timing[]>(), failed = new Set<Side>();
      let expected: number | undefined;
      for (let round = 0; round < pace.rounds; round++) {
        for (const side of sides) {
          tick(name);
          if (failed.has(side)) continue;
          const participant = participants.get(side)!, refusal = side.refuses(row);
          try {
            if (refusal !== null) throw new Error(refusal);
            const { inputs } = row;
            const python = typeof row.torch === "string"
              ? { setup: "", code: row.torch }
              : row.torch;
            const request = { row: name, ms: pace.ms, warm: pace.warm };
            const { result, ...timing } = await participant.ask(
              side.key === "torch" ? { ...request, inputs, ...python } : request,
              PATIENCE + pace.ms + pace.warm,
            );
            about[cellName(side.key, side.threads)] = participant.about;
            if (round === 0 && result !== undefined && !row.unchecked) {
              expected ??= result;
              if (!(Math.abs(result - expected) <= TOLERANCE * Math.abs(expected))) {
                differences.push(
                  `${
                    LABELS[side.key]
                  }, ${side.threads} thread(s): ${name}: ${result} for ${expected}`,
                );
              }
            }
            turns.set(side, [...turns.get(side) ?? [], timing]);
          } catch (e) {
            failed.add(side);
            turns.delete(side);
            miss(side, (e as Error).message, name);
          }
        }
      }
      const cells = [...turns].map(([{ key, threads }, t]) => [cellName(key, threads), merge(t)]);
      results.push({ name, group, flops, bytes, cells: Object.fromEntries(cells) });
    }
  } finally {
    await Promise.all([...participants.values()].map((p) => p.stop()));
  }
  return { rows: results, about, missing: [...missing.values()], differences };
}
