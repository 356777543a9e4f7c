/**
 * Measures the library beside PyTorch and the JavaScript libraries, turn by turn in one run:
 *
 *     deno task bench:peers                  everything; writes README.md's tables, results.json and chart.svg
 *     deno task bench:peers matmul 256       the rows with these words in their names or headings
 *     deno task bench:peers --quick          everything in less time, and less exactly; writes nothing
 */
import { Presets, SingleBar } from "cli-progress";
import { Command, InvalidArgumentError } from "commander";
import config from "../deno.json" with { type: "json" };
import { chart } from "./chart.ts";
import { type Limits, measure, measureLimits, type Pace, type Results } from "./measure.ts";
import { ROWS } from "./rows.ts";
import { everyone } from "./sides.ts";
import { report } from "./table.ts";

function positive(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) {
    throw new InvalidArgumentError("expected a whole number from 1");
  }
  return n;
}

const program = new Command("deno task bench:peers")
  .description("Times every row of the benchmark beside PyTorch and the JavaScript libraries.")
  .argument("[words...]", "take only the rows with all these words in their names or headings")
  .option("--quick", "one short round: less time, less exact")
  .option("--rounds <n>", "turns of each library on each row (3, or 1 with --quick)", positive)
  .option("--no-peers", "the library alone")
  .option("--json", "print the figures as JSON instead of tables");
program.parse(Deno.args[0] === "--" ? Deno.args.slice(1) : Deno.args, { from: "user" });
const options = program.opts<{ quick?: true; rounds?: number; peers: boolean; json?: true }>();
const words = program.processedArgs[0] as string[];

const rows = ROWS.filter(({ name, group }) => words.every((w) => `${group} ${name}`.includes(w)));
if (rows.length === 0) program.error(`error: no row has ${words.join(" and ")} in its name`);
const pace: Pace = options.quick
  ? { rounds: options.rounds ?? 1, ms: 20, warm: 40 }
  : { rounds: options.rounds ?? 3, ms: 80, warm: 150 };
const cores = navigator.hardwareConcurrency;
const own = ["ours", "flags", "node"];
const sides = everyone(cores).filter(({ key }) => options.peers || own.includes(key));

if (options.peers) {
  // Downloads what is missing now, and says so, instead of during somebody's turn.
  const names = [
    "@tensorflow/tfjs-core",
    "@tensorflow/tfjs-backend-wasm",
    "onnxruntime-web",
  ] as const;
  await new Deno.Command(Deno.execPath(), {
    args: [
      "cache",
      "--quiet",
      ...names.map((n) => config.imports[n]),
      config.imports["@jax-js/jax"],
    ],
  }).spawn().status;
}

const bar = new SingleBar({
  format: "{bar} {percentage}%  {duration_formatted}  {row}",
  barsize: 28,
  hideCursor: true,
  noTTYOutput: true,
  notTTYSchedule: 10_000,
}, Presets.shades_classic);
bar.start(1, 0, { row: "the machine's limits" });
const before = await measureLimits(cores);
const measured = await measure(rows, sides, pace, (done, total, row) => {
  bar.setTotal(total);
  bar.update(done, { row });
});
const after = await measureLimits(cores);
bar.stop();

const most = (of: (limits: Limits) => number) => Math.max(of(before), of(after));
const processor = (await Deno.readTextFile("/proc/cpuinfo").catch(() => ""))
  .match(/model name\s*: (.*)/)?.[1] ?? Deno.build.arch;
const results: Results = {
  machine:
    `${processor}, ${cores} cores, ${Deno.build.os}; Deno ${Deno.version.deno} (V8 ${Deno.version.v8})`,
  date: new Date().toISOString().slice(0, 10),
  cores,
  pace,
  limits: {
    flops: { one: most((l) => l.flops.one), all: most((l) => l.flops.all) },
    bytes: { one: most((l) => l.bytes.one), all: most((l) => l.bytes.all) },
  },
  ...measured,
};
console.log(options.json ? JSON.stringify(results, null, 1) : report(results));

if (rows.length === ROWS.length && options.peers && !options.quick) {
  const file = (name: string) => new URL(name, import.meta.url);
  const [head, , tail] = (await Deno.readTextFile(file("README.md")))
    .split(/<!-- (?:table|end) -->\n/);
  await Deno.writeTextFile(
    file("README.md"),
    `${head}<!-- table -->\n\n${report(results)}\n<!-- end -->\n${tail}`,
  );
  await Deno.writeTextFile(file("results.json"), JSON.stringify(results) + "\n");
  await Deno.writeTextFile(file("chart.svg"), chart(results));
  const written = ["README.md", "results.json", "chart.svg"].map((name) => file(name).pathname);
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", ...written] }).output();
}
Deno.exit(0); // readers of processes that were given up would keep it waiting
