/**
 * A run's figures as Markdown.
 */
import { cellName, type Result, type Results } from "./measure.ts";
import { type Key, LABELS, PEERS } from "./sides.ts";
import type { Timing } from "./timing.ts";

/** A time with three digits. */
export function duration(us: number): string {
  if (us < 1) return `${(us * 1e3).toPrecision(3)} ns`;
  if (us < 1e3) return `${digits(us)} us`;
  return us < 1e6 ? `${digits(us / 1e3)} ms` : `${digits(us / 1e6)} s`;
}

/** Three digits, never in powers of ten. */
const digits = (x: number) => x >= 100 ? x.toFixed(0) : x.toPrecision(3);

/** The geometric mean. */
const mean = (xs: number[]) => Math.exp(xs.reduce((sum, x) => sum + Math.log(x), 0) / xs.length);

const line = (...cells: string[]) => `| ${cells.join(" | ")} |\n`;
const head = (...cells: string[]) => line(...cells) + line(...cells.map(() => "---"));

/** A participant's figure to set against `threads` threads: with one, where it never has more. */
export function timing(
  { about }: Results,
  row: Result,
  key: Key,
  threads: number,
): Timing | undefined {
  const has = about[cellName(key, threads)] !== undefined;
  return row.cells[cellName(key, has ? threads : 1)];
}

/** How many times as long a peer takes: above 1, the library is faster. */
export function ratio(
  results: Results,
  row: Result,
  key: Key,
  threads: number,
): number | undefined {
  const ours = row.cells[cellName("ours", threads)], theirs = timing(results, row, key, threads);
  return ours && theirs && theirs.best / ours.best;
}

function rate({ limits }: Results, row: Result, { best }: Timing, threads: number): string[] {
  const [work, limit, unit] = row.flops !== undefined
    ? [row.flops, limits.flops, "GFLOP/s"]
    : row.bytes !== undefined
    ? [row.bytes, limits.bytes, "GB/s"]
    : [0, null, ""];
  if (limit === null) return ["", ""];
  const perSecond = work / best * 1e6, most = threads === 1 ? limit.one : limit.all;
  return [
    `${digits(perSecond / 1e9)} ${unit}`,
    `${(100 * perSecond / most).toFixed(0)} %`,
  ];
}

function groupTable(results: Results, rows: Result[]): string {
  const others: Key[] = ["flags", "node"];
  const shown = others.filter((key) => rows.some((row) => row.cells[cellName(key, 1)]));
  const threads = [1, ...results.cores > 1 ? [results.cores] : []];
  let text = head(
    "",
    "threads",
    "best",
    "median",
    "rate",
    "of the limit",
    ...PEERS.map((key) => LABELS[key]),
    ...shown.map((key) => LABELS[key]),
  );
  for (const row of rows) {
    for (const n of threads) {
      const ours = row.cells[cellName("ours", n)];
      if (!ours) continue;
      const peer = (key: Key) => {
        const theirs = timing(results, row, key, n);
        return theirs ? `${duration(theirs.best)} (${digits(theirs.best / ours.best)})` : "–";
      };
      const gain = (key: Key) => {
        const flagged = row.cells[cellName(key, n)];
        return flagged ? `${duration(flagged.best)} (${digits(ours.best / flagged.best)})` : "";
      };
      text += line(
        n === 1 ? row.name : "",
        String(n),
        duration(ours.best),
        duration(ours.median),
        ...rate(results, row, ours, n),
        ...PEERS.map(peer),
        ...shown.map(gain),
      );
    }
  }
  return text;
}

/** Rows by group, in order. */
function groups(rows: readonly Result[]): [name: string, rows: Result[]][] {
  const found = new Map<string, Result[]>();
  for (const row of rows) found.set(row.group, [...found.get(row.group) ?? [], row]);
  return [...found];
}

/** For each group and peer, the geometric mean of the ratios. */
export function summary(results: Results): string {
  const threads = [1, ...results.cores > 1 ? [results.cores] : []];
  let text = head("", "threads", ...PEERS.map((key) => LABELS[key]));
  for (const [name, rows] of groups(results.rows)) {
    for (const n of threads) {
      const own = rows.filter((row) => row.cells[cellName("ours", n)]);
      if (own.length === 0) continue;
      const means = PEERS.map((key) => {
        const ratios = own.flatMap((row) => ratio(results, row, key, n) ?? []);
        return ratios.length ? digits(mean(ratios)) : "–";
      });
      text += line(n === 1 ? name : "", String(n), ...means);
    }
  }
  return text;
}

/** What was measured, on what, and the machine's limits. */
function preface({ machine, date, cores, about, limits, pace }: Results): string {
  const g = (x: number) => digits(x / 1e9);
  const all = cores > 1
    ? `; all ${cores} cores together ${g(limits.flops.all)} GFLOP/s and ${g(limits.bytes.all)} GB/s`
    : "";
  const versions = [...new Set(Object.values(about))].join(", ");
  return `${machine}; ${date}. ${versions}. ${pace.rounds} rounds.\n\n` +
    `The machine's limits, in the same run: one core ${
      g(limits.flops.one)
    } GFLOP/s in 128-bit multiply-adds and ` +
    `${g(limits.bytes.one)} GB/s in copying${all}.\n`;
}

/** What is to be said of cells, once for each reason. */
function remarks({ absent, notes }: Results): string {
  const lines = [
    ...absent.map(({ key, threads, reason }) =>
      `${LABELS[key]}, ${threads} thread${threads > 1 ? "s" : ""}: ${reason}`
    ),
    ...notes.map(({ key, note, rows }) => {
      const which = rows.length > 8 ? `${rows.length} rows` : rows.join("; ");
      return `${LABELS[key]}: ${note}: ${which}`;
    }),
  ];
  return lines.length === 0 ? "" : `\n### Notes\n\n${lines.map((l) => `- ${l}.\n`).join("")}`;
}

/** The whole report; where there is a chart, it lies beside it. */
export function report(results: Results): string {
  const tables = groups(results.rows)
    .map(([name, rows]) => `### ${name}\n\n${groupTable(results, rows)}`);
  const image = "![Each row's time in the peers over its time here, one thread](chart.svg)\n";
  return `${preface(results)}\n${image}\n### Summary\n\n${summary(results)}\n${tables.join("\n")}${
    remarks(results)
  }`;
}
