/** Compiles the program of planted bugs, cuda/emulator/bugs.cu. */
export async function buildBugs(
  compiler: string,
  options: string[],
): Promise<{ path: string; remove: () => Promise<void> }> {
  const dir = await Deno.makeTempDir(), path = `${dir}/bugs`;
  const remove = () => Deno.remove(dir, { recursive: true });
  const { success, stderr } = await new Deno.Command(compiler, {
    args: [
      ...["-std=c++17", "-O1", ...options, "-x", "c++", "-o", path],
      ...[
        "cuda/emulator/bugs.cu",
        ...["grid", "warp", "runtime"].map((part) => `cuda/emulator/${part}.cpp`),
      ],
    ],
    cwd: new URL("../", import.meta.url),
  }).output();
  if (!success) {
    await remove();
    throw new Error(`cuda/emulator/bugs.cu does not compile:\n${new TextDecoder().decode(stderr)}`);
  }
  return { path, remove };
}
