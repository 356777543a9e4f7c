/**
 * Finding and opening the library of CUDA kernels: without it, without permission, with a broken, a foreign or an old one,
 * without a driver. The CPU goes on in every case.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { build, compilerOf, TARGETS } from "../cuda/build.ts";
import { openLibrary, SYMBOLS } from "../ffi/library.ts";
import { cudaTest, gpu, library } from "./cuda.ts";

const root = new URL("../", import.meta.url).pathname;

interface Answer {
  load: string;
  available: boolean;
  count: number;
  problem: string;
  cuda: string;
  synchronize: string;
  cpu: string;
  stderr: string;
}

/** Runs tests/cuda_program.ts with permissions and environment of its own. */
async function ask(
  flags: string[],
  env: Record<string, string> = {},
  ...args: string[]
): Promise<Answer> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-lock",
      "--no-check",
      "--no-prompt",
      ...flags,
      "tests/cuda_program.ts",
      ...args,
    ],
    cwd: root,
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "", HOME: Deno.env.get("HOME") ?? "", ...env },
  }).output();
  const decoder = new TextDecoder(), text = decoder.decode(stderr);
  assertEquals(code, 0, text);
  return { ...JSON.parse(decoder.decode(stdout)), stderr: text };
}

/** Asserts that there is no device, that the reason is told, and that the CPU works. */
function assertRefused(answer: Answer, reason: RegExp): void {
  assertEquals([answer.available, answer.count], [false, 0]);
  assertMatch(answer.problem, reason);
  assertStringIncludes(
    answer.cuda,
    `Error: to: "cuda" cannot be used: ${answer.problem}. "cpu" can`,
  );
  assertEquals(answer.cpu, "2,4,6");
}

const NAME = "DINOTORCH_CUDA_LIBRARY", CAN_READ = "--allow-env";

Deno.test("cuda: without --allow-ffi there is no device, and nobody is asked for it", async () => {
  assertRefused(await ask([]), /^no permission to open a library: run with --allow-ffi$/);
  assertRefused(
    await ask([CAN_READ], { [NAME]: "/some/libcudakernels.so" }),
    /^no permission to open \/some\/libcudakernels.so: run with --allow-ffi$/,
  );
});

Deno.test("cuda: a library that is named but not there, or no library at all", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const missing = `${dir}/missing.so`;
    assertRefused(
      await ask(["--allow-ffi", CAN_READ], { [NAME]: missing }),
      /missing\.so cannot be opened: .*No such file/,
    );
    const broken = `${dir}/broken.so`;
    await Deno.writeTextFile(broken, "this is no library\n".repeat(200));
    assertRefused(
      await ask(["--allow-ffi", CAN_READ], { [NAME]: broken }),
      /broken\.so cannot be opened: .*invalid ELF header/,
    );
    const { load } = await ask(["--allow-ffi"], {}, broken);
    assertMatch(load, /^Error: .*broken\.so cannot be opened/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("cuda: it is looked for beside the package and where the system has its libraries", async () => {
  const { problem, available } = await ask(["--allow-ffi"]);
  // Whichever there is here: no library, one without a driver, or a GPU.
  if (!available) {
    assertMatch(
      problem,
      /was not found: looked for .*build\/libcudakernels\.so|driver|CUDA device|built from other sources|another version/,
    );
  }
});

const compiler = await compilerOf(TARGETS.emulator);
if (compiler === null) {
  console.log(
    "cuda: libraries of other kinds are left out: there is no C++ compiler to build them",
  );
}

Deno.test({
  name: "cuda: a library of another kind, and of another version",
  ignore: compiler === null,
  fn: async () => {
    const dir = await Deno.makeTempDir();
    const make = async (name: string, code: string) => {
      await Deno.writeTextFile(`${dir}/${name}.cpp`, code);
      const args = ["-shared", "-fPIC", `${dir}/${name}.cpp`, "-o", `${dir}/${name}.so`];
      assert((await new Deno.Command(compiler!.path, { args }).output()).success);
      return `${dir}/${name}.so`;
    };
    try {
      const flags = ["--allow-ffi", CAN_READ];
      const foreign = await make("foreign", `extern "C" int other() { return 1; }`);
      assertRefused(
        await ask(flags, { [NAME]: foreign }),
        /is not dinotorch's library of CUDA kernels/,
      );
      const old = await make("old", `extern "C" int dino_abi() { return 99; }`);
      assertRefused(
        await ask(flags, { [NAME]: old }),
        /is of another version: its interface is 99, expected 1/,
      );
      const half = await make("half", `extern "C" int dino_abi() { return 1; }`);
      assertRefused(await ask(flags, { [NAME]: half }), /is of another version: .*dino_/);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

if (!gpu) {
  cudaTest("the library that is named is used, by its path or by the environment", async () => {
    const named = await ask(["--allow-ffi", CAN_READ], { [NAME]: library, EMU_DEVICES: "3" });
    assertEquals([named.available, named.count, named.cuda], [true, 3, "2,4,6"]);
    const loaded = await ask(["--allow-ffi"], {}, library);
    assertEquals([loaded.load, loaded.available, loaded.problem], ["undefined", true, ""]);
  });

  cudaTest("no driver, an old driver, no device", async () => {
    const flags = ["--allow-ffi", CAN_READ], named = { [NAME]: library };
    assertRefused(
      await ask(flags, { ...named, EMU_DRIVER: "0" }),
      /^no NVIDIA driver is installed/,
    );
    assertRefused(
      await ask(flags, { ...named, EMU_DRIVER: "12020" }),
      /^the NVIDIA driver is for CUDA 12\.2, the library for 13\.0: update the driver/,
    );
    assertRefused(
      await ask(flags, { ...named, EMU_DEVICES: "0" }),
      /^no usable CUDA device: cudaErrorNoDevice/,
    );
  });

  cudaTest(
    "an error on the device comes to light at the next synchronisation, with the kernel's name",
    async () => {
      const env = { [NAME]: library, EMU_FAIL: "softmax" };
      const late = await ask(["--allow-ffi", CAN_READ], { ...env, EMU_ASYNC: "1" });
      assertEquals(late.cuda, "2,4,6");
      assertMatch(
        late.synchronize,
        /^Error: cuda:0: kernel softmax fails.*in one of the kernels launched last: .*softmax; with CUDA_LAUNCH_BLOCKING=1/,
      );
      assertEquals(late.cpu, "2,4,6");
      const atOnce = await ask(["--allow-ffi", CAN_READ], env);
      assertMatch(atOnce.synchronize, /^Error: cuda:0: softmax: kernel softmax fails/);
    },
  );

  cudaTest("the library exports its interface, and nothing else", async () => {
    const built = [library];
    // nvcc takes minutes: it compiles where it is asked to, as in CI.
    if (Deno.env.get("DINOTORCH_NVCC") !== "1") {
      console.log("cuda: nvcc does not compile the kernels: DINOTORCH_NVCC is not 1");
    } else if (await compilerOf(TARGETS.ptx) === null) {
      console.log(`cuda: nvcc does not compile the kernels: ${TARGETS.ptx.missing}`);
    } else built.push(await build("ptx"));
    const kernels = [...openLibrary(library).kernels.keys()].sort();
    for (const path of built) {
      assertEquals([...openLibrary(path).kernels.keys()].sort(), kernels, path);
      const { stdout } = await new Deno.Command("nm", { args: ["-D", "--defined-only", path] })
        .output();
      const names = new TextDecoder().decode(stdout).split("\n").flatMap((line) =>
        line.split(" ")[2] ?? []
      );
      const own = names.filter((name) => !name.startsWith("_") && name !== "emu_order");
      assertEquals(own.sort(), Object.keys(SYMBOLS).sort(), path);
    }
  });
}
