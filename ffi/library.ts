/**
 * Finds and opens the library of CUDA kernels.
 *
 * @module
 */
import { parameters as manifest } from "../src/backend/narrow_kernels.ts";

/** The version of the functions below and of the commands: cuda/api.cu has the same. */
const ABI = 1;
const FILE = "libcudakernels.so";
const VARIABLE = "DINOTORCH_CUDA_LIBRARY";

/** The functions of cuda/api.cu. */
export const SYMBOLS = {
  dino_abi: { parameters: [], result: "i32" },
  dino_error: { parameters: ["buffer", "i32"], result: "i32" },
  dino_kernels: { parameters: ["buffer", "i32"], result: "i32" },
  dino_device_count: { parameters: [], result: "i32" },
  dino_device_name: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  dino_open: { parameters: ["i32"], result: "i32" },
  dino_ring: { parameters: ["i32"], result: "pointer" },
  dino_ring_words: { parameters: [], result: "i32" },
  dino_workspace: { parameters: ["i32", "f64", "f64"], result: "i32" },
  dino_capture_begin: { parameters: ["i32"], result: "i32" },
  dino_capture_end: { parameters: ["i32", "i32"], result: "i32" },
  dino_replay: { parameters: ["i32", "i32"], result: "i32" },
  dino_graph_free: { parameters: ["i32", "i32"], result: "i32" },
  dino_submit: { parameters: ["i32", "i32"], result: "i32" },
  dino_synchronize: { parameters: ["i32"], result: "i32" },
  dino_idle: { parameters: ["i32"], result: "i32" },
  dino_allocate: { parameters: ["i32", "f64"], result: "f64" },
  dino_free: { parameters: ["i32", "f64"], result: "i32" },
  dino_memory: { parameters: ["i32", "buffer"], result: "i32" },
  dino_read: { parameters: ["i32", "buffer", "f64", "f64"], result: "i32" },
  dino_write: { parameters: ["i32", "f64", "buffer", "f64"], result: "i32" },
  dino_event: { parameters: ["i32"], result: "i32" },
  dino_event_record: { parameters: ["i32", "i32"], result: "i32" },
  dino_event_query: { parameters: ["i32", "i32"], result: "i32" },
  dino_event_elapsed: { parameters: ["i32", "i32", "i32"], result: "f64" },
  dino_event_free: { parameters: ["i32", "i32"], result: "i32" },
  dino_library_places: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  dino_library_option: { parameters: ["i32", "i32"], result: "i32" },
  dino_library_state: { parameters: ["i32", "buffer", "i32"], result: "i32" },
} as const;

/** The opened library. */
export interface Library {
  /** Where it was found. */
  readonly path: string;
  /** Its functions. */
  readonly symbols: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
  /** Its kernels: name -> place in its table. */
  readonly kernels: ReadonlyMap<string, number>;
  /** The reason of the last failure, in words. */
  error(): string;
}

/** The library's own kernel, which the manifest does not have. */
export const STORE_CONSTANT = "store_constant";

const HOW_TO_BUILD = "`deno task build:cuda`, in a clone of the repository, makes it";

/** Whether a permission is there; does not ask for it. */
export function granted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}

/** What a kernel's parameters are, in the letters of cuda/common.cuh. */
function letters(parameters: readonly string[]): string {
  const letter: Record<string, string> = { size: "n", scalar: "f", scratch: "s" };
  return parameters.map((parameter) => letter[parameter.split(" ")[0]] ?? "p").join("");
}

/** Opens the library at `path`. Throws `Error` with the reason when that is not possible. */
export function openLibrary(path: string): Library {
  if (!granted({ name: "ffi", path })) {
    throw new Error(`no permission to open ${path}: run with --allow-ffi`);
  }
  let version: number;
  try {
    const probe = Deno.dlopen(path, { dino_abi: SYMBOLS.dino_abi });
    version = probe.symbols.dino_abi();
    probe.close();
  } catch (e) {
    const { message } = e as Error;
    if (/dino_abi/.test(message)) {
      throw new Error(`${path} is not dinotorch's library of CUDA kernels; ${HOW_TO_BUILD}`);
    }
    throw new Error(`${path} cannot be opened: ${message}`);
  }
  if (version !== ABI) {
    throw new Error(
      `${path} is of another version: its interface is ${version}, expected ${ABI}; ${HOW_TO_BUILD}`,
    );
  }
  let symbols: Library["symbols"];
  try {
    ({ symbols } = Deno.dlopen(path, SYMBOLS));
  } catch (e) {
    throw new Error(`${path} is of another version: ${(e as Error).message}; ${HOW_TO_BUILD}`);
  }
  const text = (
    fill: (out: Uint8Array<ArrayBuffer>, capacity: number) => number,
    bytes: number,
  ) => {
    const out = new Uint8Array(bytes);
    return new TextDecoder().decode(out.subarray(0, Math.max(fill(out, bytes), 0)));
  };
  const kernels = new Map<string, number>(), none = new Uint8Array(1);
  const table = text((out, n) => symbols.dino_kernels(out, n), symbols.dino_kernels(none, 0));
  for (const line of table.split("\n").slice(0, -1)) {
    const [name, parameters = ""] = line.split(" ");
    const expected: readonly string[] | undefined = manifest[name as keyof typeof manifest];
    if (name !== STORE_CONSTANT && (!expected || letters(expected) !== parameters)) {
      throw new Error(
        `${path} was built from other sources: its kernel ${name} ${
          expected ? "has other parameters" : "is not known here"
        }; ${HOW_TO_BUILD}`,
      );
    }
    kernels.set(name, kernels.size);
  }
  return {
    path,
    symbols,
    kernels,
    error: () => text((out, n) => symbols.dino_error(out, n), 4096),
  };
}

/**
 * The first library of: the one that DINOTORCH_CUDA_LIBRARY names, the one in build/ beside the package, one where the
 * system looks for libraries (LD_LIBRARY_PATH). Throws `Error` with the reason when there is none, or it is broken.
 */
export function findLibrary(): Library {
  if (typeof Deno === "undefined" || typeof Deno.dlopen !== "function") {
    throw new Error("CUDA needs Deno, with its foreign function interface");
  }
  if (granted({ name: "env", variable: VARIABLE })) {
    const path = Deno.env.get(VARIABLE);
    if (path) return openLibrary(path);
  }
  const here = new URL(`../build/${FILE}`, import.meta.url);
  const paths = [...here.protocol === "file:" ? [decodeURIComponent(here.pathname)] : [], FILE];
  for (const path of paths) {
    if (!granted({ name: "ffi", path })) continue;
    try {
      return openLibrary(path);
    } catch (e) {
      const { message } = e as Error;
      if (!message.includes(`${path}: cannot open shared object file: No such file`)) throw e;
    }
  }
  if (!paths.some((path) => granted({ name: "ffi", path }))) {
    throw new Error("no permission to open a library: run with --allow-ffi");
  }
  throw new Error(
    `the library of CUDA kernels was not found: looked for ${
      paths.join(", then ")
    } where the system has its ` +
      `libraries (LD_LIBRARY_PATH). ${HOW_TO_BUILD}; DINOTORCH_CUDA_LIBRARY (with --allow-env) or ` +
      "torch.cuda.load(path) tells where it is",
  );
}
