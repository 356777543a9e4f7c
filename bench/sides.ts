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
  /** Why it leaves `row` out, or null. */
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

/** Python with PyTorch, and a Node with what the column needs, unless the environment names others. */
const PYTHON = Deno.env.get("DINOTORCH_PYTHON") ?? "/usr/bin/python3";
const NODE = Deno.env.get("DINOTORCH_NODE") ?? "node";
const NODE_FLAG = "--experimental-wasm-revectorize";

const unlessFlagged = (row: Row) => row.flags ? null : "measured for some rows only";

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
    const side = (key: Key, command: string[], refuses: Side["refuses"] = () => null) =>
      sides.push({
        key,
        threads,
        command: [...command, String(threads)],
        refuses: (row) =>
          threads > 1 && row.threads === false ? "too small for threads" : refuses(row),
      });
    side("ours", [...deno(), "dinotorch"]);
    side("torch", [PYTHON, path("torch_peer.py")]);
    side("onnx", [...deno(), "onnxruntime"], (row) => refusal(row, "onnx"));
    side("tfjs", [...deno(), "tfjs"], (row) => refusal(row, "tfjs"));
    side("jax", [...deno(), "jax"], (row) => refusal(row, "jax"));
    if (threads === 1) {
      side("flags", [...deno(`--v8-flags=${FLAGS}`), "dinotorch"], unlessFlagged);
      side("node", [NODE, NODE_FLAG, PARTICIPANT, "dinotorch"], unlessFlagged);
    }
  }
  return sides;
}

/** The processes that measure the machine, one for each core. */
export const limitCommand: string[] = [...deno(), "limits", "1"];
