/**
 * Times kernels and training steps on a GPU, each beside PyTorch's, where python3 (or what DINOTORCH_PYTHON names) has it
 * with CUDA: one table, the raw figures in a file.
 *
 *     deno task bench:gpu
 *     deno task bench:gpu matmul            the rows with these words in their names
 *     deno task bench:gpu --out bench/gpu   writes README.md's table and the figures there
 */
import { Command } from "commander";
import { gpuRows, runRows } from "./gpu_rows.ts";
import * as torch from "../mod.ts";

/** Milliseconds that a participant has for all its rows. */
const LIMIT = 120_000;

/** A participant's figures: row -> milliseconds, or why there are none. */
type Figures = Record<string, number | string>;

/** Runs a program that prints a line of JSON for each row, `{"row", "ms"}` or `{"row", "error"}`. */
async function measure(
  label: string,
  command: string,
  args: string[],
  env: Record<string, string>,
): Promise<{ about: string; figures: Figures } | null> {
  const figures: Figures = {};
  let about = "", rest = "";
  try {
    const child = new Deno.Command(command, { args, env, stdout: "piped" }).spawn();
    const timer = setTimeout(() => child.kill(), LIMIT);
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines.filter((line) => line.startsWith("{"))) {
        const message = JSON.parse(line);
        if (message.about !== undefined) about = message.about;
        else {
          figures[message.row] = message.ms ?? message.error;
          tell(`${label}: ${message.row}`);
        }
      }
    }
    clearTimeout(timer);
    const { code } = await child.status;
    tell("");
    if (code !== 0) console.error(`${label}: it ended with ${code}`);
  } catch (e) {
    console.error(`${label}: ${(e as Error).message}`);
  }
  if (about === "") {
    console.error(`${label} is left out`);
    return null;
  }
  return { about, figures };
}

/** Shows what was done last, in place of what was before. */
function tell(text: string): void {
  if (!Deno.stderr.isTerminal()) return;
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

const digits = (x: number) => x >= 100 ? x.toFixed(0) : x.toPrecision(3);

/** The table in Markdown. */
function table(ours: Figures, own: Figures | null, theirs: Figures | null): string {
  const cell = (x: number | string | undefined) =>
    x === undefined ? "" : typeof x === "number" ? `${digits(x * 1e3)} us` : "fails";
  const ratio = (mine: number | string | undefined, row: string) => {
    const peer = theirs?.[row];
    return typeof mine === "number" && typeof peer === "number" ? digits(peer / mine) : "";
  };
  const lines = [
    "| row | dinotorch | rate | PyTorch | ratio | own kernels alone | ratio |",
    "| --- | --- | --- | --- | --- | --- | --- |",
  ];
  for (const { name, amount, unit } of gpuRows) {
    const mine = ours[name];
    if (mine === undefined) continue;
    const rate = typeof mine === "number" && amount !== undefined
      ? `${digits(amount / mine / (unit === "TFLOP/s" ? 1e9 : 1e6))} ${unit}`
      : "";
    const alone = own?.[name];
    lines.push(
      `| ${name} | ${cell(mine)} | ${rate} | ${cell(theirs?.[name])} | ${ratio(mine, name)} | ${
        cell(alone)
      } | ${ratio(alone, name)} |`,
    );
  }
  return lines.join("\n") + "\n";
}

const program = new Command("deno task bench:gpu")
  .description("Times kernels and training steps on a GPU, beside PyTorch's there.")
  .argument("[words...]", "rows with all of these words in their names")
  .option("--out <folder>", "where to write the table and the figures")
  .option("--rows", "print this process's figures as lines of JSON");
program.parse(Deno.args, { from: "user" });
const words = program.args, options = program.opts<{ out?: string; rows?: boolean }>();

const problem = torch.cuda.problem();
if (problem !== null) {
  console.error(problem);
  Deno.exit(1);
}
if (options.rows) {
  console.log(JSON.stringify({ about: `Deno ${Deno.version.deno}` }));
  await runRows(words, (row, figure) => console.log(JSON.stringify({ row, ...figure })));
  Deno.exit();
}

const here = new URL(import.meta.url).pathname;
const flags = ["run", "-A", "--no-check", here, "--rows", ...words];
const python = Deno.env.get("DINOTORCH_PYTHON") ?? "python3";
const ours = await measure("dinotorch", Deno.execPath(), flags, {});
const own = await measure("dinotorch with its own kernels alone", Deno.execPath(), flags, {
  DINOTORCH_CUDA_LIBRARIES: "0",
});
const peer = new URL("gpu_peer.py", import.meta.url).pathname;
const theirs = await measure("PyTorch", python, [peer, ...words], {});
if (ours === null) Deno.exit(1);
const heading = [
  torch.cuda.getDeviceName(),
  ours.about,
  ...(theirs === null ? [] : [theirs.about]),
  new Date().toISOString().slice(0, 10),
].join("; ");
const text = `${heading}\n\n${table(ours.figures, own?.figures ?? null, theirs?.figures ?? null)}`;
console.log(text);
if (options.out !== undefined) {
  await Deno.mkdir(options.out, { recursive: true });
  await Deno.writeTextFile(`${options.out}/table.md`, text);
  await Deno.writeTextFile(
    `${options.out}/results.json`,
    JSON.stringify({ heading, dinotorch: ours, own, pytorch: theirs }, null, 2) + "\n",
  );
}
