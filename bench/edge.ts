/**
 * Exported models beside TensorFlow.js and ONNX Runtime Web, both on WebAssembly: how long a program takes from its start
 * to its first result, and an inference after that; and how much longer a host takes with a model than with an empty
 * program.
 *
 *     deno task bench:edge                    all of it
 *     deno task bench:edge mlp cnn resnet18   these networks, and what of `hosts` is named
 *
 * Everybody computes one thread's worth of the same networks, with weights of their own; peers are imported from npm.
 */
import { cnn } from "../examples/mnist_cnn.ts";
import * as torch from "../mod.ts";
import { nn } from "../mod.ts";
import { commandOf, hostOf } from "../tests/edge/host.ts";

/** The networks, by name: a model, and the shape of one sample. */
const NETWORKS: Record<string, [make: () => nn.Module, shape: number[]]> = {
  mlp: [
    () => new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10)),
    [784],
  ],
  cnn: [cnn, [1, 28, 28]],
  resnet18: [() => torch.models.resnet18(), [3, 224, 224]],
};

/** Starts per participant; the median counts. */
const STARTS = 5;

/** The program of an exported model: the first result, then, if asked, microseconds of 1 and 32 samples. */
const ours = (size: number) =>
  `import { infer } from "./deno.js";
const x = (n) => new Float32Array(${size} * n).fill(0.5);
infer(x(1));
console.log("ready");
if (Deno.args[0] === "warm") for (const n of [1, 32]) {
  infer(x(n), n);
  const samples = x(n), end = performance.now() + 500;
  let best = Infinity;
  do {
    const start = performance.now();
    infer(samples, n);
    best = Math.min(best, performance.now() - start);
  } while (performance.now() < end);
  console.log(1000 * best);
}
`;

interface Timed {
  /** Milliseconds from the start of the process to its first result. */
  cold: number;
  /** Microseconds of an inference of 1 and of 32 samples, at best. */
  warm: number[];
}

/** Runs a program to its end; how long its first line took, and the numbers on the others. */
async function run(args: string[]): Promise<Timed> {
  const start = performance.now();
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "null" })
    .spawn();
  let text = "", cold = NaN;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (Number.isNaN(cold) && text.includes("ready\n")) cold = performance.now() - start;
  }
  if (!(await child.status).success) throw new Error(`deno ${args.join(" ")} failed`);
  return { cold, warm: text.split("ready\n")[1].trim().split("\n").map(Number) };
}

async function time(args: string[]): Promise<Timed> {
  const colds: number[] = [];
  for (let i = 0; i < STARTS; i++) colds.push((await run(args)).cold);
  return {
    cold: colds.sort((a, b) => a - b)[STARTS >> 1],
    warm: (await run([...args, "warm"])).warm,
  };
}

/** A network's rows. */
async function networkRows(name: string): Promise<void> {
  const peer = new URL("edge_peer.ts", import.meta.url).pathname, [make, shape] = NETWORKS[name];
  const folder = await Deno.makeTempDir(), size = shape.reduce((a, b) => a * b);
  const { files } = await torch.edge.export(make(), torch.rand([1, ...shape]), { out: folder });
  await Deno.writeTextFile(`${folder}/main.js`, ours(size));
  const participants: [string, string[]][] = [
    ["exported", ["run", "--allow-read", "--no-config", `${folder}/main.js`]],
    ["tfjs-wasm", ["run", "-A", "--no-check", peer, "tfjs", name]],
    ["onnxruntime-web", ["run", "-A", "--no-check", peer, "onnx", name]],
  ];
  let first: number[] | null = null;
  for (const [participant, args] of participants) {
    const { cold, warm } = await time(args);
    first ??= warm;
    const times = warm.map((us, i) => `${show(us)} (${(us / first![i]).toFixed(2)})`);
    console.log(
      `| ${
        [name.padEnd(9), participant.padEnd(15), `${cold.toFixed(0)} ms`, ...times].join(" | ")
      } |`,
    );
  }
  const { "model.js": script, "model.wasm": binary } = files;
  console.log(`| | gzipped: script ${script.gzip}, binary ${binary.gzip} bytes | | | |`);
  await Deno.remove(folder, { recursive: true });
}

const show = (us: number) => us < 1000 ? `${us.toFixed(1)} us` : `${(us / 1000).toFixed(1)} ms`;

/** How much later a program ends that has the MLP's first result than an empty one that ran just before: medians of 15. */
async function hostRows(): Promise<void> {
  console.log("\n| host | empty program | with the MLP | more |\n| --- | --- | --- | --- |");
  for (const name of ["Deno", "Node", "newer Node", "Bun", "workerd"]) {
    const host = hostOf(name), command = await commandOf(host);
    if (command === null) continue;
    const folders = [await Deno.makeTempDir(), await Deno.makeTempDir()];
    await torch.edge.export(NETWORKS.mlp[0](), torch.rand(1, 784), { out: folders[1] });
    const checks = [
      'export const result = "";',
      `import { infer } from "./${host.entry}";
export const result = String(infer(new Float32Array(784).fill(0.5))[0]);`,
    ];
    for (const i of [0, 1]) await Deno.writeTextFile(`${folders[i]}/check.js`, checks[i]);
    const times: number[][] = [[], []];
    for (let round = 0; round < 15; round++) {
      for (const i of [0, 1]) {
        const start = performance.now();
        await host.run(command, folders[i]);
        times[i].push(performance.now() - start);
      }
    }
    const median = (all: number[]) => all.toSorted((a, b) => a - b)[all.length >> 1];
    const [empties, fulls] = times, more = fulls.map((ms, i) => ms - empties[i]);
    console.log(
      `| ${name} | ${
        [empties, fulls, more].map((all) => `${median(all).toFixed(1)} ms`).join(" | ")
      } |`,
    );
    for (const folder of folders) await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const wanted = Deno.args.length > 0 ? Deno.args : [...Object.keys(NETWORKS), "hosts"];
  const networks = wanted.filter((name) => name in NETWORKS);
  if (networks.length > 0) {
    console.log("| network | participant | cold start | 1 sample | 32 samples |");
    console.log("| --- | --- | --- | --- | --- |");
  }
  for (const name of networks) await networkRows(name);
  if (wanted.includes("hosts")) await hostRows();
}
