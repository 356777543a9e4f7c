/**
 * Exported models beside TensorFlow.js and ONNX Runtime Web, both on WebAssembly: how long a program takes from its start
 * to its first result, and an inference after that.
 *
 *     deno task bench:edge
 *
 * Everybody computes one thread's worth of the same networks, with weights of their own; peers are imported from npm.
 */
import * as torch from "../mod.ts";
import { nn } from "../mod.ts";

/** The networks, by name: a model, and the shape of one sample. */
const NETWORKS: Record<string, [model: nn.Module, shape: number[]]> = {
  mlp: [
    new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10)),
    [784],
  ],
  cnn: [
    new nn.Sequential(
      new nn.Conv2d(1, 8, 3),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Conv2d(8, 16, 3),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(400, 10),
    ),
    [1, 28, 28],
  ],
};

/** Starts per participant; the median counts. */
const STARTS = 5;

/** The program of an exported model: the first result, then, if asked, microseconds of 1 and 32 samples. */
const OURS = `import { infer } from "./deno.js";
const x = (n) => new Float32Array(784 * n).fill(0.5);
infer(x(1));
console.log("ready");
if (Deno.args[0] === "warm") for (const n of [1, 32]) {
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

if (import.meta.main) {
  const peer = new URL("edge_peer.ts", import.meta.url).pathname;
  console.log("network  participant      cold start     1 sample    32 samples");
  for (const [name, [model, shape]] of Object.entries(NETWORKS)) {
    const folder = await Deno.makeTempDir();
    const { files } = await torch.edge.export(model, torch.rand([1, ...shape]), { out: folder });
    await Deno.writeTextFile(`${folder}/main.js`, OURS);
    const participants: [string, string[]][] = [
      ["exported", ["run", "--allow-read", "--no-config", `${folder}/main.js`]],
      ["tfjs-wasm", ["run", "-A", "--no-check", peer, "tfjs", name]],
      ["onnxruntime-web", ["run", "-A", "--no-check", peer, "onnx", name]],
    ];
    for (const [participant, args] of participants) {
      const { cold, warm } = await time(args);
      console.log(
        `${name.padEnd(9)}${participant.padEnd(16)}${cold.toFixed(0).padStart(7)} ms  ` +
          warm.map((us) => `${us.toFixed(1).padStart(9)} us`).join(" "),
      );
    }
    console.log(
      `${name.padEnd(9)}${files["model.js"].gzip} + ${
        files["model.wasm"].gzip
      } bytes of script and binary, gzipped`,
    );
    await Deno.remove(folder, { recursive: true });
  }
}
