/**
 * Measures every row beside PyTorch's, turn by turn in one run, and writes bench/README.md's table and results.json.
 *
 *     deno task bench:table [words of a row's name]
 */
import { cpu } from "../src/backend/wasm.ts";
import { type Row, ROWS } from "./rows.ts";

const ROUNDS = 5, MILLISECONDS = 150;

interface Timing {
  best: number;
  median: number;
}

/** PyTorch in a process of its own, if it is installed. */
class Torch {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";
  about = "";

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#writer = child.stdin.getWriter();
    this.#lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async start(threads: number): Promise<Torch | null> {
    const script = new URL("torch_peer.py", import.meta.url).pathname;
    try {
      const child = new Deno.Command(Deno.env.get("DINOTORCH_PYTHON") ?? "/usr/bin/python3", {
        args: [script, String(threads)],
        stdin: "piped",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const torch = new Torch(child);
      const { version } = JSON.parse(await torch.#line());
      torch.about = `PyTorch ${version}`;
      return torch;
    } catch (e) {
      console.log(`PyTorch is left out: ${(e as Error).message}`);
      return null;
    }
  }

  async #line(): Promise<string> {
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error("no Python with torch answers (DINOTORCH_PYTHON names another)");
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n"), line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }

  async time(row: Row): Promise<Timing> {
    const request = JSON.stringify({ setup: row.setup, code: row.code, ms: MILLISECONDS });
    await this.#writer.write(new TextEncoder().encode(request + "\n"));
    return JSON.parse(await this.#line());
  }

  async stop(): Promise<void> {
    await this.#writer.close();
    await this.#child.status;
  }
}

/** Microseconds of one run of `work`, from many short samples. */
function time(work: () => unknown): Timing {
  let n = 1;
  const times: number[] = [], end = performance.now() + MILLISECONDS;
  while (performance.now() < end || times.length < 3) {
    const start = performance.now();
    for (let i = 0; i < n; i++) work();
    const spent = performance.now() - start;
    if (spent < 0.2 && times.length === 0) n *= 2;
    else times.push(spent / n * 1e3);
  }
  times.sort((a, b) => a - b);
  return { best: times[0], median: times[times.length >> 1] };
}

const merge = (ts: Timing[]): Timing => ({
  best: Math.min(...ts.map((t) => t.best)),
  median: ts.map((t) => t.median).sort((a, b) => a - b)[ts.length >> 1],
});

function show(us: number): string {
  return us < 100
    ? `${us.toPrecision(3)} us`
    : us < 1e5
    ? `${(us / 1e3).toPrecision(3)} ms`
    : `${(us / 1e6).toPrecision(3)} s`;
}

const wanted = Deno.args.join(" ");
const rows = ROWS.filter((r) => r.name.includes(wanted));
const peer = await Torch.start(1);
const results: Record<string, unknown>[] = [];
let text = "", group = "";
for (const row of rows) {
  const work = row.ours();
  for (const end = performance.now() + 300; performance.now() < end;) work(); // until V8's optimising tier has it
  const ours: Timing[] = [], theirs: Timing[] = [];
  for (let r = 0; r < ROUNDS; r++) {
    ours.push(time(work));
    if (peer) theirs.push(await peer.time(row));
  }
  const a = merge(ours), b = peer ? merge(theirs) : null;
  const rate = row.flops
    ? `${(row.flops / a.best / 1e3).toFixed(1)} GFLOP/s`
    : row.bytes
    ? `${(row.bytes / a.best / 1e3).toFixed(1)} GB/s`
    : "";
  if (row.group !== group) {
    group = row.group;
    text +=
      `\n### ${group}\n\n| | dinotorch best | median | rate | PyTorch best | median | best : best | median : median |\n|---|---|---|---|---|---|---|---|\n`;
  }
  const ratio = (x: number, y: number | undefined) => y === undefined ? "" : (x / y).toFixed(2);
  const line = `| ${row.name} | ${show(a.best)} | ${show(a.median)} | ${rate} | ${
    b ? show(b.best) : ""
  } | ${b ? show(b.median) : ""} | ${ratio(a.best, b?.best)} | ${ratio(a.median, b?.median)} |`;
  console.log(line);
  text += line + "\n";
  results.push({ name: row.name, group: row.group, ours: a, pytorch: b });
}
await peer?.stop();

const cpuName =
  (await Deno.readTextFile("/proc/cpuinfo").catch(() => "")).match(/model name\s*: (.*)/)?.[1] ??
    Deno.build.arch;
const about =
  `${cpuName}, ${navigator.hardwareConcurrency} cores; Deno ${Deno.version.deno} (V8 ${Deno.version.v8}), ${cpu.flavour} SIMD, one thread; ${
    peer ? `${peer.about}, one thread` : "PyTorch not installed"
  }; ${new Date().toISOString().slice(0, 10)}`;
if (!wanted) {
  const file = new URL("README.md", import.meta.url);
  const before = await Deno.readTextFile(file);
  const [head, , tail] = before.split(/<!-- (?:table|end) -->\n/);
  await Deno.writeTextFile(
    file,
    `${head}<!-- table -->\n${about}.\n${text}\n<!-- end -->\n${tail}`,
  );
  await Deno.writeTextFile(
    new URL("results.json", import.meta.url),
    JSON.stringify({ about, rows: results }, null, 1) + "\n",
  );
  await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", "bench/README.md", "bench/results.json"],
    cwd: new URL("../", import.meta.url),
  }).output();
}
