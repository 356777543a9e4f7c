/**
 * Runs the tests of the CUDA device on the emulator's library as AddressSanitizer and UBSan see it, and sees that they find
 * what is planted for them.
 *
 *     deno task test:cuda:sanitize
 */
import { build, compilerOf, TARGETS } from "../cuda/build.ts";
import { buildBugs } from "./cuda_bugs.ts";

const compiler = await compilerOf(TARGETS.sanitized);
if (compiler === null) {
  console.error(TARGETS.sanitized.missing);
  Deno.exit(1);
}
const library = await build("sanitized");

const { path, remove } = await buildBugs(compiler.path, ["-g1", "-fsanitize=address,undefined"]);
for (const bug of ["global", "shared"]) {
  const { code, stderr } = await new Deno.Command(path, { args: [bug] }).output();
  const found = code !== 0 && new TextDecoder().decode(stderr).includes("AddressSanitizer");
  console.log(`a write beyond ${bug} memory: ${found ? "found" : "MISSED"}`);
  if (!found) Deno.exit(1);
}
await remove();

/** Where the compiler has its runtime libraries. */
async function runtime(name: string): Promise<string> {
  const { stdout } = await new Deno.Command(compiler!.path, { args: [`-print-file-name=${name}`] })
    .output();
  return new TextDecoder().decode(stdout).trim();
}

const { code } = await new Deno.Command(Deno.execPath(), {
  args: [
    ...["run", "-A", "tests/run.ts", "test", "-A", "--no-check"],
    ...["tests/cuda_test.ts", "tests/cuda_golden_test.ts", "tests/cuda_sizes_test.ts"],
    ...["tests/cuda_index_test.ts", "tests/cuda_linalg_test.ts", "tests/cuda_resample_test.ts"],
  ],
  cwd: new URL("../", import.meta.url),
  env: {
    DINOTORCH_TEST_CUDA: library,
    EMU_ASYNC: "1", // and nothing is done before it is waited for
    LD_PRELOAD: `${await runtime("libasan.so")}:${await runtime("libubsan.so")}`,
    ASAN_OPTIONS: "detect_leaks=0",
    UBSAN_OPTIONS: "print_stacktrace=1",
  },
}).spawn().status;
Deno.exit(code);
