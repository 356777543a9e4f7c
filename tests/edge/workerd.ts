/**
 * Checks in workerd, Cloudflare's runtime, by `workerd test`.
 */
import { output } from "./process.ts";

/** A worker that prints the result, or what it is when asked for: outside of requests, little may be done. */
const WORKER = `import { result } from "./check.js";
const answer = async () => typeof result === "function" ? await result() : result;
export default { async test() { console.log(JSON.stringify(await answer())); } };`;

/** The files of a folder and of those in it, by their paths from it. */
async function filesIn(folder: string, prefix = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${prefix}`)) {
    if (isDirectory) names.push(...await filesIn(folder, `${prefix}${name}/`));
    else names.push(prefix + name);
  }
  return names;
}

/** workerd's configuration: the files as modules of the kinds that Cloudflare's tool makes of them. */
async function configuration(folder: string, date: string, flags: string[]): Promise<string> {
  const modules = ['(name = "test.js", esModule = embed "test.js")'];
  for (const name of await filesIn(folder)) {
    const kind = name.endsWith(".wasm")
      ? "wasm"
      : name.endsWith(".safetensors")
      ? "data"
      : /(^|\/)(worker|check|model)\.js$/.test(name)
      ? "esModule"
      : null;
    if (kind !== null) modules.push(`(name = "${name}", ${kind} = embed "${name}")`);
  }
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (v8Flags = ${
    JSON.stringify(flags)
  }, services = [(name = "main", worker = .w)]);
const w :Workerd.Worker = (compatibilityDate = "${date}", modules = [${modules.join(", ")}]);
`;
}

/** What check.js results in, under the rules of a compatibility date, and with V8's flags. */
export async function runWorkerd(
  command: string,
  folder: string,
  date: string,
  flags: string[] = [],
): Promise<string> {
  await Deno.writeTextFile(`${folder}/test.js`, WORKER);
  await Deno.writeTextFile(`${folder}/config.capnp`, await configuration(folder, date, flags));
  return JSON.parse(await output(command, ["test", "config.capnp"], folder));
}
