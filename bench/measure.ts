/**
 * Runs the rows, every participant in its turn, several rounds of turns for each row.
 */
import { COPY_BYTES, FMA_FLOPS } from "./engines/limits.ts";
import { Participant } from "./process.ts";
import type { Row } from "./row.ts";
import { type Key, limitCommand, type Side } from "./sides.ts";
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
  /** Participants that could not start. */
  absent: { key: Key; threads: number; reason: string }[];
  /** What is to be said of cells of the others, mostly why they are empty; and the rows of which that is true. */
  notes: { key: Key; note: string; rows: string[] }[];
}

/** How long an answer may take beyond what was asked for, in milliseconds: the slowest work takes some seconds. */
const PATIENCE = 15_000;
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

/** What a participant is asked for in its turn; Python has no file of rows, and gets the recipe too. */
function request(side: Side, row: Row, { ms, warm }: Pace): Record<string, unknown> {
  const { name, inputs, torch } = row;
  if (side.key !== "torch") return { row: name, ms, warm };
  const recipe = typeof torch === "string" ? { setup: "", code: torch } : torch;
  return { row: name, ms, warm, inputs, ...recipe };
}

/** Measures `rows` in every participant; `progress` is called before each turn. */
export async function measure(
  rows: readonly Row[],
  sides: readonly Side[],
  pace: Pace,
  progress: (done: number, total: number, row: string) => void,
): Promise<Omit<Results, "machine" | "date" | "cores" | "pace" | "limits">> {
  const present: [Side, Participant][] = [], absent: Results["absent"] = [];
  const about: Results["about"] = {}, notes: Results["notes"] = [], results: Result[] = [];
  const remark = (key: Key, note: string, row: string) => {
    let entry = notes.find((n) => n.key === key && n.note === note);
    if (!entry) notes.push(entry = { key, note, rows: [] });
    if (!entry.rows.includes(row)) entry.rows.push(row);
  };
  try {
    for (const side of sides) {
      const { key, threads } = side, participant = new Participant(side.command, side.env);
      const reason = side.absent ?? await participant.start();
      if (reason === null) {
        present.push([side, participant]);
        about[cellName(key, threads)] = participant.about;
      } else absent.push({ key, threads, reason });
    }
    let done = 0;
    const total = rows.length * pace.rounds * present.length;
    for (const row of rows) {
      const { name, group, flops, bytes } = row;
      const turns = new Map<Side, Timing[]>();
      for (const [side] of present) {
        const refusal = side.refuses(row);
        if (refusal === null) turns.set(side, []);
        else if (refusal !== "") remark(side.key, refusal, name);
      }
      let expected: number | undefined;
      for (let round = 0; round < pace.rounds; round++) {
        for (const [side, participant] of present) {
          progress(done++, total, name);
          if (!turns.has(side)) continue;
          try {
            const { result, note, ...timing } = await participant.ask(
              request(side, row, pace),
              PATIENCE + pace.ms + pace.warm,
            );
            turns.get(side)!.push(timing);
            if (note) remark(side.key, note, name);
            if (result === undefined) continue; // it is given in the first round
            expected ??= result;
            if (Math.abs(result - expected) <= TOLERANCE * Math.abs(expected)) continue;
            remark(side.key, "computes something else", name);
          } catch (e) {
            turns.delete(side);
            remark(side.key, (e as Error).message, name);
          }
        }
      }
      const cells: Result["cells"] = {};
      for (const [{ key, threads }, t] of turns) {
        const cell = cellName(key, threads), timing = merge(t);
        if (!(timing.best >= cells[cell]?.best)) cells[cell] = timing;
      }
      results.push({ name, group, flops, bytes, cells });
    }
  } finally {
    await Promise.all(present.map(([, participant]) => participant.stop()));
  }
  return { rows: results, about, absent, notes };
}
