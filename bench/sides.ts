/**
 * Who takes part: the library, the other libraries, and the library again under other flags and hosts.
 */
import type { Row } from "./row.ts";

/** Where a column of the table comes from. */
export type Key = "ours" | "torch" | "onnx" | "tfjs" | "jax" | "flags" | "node";

/** A library with a number of threads, in a process of its own. */
export interface Side {
  key: Key;
  threads: number;
  command: string[];
  /** What is added to its environment. */
  env?: Record<string, string>;
  /** Why it can't be had at all, where that is known. */
  absent?: string;
  /** Why it leaves `row` out, "" where that needs no reason, or null where it takes part. */
  refuses: (row: Row) => string | null;
}

/** The heading of each column. */
export const LABELS: Record<Key, string> = {
  ours: "dinotorch",
  torch: "PyTorch",
  onnx: "ONNX Runtime Web",
  tfjs: "TensorFlow.js",
  jax: "jax-js",
  flags: "Deno with V8's flags",
  node: "Node, revectorized",
};
/** The libraries that the table compares with, in its order. */
export const PEERS = ["torch", "onnx", "tfjs", "jax"] as const;

/** What Deno gets for the column of flags; the first is unsafe for whoever runs others' WebAssembly. */
export const FLAGS = "--no-wasm-bounds-checks,--experimental-wasm-revectorize";

const path = (file: string) => new URL(file, import.meta.url).pathname;
const PARTICIPANT = path("participant.ts");
const deno = (...flags: string[]) => [
  Deno.execPath(),
  "run",
  "--allow-all",
  "--no-check",
  ...flags,
  PARTICIPANT,
];

/** Python with PyTorch, and a Node with what its column needs, unless the environment names others. */
const PYTHON = Deno.env.get("DINOTORCH_PYTHON") ?? "/usr/bin/python3";
const NODE = Deno.env.get("DINOTORCH_NODE") ?? "node";
const NODE_FLAG = "--experimental-wasm-revectorize";
/** The first Node that reads TypeScript and knows `using`. */
const NODE_VERSION = 24;

/** Why Node can't take part, if so. */
function nodeReason(): string | undefined {
  try {
    const { stdout } = new Deno.Command(NODE, { args: ["--version"] }).outputSync();
    const version = new TextDecoder().decode(stdout).trim();
    if (parseInt(version.slice(1)) >= NODE_VERSION) return undefined;
    return `${NODE} is ${version}; DINOTORCH_NODE may name one from ${NODE_VERSION} on`;
  } catch {
    return `there is no ${NODE}; DINOTORCH_NODE may name one`;
  }
}

function refusal(row: Row, key: "onnx" | "tfjs" | "jax"): string | null {
  if (row[key]) return null;
  const why = row.without?.[key];
  if (why) return why;
  return key === "onnx" ? "runs models forward only" : "no recipe in its operations";
}

/** Everyone, with one thread and with `cores`. */
export function everyone(cores: number): Side[] {
  const counts = cores > 1 ? [1, cores] : [1], sides: Side[] = [];
  for (const threads of counts) {
    const side = (key: Key, command: string[], more: Partial<Side> = {}) =>
      sides.push({
        key,
        threads,
        command: [...command, String(threads)],
        ...more,
        refuses: (row) => threads > 1 && row.threads === false ? "" : more.refuses?.(row) ?? null,
      });
    const peer = (key: "onnx" | "tfjs" | "jax", library: string) =>
      side(key, [...deno(), library], { refuses: (row) => refusal(row, key) });
    // OpenBLAS has threads of its own, which torch.set_num_threads does not reach.
    const blas = { OPENBLAS_NUM_THREADS: `${threads}`, MKL_NUM_THREADS: `${threads}` };
    const torch = (env = {}) =>
      side("torch", [PYTHON, path("torch_peer.py")], { env: { ...blas, ...env } });
    side("ours", [...deno(), "dinotorch"]);
    torch();
    // Its threads wait for work in a loop, which is best alone and very slow where OpenBLAS's do the same: the better
    // of the two figures counts.
    if (threads > 1) torch({ OMP_WAIT_POLICY: "PASSIVE" });
    peer("onnx", "onnxruntime");
    peer("tfjs", "tfjs");
    peer("jax", "jax");
    if (threads > 1) continue;
    const refuses = (row: Row) => row.flags ? null : "";
    side("flags", [...deno(`--v8-flags=${FLAGS}`), "dinotorch"], { refuses });
    side("node", [NODE, NODE_FLAG, PARTICIPANT, "dinotorch"], { refuses, absent: nodeReason() });
  }
  return sides;
}

/** The processes that measure the machine, one for each core. */
export const limitCommand: string[] = [...deno(), "limits", "1"];
