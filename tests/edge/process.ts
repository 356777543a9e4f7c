/**
 * Processes of the tests.
 */

/** Runs a command to its end; its output, or an error that says what it said. */
export async function output(command: string, args: string[], cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd,
    signal: AbortSignal.timeout(60_000),
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) {
    throw new Error(`${command} ${args.join(" ")}:\n${decode(stdout)}${decode(stderr)}`);
  }
  return decode(stdout);
}
