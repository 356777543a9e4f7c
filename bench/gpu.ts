/**
 * Times kernels and training steps on a GPU, each beside PyTorch's, where python3 (or what DINOTORCH_PYTHON names) has it
 * with CUDA; then a training step of GPT-2's smallest size. Tables, and the raw figures in a file.
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

/** What programs that train GPT-2 say: here and in PyTorch, as it comes and compiled. */
async function trainGpt2(): Promise<[label: string, said: string][]> {
  const of = (name: string) => new URL(name, import.meta.url).pathname;
  const deno = ["run", "-A", "--no-check", of("gpu_gpt2.ts")], torch = [of("gpu_gpt2.py")];
  const results: [string, string][] = [];
  for (
    const [label, command, args, env] of [
      ["dinotorch", Deno.execPath(), deno, {}],
      ["dinotorch, as a graph", Deno.execPath(), [...deno, "--graph"], {}],
      ["dinotorch, own kernels alone", Deno.execPath(), deno, { DINOTORCH_CUDA_LIBRARIES: "0" }],
      ["PyTorch", python, torch, {}],
      ["PyTorch, compiled", python, [...torch, "--compile"], {}],
    ] as [string, string, string[], Record<string, string>][]
  ) {
    tell(`GPT-2: ${label}`);
    const signal = AbortSignal.timeout(LIMIT);
    const output = await new Deno.Command(command, { args, env, signal, stderr: "null" }).output()
      .catch(() => null);
    const said = new TextDecoder().decode(output?.stdout).split("\n")
      .find((line) => line.includes("tokens/s"));
    if (said !== undefined) results.push([label, said]);
    else console.error(`GPT-2: ${label} is left out: it did not end well`);
  }
  tell("");
  return results;
}

/** Their figures as a table. */
function gpt2Table(results: [label: string, said: string][]): string {
  const part = (said: string, pattern: RegExp) => said.match(pattern)?.[1] ?? "";
  return [
    "| GPT-2 124M, 16 x 1024 tokens, bfloat16 | tokens/s | ms a step | memory |",
    "| --- | --- | --- | --- |",
    ...results.map(([label, said]) =>
      `| ${label} | ${part(said, /(\d+) tokens/)} | ${part(said, /([\d.]+) ms a step/)} | ${
        part(said, /([\d.]+ GiB)/)
      } |`
    ),
  ].join("\n") + "\n";
}

const program = new Command("deno task bench:gpu")
  .description("Times kernels and training steps on a GPU, beside PyTorch's there.")
  .argument("[words...]", "rows with all of these words in their names")
  .option("--out <folder>", "where to write the table and the figures")
  .option("--no-gpt2", "leave GPT-2 out")
  .option("--rows", "print this process's figures as lines of JSON");
program.parse(Deno.args, { from: "user" });
const words = program.args,
  options = program.opts<{ out?: string; rows?: boolean; gpt2: boolean }>();

const problem = torch.cuda.problem();
if (problem !== null) {
  console.error(problem);
  Deno.exit(1);
}
if (options.rows) {
  console.log(JSON.stringify({ about: `Deno ${Deno.version.deno}` }));
  runRows(words, (row, figure) => console.log(JSON.stringify({ row, ...figure })));
  Deno.exit();
}

const here = new URL(import.meta.url).pathname;
const flags = ["run", "-A", "--no-check", here, "--rows", ...words];
const python = Deno.env.get("DINOTORCH_PYTHON") ?? "python3";
const ours = await measure("dinotorch", Deno.execPath(), flags, {});
const alone = { DINOTORCH_CUDA_LIBRARIES: "0", DINOTORCH_BENCH: "products" };
const own = await measure("dinotorch with its own kernels alone", Deno.execPath(), flags, alone);
const peer = new URL("gpu_peer.py", import.meta.url).pathname;
const theirs = await measure("PyTorch", python, [peer, ...words], {});
if (ours === null) Deno.exit(1);
const heading = [
  torch.cuda.getDeviceName(),
  ours.about,
  ...(theirs === null ? [] : [theirs.about]),
  new Date().toISOString().slice(0, 10),
].join("; ");
let text = `${heading}\n\n${table(ours.figures, own?.figures ?? null, theirs?.figures ?? null)}`;
console.log(text);
let gpt2: [label: string, said: string][] = [];
if (options.gpt2 && words.length === 0) {
  gpt2 = await trainGpt2();
  const more = `\n${gpt2Table(gpt2)}`;
  console.log(more);
  text += more;
}
if (options.out !== undefined) {
  await Deno.mkdir(options.out, { recursive: true });
  await Deno.writeTextFile(`${options.out}/table.md`, text);
  await Deno.writeTextFile(
    `${options.out}/results.json`,
    JSON.stringify({ heading, dinotorch: ours, own, pytorch: theirs, gpt2 }, null, 2) + "\n",
  );
}
