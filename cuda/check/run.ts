/**
 * Checks and times the kernels of matrix products and of attention by themselves, on a GPU: builds the programs of this
 * folder with nvcc, runs each way of computing them in a process of its own, and stops one that hangs.
 *
 *     deno task check:gpu [--build] [--time] [way...]
 *
 * `--build` only builds, for a GPU that has no nvcc beside it: build/check_tensor_core, build/check_gemm and
 * build/check_attention; where they are there already, `--run` takes them as they are. `--time` only times. Ways: rows,
 * float32, tensor, hopper and hopper32 for products; attention, attention-ampere.
 */
import { build, compilerOf, TARGETS } from "../build.ts";

const root = new URL("../../", import.meta.url), out = new URL("build/", root);
const PROGRAMS = ["tensor_core", "gemm", "attention"];
const WAYS = [
  "rows",
  ...["float32", "tensor", "hopper", "hopper32"].flatMap((way) => [way, `${way}/`]),
  ...["attention", "attention-ampere"],
];
/** A process is stopped after so many seconds. */
const LONGEST = 25;

async function run(
  command: string,
  args: string[],
  seconds?: number,
  env?: Record<string, string>,
): Promise<{ code: number; signal: string | null }> {
  const child = new Deno.Command(command, { args, cwd: root, env }).spawn();
  const timer = seconds && setTimeout(() => child.kill("SIGKILL"), 1000 * seconds);
  const { code, signal } = await child.status;
  clearTimeout(timer);
  return { code, signal };
}

/** Links each program with the objects of the library of kernels. */
async function buildAll(): Promise<void> {
  await build("cuda");
  const objects = [],
    folder = new URL("cuda/cuda/", out),
    compiler = await compilerOf(TARGETS.cuda);
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".o")) objects.push(new URL(name, folder).pathname);
  }
  for (const name of PROGRAMS) {
    const { code } = await run(compiler!.path, [
      ...TARGETS.cuda.compile,
      ...["-cudart=static", "-Icuda", `cuda/check/${name}.cu`, ...objects],
      ...["-o", new URL(`check_${name}`, out).pathname],
    ]);
    if (code !== 0) throw new Error(`cuda/check/${name}.cu does not compile`);
  }
}

const args = new Set(Deno.args), ways = Deno.args.filter((arg) => !arg.startsWith("--"));
if (!args.has("--run")) await buildAll();
if (args.has("--build")) Deno.exit(0);
let failed = 0;
const check = async (name: string, mode?: string, way?: string) => {
  const more = [mode, way].filter((x) => x !== undefined);
  const env = name === "attention" && way ? { DINOTORCH_HOPPER: "0" } : undefined;
  const program = new URL(`check_${name}`, out).pathname;
  const { code, signal } = await run(program, more, LONGEST, env);
  if (code === 0) return;
  failed++;
  console.log(`${name} ${more.join(" ")}: ${signal ? "stopped, it took too long" : "FAILED"}`);
};
if (ways.length === 0 && !args.has("--time")) await check("tensor_core");
for (const mode of args.has("--time") ? ["time"] : ["check", "time"]) {
  for (const way of ways.length > 0 ? ways : WAYS) {
    const [attention, twin] = way.split("-");
    if (attention === "attention") await check(attention, mode, twin);
    else await check("gemm", mode, way);
  }
}
Deno.exit(failed > 0 ? 1 : 0);
