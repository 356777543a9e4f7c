/**
 * The examples as programs.
 */

/** Runs a program of `examples/` as its task does. */
export async function runExample(
  name: string,
  ...args: string[]
): Promise<{ code: number; output: string }> {
  const { code, stdout, stderr } = await startExample(name, ...args).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Starts a program of `examples/`. */
export function startExample(name: string, ...args: string[]): Deno.ChildProcess {
  const { pathname } = new URL(`../examples/${name}`, import.meta.url);
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", pathname, ...args],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  });
  return command.spawn();
}
