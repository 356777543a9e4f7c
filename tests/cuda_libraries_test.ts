/**
 * NVIDIA's libraries on CUDA devices: where they are looked for, what they are asked to compute, and what happens when they
 * are missing or refuse. Stand-ins (tests/libraries) take their place: they compute on the emulator's memory, from the
 * descriptors that they are given, what the real ones are documented to compute.
 */
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { compilerOf, TARGETS } from "../cuda/build.ts";
import { type Machine, placesOf } from "../ffi/nvidia.ts";
import { found, gpu, library } from "./cuda.ts";

const root = new URL("../", import.meta.url).pathname;

/** A machine with these folders and variables. */
function machine(
  folders: Record<string, string[]>,
  variables: Record<string, string>,
  mayOpen: Machine["mayOpen"] = () => true,
): Machine {
  return {
    variable: (name) => variables[name],
    namesIn: (folder) => folders[folder] ?? [],
    mayOpen,
  };
}

Deno.test("cuda libraries: the order in which places are tried", () => {
  const folders = {
    "/venv/lib": ["python3.9", "python3.12", "libpython.so"],
    "/conda/lib": ["python3.11"],
    "/usr/bin": ["python3", "ls"],
    "/usr/lib": ["python3"],
    "/usr/local/lib": ["python3.13"],
    "/usr/local": ["cuda-12.9", "cuda-13.0", "bin"],
  };
  const nvidia = (root: string, packages = "site-packages") =>
    ["cudnn", "cu13"].map((wheel) => `${root}/${packages}/nvidia/${wheel}/lib/libcudnn.so.9`);
  const toolkit = (home: string) =>
    ["lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib"].map((folder) =>
      `${home}/${folder}/libcudnn.so.9`
    );
  const all = placesOf(
    "cuDNN",
    machine(folders, {
      CUDA_LIBRARY_DIR: "/mine/",
      VIRTUAL_ENV: "/venv",
      CONDA_PREFIX: "/conda",
      PATH: "relative:/bin:/usr/bin:/other",
      CUDA_HOME: "/opt/cuda",
    }),
  );
  const both = (root: string) => [...nvidia(root), ...nvidia(root, "dist-packages")];
  assertEquals(all, [
    "/mine/libcudnn.so.9",
    "loaded:libcudnn.so.9",
    ...both("/venv/lib/python3.12"),
    ...both("/venv/lib/python3.9"),
    ...both("/conda/lib/python3.11"),
    ...both("/usr/lib/python3"),
    ...both("/usr/local/lib/python3.13"),
    "/conda/lib/libcudnn.so.9",
    "libcudnn.so.9",
    ...["/opt/cuda", "/usr/local/cuda", "/usr/local/cuda-13.0", "/usr/local/cuda-12.9"]
      .flatMap(toolkit),
  ]);
  assertEquals(
    placesOf("cuBLASLt", machine({}, {})).filter((place) => !place.startsWith("/usr/local")),
    [
      "loaded:libcublasLt.so.13",
      "loaded:libcublasLt.so.12",
      "libcublasLt.so.13",
      "libcublasLt.so.12",
    ],
  );
  assertEquals(placesOf("NCCL", machine({}, {}, (path) => path === "libnccl.so.2")), [
    "loaded:libnccl.so.2",
    "libnccl.so.2",
  ]);
});

const compiler = await compilerOf(TARGETS.emulator);
const ignore = gpu || !found || compiler === null;
if (ignore && !gpu) {
  console.log("cuda libraries: the stand-ins are left out: there is no C++ compiler to build them");
}

const FILES = {
  cublaslt: "libcublasLt.so.13",
  cudnn: "libcudnn.so.9",
  nccl: "libnccl.so.2",
};
const PACKAGES = "venv/lib/python3.12/site-packages/nvidia";

/** Compiles the stand-ins and lays them out as Python's wheels do, and otherwise; the folder. */
async function build(): Promise<string> {
  const dir = await Deno.makeTempDir();
  for (const folder of ["cu13", "cudnn", "nccl"]) {
    await Deno.mkdir(`${dir}/${PACKAGES}/${folder}/lib`, { recursive: true });
  }
  await Promise.all(
    Object.entries(FILES).map(async ([name, file]) => {
      // deno-fmt-ignore
      const args = [
      "-std=c++17", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-unknown-pragmas",
      `-Wl,-soname,${file}`, `tests/libraries/${name}.cpp`, "-o", `${dir}/${file}`,
    ];
      const { success, stderr } = await new Deno.Command(compiler!.path, { args, cwd: root })
        .output();
      assert(success, new TextDecoder().decode(stderr));
      const folder = name === "cublaslt" ? "cu13" : name;
      await Deno.copyFile(`${dir}/${file}`, `${dir}/${PACKAGES}/${folder}/lib/${file}`);
    }),
  );
  return dir;
}

interface Report {
  name: string;
  path: string | null;
  version: string | null;
  problem: string | null;
}

/** Runs tests/cuda_libraries_program.ts with permissions and environment of its own. */
// deno-lint-ignore no-explicit-any
async function ask(env: Record<string, string>, args: string[], flags = ["-A"]): Promise<any> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-lock",
      "--no-check",
      "--no-prompt",
      ...flags,
      "tests/cuda_libraries_program.ts",
      ...args,
    ],
    cwd: root,
    clearEnv: true,
    env: {
      HOME: Deno.env.get("HOME") ?? "",
      DENO_DIR: Deno.env.get("DENO_DIR") ?? "",
      DINOTORCH_CUDA_LIBRARY: library,
      ...env,
    },
  }).output();
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stderr));
  return JSON.parse(decoder.decode(stdout));
}

/** Asserts that all results are those of the CPU, up to rounding. */
function assertRight(results: Record<string, number>): void {
  for (const [name, difference] of Object.entries(results)) {
    assertLess(difference, name === "double" ? 1e-14 : 2e-6, name);
  }
}

Deno.test({
  name: "cuda libraries: the stand-ins compute, as they are set, or the kernels here do",
  ignore,
  fn: async (t) => {
    const dir = await build(), venv = { VIRTUAL_ENV: `${dir}/venv` };
    try {
      await t.step("products and convolutions, of all kinds", async () => {
        const all = await ask({ ...venv, DINOTORCH_CUDA_LIBRARIES: "all" }, ["compute"]);
        assertEquals(all.settings, {
          enabled: true,
          deterministic: true,
          benchmark: false,
          allowTF32: false,
          version: 91200,
          isAvailable: true,
        });
        assertEquals(all.blas, "cublaslt");
        assertRight(all.convolutions);
        assertRight(all.products);
        // Seven convolutions, each with the gradients of both operands.
        assertEquals(all.dnn, {
          create: 1,
          heuristics: 21,
          benchmark: 0,
          forward: 7,
          data: 7,
          weight: 7,
          tf32: 0,
          groups: 3,
          chance: 0,
          "axes 2": 18,
          "axes 3": 3,
        });
        // All products but the one whose operand has neither rows nor columns in one piece.
        assertEquals(all.lt, LT);
        // A problem's algorithm is asked for once; TF32, timing and chance only as they are set.
        assertEquals(all.same, [0, 0]);
        assertEquals(all.tf32[0], 1);
        assert(all.tf32[1] > 1e-5 && all.tf32[1] < 1e-2, String(all.tf32));
        assertEquals(all.benchmark, [1, 0]);
        assertEquals(all.off[0], 0);
        assertLess(all.off[1], 1e-5);
        assertEquals(all.chances, 2);
        assertRight({ chance: all.chance, own: all.own });
        assertEquals(all.ownProducts, 0);
        assertEquals(all.nccl, [2, 28, 9]);
        assertEquals(
          all.libraries.map(({ name, version, problem }: Report) => [name, version, problem]),
          [["cuBLASLt", "13.1.0", null], ["cuDNN", "9.12.0", null], ["NCCL", "2.28.9", null]],
        );
      });

      await t.step("small problems are left to the kernels here", async () => {
        const usual = await ask(venv, ["compute"]);
        assertRight({ ...usual.convolutions, ...usual.products });
        assertEquals([usual.dnn.forward, usual.lt.matmul], [0, 0]);
        const off = await ask({ ...venv, DINOTORCH_CUDA_LIBRARIES: "0" }, ["settings"]);
        assertEquals([off.settings.enabled, off.blas], [false, "own"]);
      });

      for (const fault of ["create", "nothing", "matmul forward data weight"]) {
        await t.step(`when they refuse (${fault}), the kernels here compute`, async () => {
          const env = { ...venv, DINOTORCH_CUDA_LIBRARIES: "all", FAKE_FAULTS: fault };
          const answer = await ask(env, ["compute"]);
          assertRight({ ...answer.convolutions, ...answer.products });
          assertEquals([answer.dnn.forward, answer.dnn.weight, answer.lt.matmul], [0, 0, 0]);
          assertMatch(
            answer.libraries[0].problem,
            fault === "create"
              ? /^matmul: cublasLtCreate answered 1$/
              : fault === "nothing"
              ? /^matmul: cublasLtMatmulAlgoGetHeuristic answered 15$/
              : /^matmul: cublasLtMatmul answered 13$/,
          );
          assertMatch(
            answer.libraries[1].problem,
            fault === "create"
              ? /^conv\w*: cudnnCreate answered 1001$/
              : fault === "nothing"
              ? /^conv\w*: cudnnGetConvolutionAlgorithm_v7 answered 3000$/
              : /^conv\w*: cudnnConvolution answered 5000$/,
          );
        });
      }

      await t.step("broken and foreign files are told, and the search goes on", async () => {
        await Deno.mkdir(`${dir}/mine`);
        await Deno.writeTextFile(`${dir}/mine/${FILES.cublaslt}`, "no library\n".repeat(400));
        await Deno.copyFile(`${dir}/${FILES.nccl}`, `${dir}/mine/${FILES.cudnn}`);
        await Deno.copyFile(`${dir}/${FILES.nccl}`, `${dir}/mine/${FILES.nccl}`);
        const { libraries } = await ask({ CUDA_LIBRARY_DIR: `${dir}/mine` }, ["report"]);
        const [lt, dnn, nccl] = libraries as Report[];
        assertEquals([lt.path, lt.version, dnn.path], [null, null, null]);
        assertMatch(
          lt.problem!,
          /^cuBLASLt cannot be used: \S+\/mine\/libcublasLt\.so\.13: .*invalid ELF header.*looked for libcublasLt\.so\.13, then libcublasLt\.so\.12 in CUDA_LIBRARY_DIR.* own kernels; `pip install nvidia-cublas`/,
        );
        assertMatch(dnn.problem!, /mine\/libcudnn\.so\.9 is not the library of that name/);
        assertEquals(nccl.path, `${dir}/mine/${FILES.nccl}`);
        const both = { ...venv, CUDA_LIBRARY_DIR: `${dir}/mine` };
        const { libraries: [next] } = await ask(both, ["report"]);
        assertEquals(next.path, `${dir}/${PACKAGES}/cu13/lib/${FILES.cublaslt}`);
      });

      await t.step("what is loaded, the loader's path, an older CUDA, a toolkit", async () => {
        await Deno.mkdir(`${dir}/loader`);
        await Deno.copyFile(`${dir}/${FILES.cublaslt}`, `${dir}/loader/libcublasLt.so.12`);
        await Deno.mkdir(`${dir}/toolkit/lib64`, { recursive: true });
        await Deno.copyFile(`${dir}/${FILES.nccl}`, `${dir}/toolkit/lib64/${FILES.nccl}`);
        const env = { LD_LIBRARY_PATH: `${dir}/loader`, CUDA_HOME: `${dir}/toolkit` };
        const { libraries } = await ask(env, ["report", `${dir}/${FILES.cudnn}`]);
        assertEquals(libraries.map(({ path }: Report) => path), [
          `${dir}/loader/libcublasLt.so.12`,
          `${dir}/${FILES.cudnn}`,
          `${dir}/toolkit/lib64/${FILES.nccl}`,
        ]);
      });

      await t.step("permissions that are not granted are not used, and are told", async () => {
        const flags = [`--allow-ffi=${library}`, "--allow-env=DINOTORCH_CUDA_LIBRARY"];
        const env = { ...venv, CUDA_LIBRARY_DIR: dir };
        const { libraries } = await ask(env, ["report"], flags);
        for (const { path, problem } of libraries as Report[]) {
          assertEquals(path, null);
          assertMatch(
            problem!,
            /was not found.*\(without --allow-env and --allow-read not all places can be looked at\)/,
          );
        }
      });
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

/** What the products of tests/cuda_libraries_program.ts ask cuBLASLt for. */
const LT = {
  create: 1,
  heuristics: 10,
  matmul: 11,
  tf32: 0,
  bias: 1,
  added: 1,
  batched: 1,
  half: 0,
  "op NN": 7,
  "op NT": 1,
  "op TN": 2,
  "op TT": 1,
};
