/**
 * The npm package, packed and installed in a folder of its own, as a user has it.
 */
import * as esbuild from "esbuild";

const PACKAGE = new URL("../../build/npm/", import.meta.url).pathname;

/** Runs npm; what it printed, or null where there is no npm. Throws with what it said when it fails. */
async function npm(args: string[], cwd: string): Promise<string | null> {
  let output;
  try {
    output = await new Deno.Command("npm", { args, cwd }).output();
  } catch (e) {
    if (e instanceof Deno.errors.NotFound) return null;
    throw e;
  }
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!output.success) throw new Error(`npm ${args.join(" ")}:\n${decode(output.stderr)}`);
  return decode(output.stdout).trim();
}

/** What is installed, and where. */
export interface Installed {
  /** The folder of the user's program. */
  folder: string;
  /** Bytes of the packed package. */
  packed: number;
}

/** Packs the package and installs it in a new folder; null, with the reason printed, where there is no npm. */
export async function install(): Promise<Installed | null> {
  const folder = await Deno.makeTempDir();
  const archive = await npm(["pack", "--silent", "--pack-destination", folder], PACKAGE);
  if (archive === null) {
    console.log("npm: the tests of the npm package are left out: there is no npm");
    await Deno.remove(folder, { recursive: true });
    return null;
  }
  await Deno.writeTextFile(`${folder}/package.json`, `{ "type": "module" }\n`);
  await npm(["install", `./${archive}`, "--offline", "--no-audit", "--no-fund"], folder);
  const { size } = await Deno.stat(`${folder}/${archive}`);
  return { folder, packed: size };
}

/** Bundles `contents`, a module of a user's program in `folder`, without an option more than it takes. */
export async function bundle(
  folder: string,
  contents: string,
  options: esbuild.BuildOptions = {},
): Promise<string> {
  try {
    const { outputFiles } = await esbuild.build({
      stdin: { contents, resolveDir: folder },
      ...{ bundle: true, format: "esm", write: false, logLevel: "silent", ...options },
    });
    return outputFiles![0].text;
  } finally {
    await esbuild.stop();
  }
}
