/**
 * One library in a process of its own, so that a crash or an endless loop costs its cells alone. Runs under Deno and Node.
 *
 *     deno run -A bench/participant.ts <library> <threads>
 *
 * Says what it is in a line of JSON; then answers each line { row, warm, ms } with { best, median, result, note }, or { error }.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import type { Prepared, Start } from "./engines/engine.ts";
import { ROWS } from "./rows.ts";
import { time, warm } from "./timing.ts";

/** What is asked for: `ms` milliseconds of samples of a row; `warm` milliseconds before, when the row is new. */
export interface Request {
  row: string;
  warm: number;
  ms: number;
}

console.log = console.info = console.warn = console.error; // libraries talk; the answers have this way alone
const say = (answer: unknown) => process.stdout.write(JSON.stringify(answer) + "\n");

/** What is compared between libraries: the mean size of an element, whatever their order. */
function digest(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]);
  return sum / Math.max(values.length, 1);
}

const [library, threads] = process.argv.slice(2);
try {
  const { start }: { start: Start } = await import(`./engines/${library}.ts`);
  const engine = await start(Number(threads));
  say({ about: engine.about });
  let settling = 500; // the engine compiles what all rows share while the first warms up
  let current = "", prepared: Prepared | null = null, runs = 1;
  for await (const line of createInterface({ input: process.stdin })) {
    const request: Request = JSON.parse(line);
    try {
      let result: number | undefined;
      if (request.row !== current || !prepared) {
        current = request.row;
        prepared = null;
        const row = ROWS.find((r) => r.name === current) ?? { name: current };
        prepared = await engine.prepare(row as typeof ROWS[number]);
        result = digest(await prepared.result());
        runs = await warm(prepared.run, request.warm + settling);
        settling = 0;
      }
      say({ ...await time(prepared.run, runs, request.ms), result, note: prepared.note });
    } catch (e) {
      prepared = null;
      say({ error: (e as Error).message ?? String(e) });
    }
  }
} catch (e) {
  say({ error: (e as Error).message ?? String(e) });
}
process.exit(0);
