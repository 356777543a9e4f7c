/**
 * The emulator finds bugs: the planted ones of cuda/emulator/bugs.cu, each. The sanitizers' are found by
 * `deno task test:cuda:sanitize`.
 */
import { assertEquals } from "@std/assert";
import { compilerOf, TARGETS } from "../cuda/build.ts";
import { buildBugs } from "./cuda_bugs.ts";

const compiler = await compilerOf(TARGETS.emulator);
if (compiler === null) {
  console.log(
    "cuda: the emulator's planted bugs are left out: there is no C++ compiler to build them",
  );
}

Deno.test({
  name: "cuda: the emulator finds planted bugs, in every order of threads",
  ignore: compiler === null,
  fn: async () => {
    const { path, remove } = await buildBugs(compiler!.path, []);
    try {
      for (const EMU_ORDER of ["forward", "reverse", "random:5"]) {
        const { code, stdout } = await new Deno.Command(path, {
          env: { EMU_ORDER, EMU_ASYNC: "1" },
          stderr: "null",
        }).output();
        const lines = new TextDecoder().decode(stdout).trim().split("\n");
        assertEquals(lines.filter((line) => !line.endsWith(": found")), [], EMU_ORDER);
        assertEquals([code, lines.length], [0, 22]);
      }
    } finally {
      await remove();
    }
  },
});
