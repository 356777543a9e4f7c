/**
 * The npm package, packed and installed in a folder of its own, as a user has it.
 */
import * as esbuild from "esbuild";
import { output } from "../edge/process.ts";

const PACKAGE = new URL("../../build/npm/", import.meta.url).pathname;

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
  let archive;
  try {
    const pack = ["pack", "--silent", "--pack-destination", folder];
    archive = (await output("npm", pack, PACKAGE)).trim();
  } catch (e) {
    if (!(e instanceof Deno.errors.NotFound)) throw e;
    console.log("tests: the npm package is not installed in hosts: there is no npm");
    await Deno.remove(folder, { recursive: true });
    return null;
  }
  await Deno.writeTextFile(`${folder}/package.json`, `{ "type": "module" }\n`);
  const add = ["install", `./${archive}`, "--offline", "--no-audit", "--no-fund"];
  await output("npm", add, folder);
  const { size } = await Deno.stat(`${folder}/${archive}`);
  return { folder, packed: size };
}

/** Bundles `contents`, a module as of a file in `folder`, without an option more than it takes. */
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
