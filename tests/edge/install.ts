/**
 * Installs the hosts that npm has, in build/hosts, for the tests of exported models: each at the version that stands here.
 * Where that does not succeed it says why, and the tests leave out what is not there.
 *
 *     deno task build:hosts
 */

const { os, arch } = Deno.build, x64 = arch === "x86_64";

// The packages that hold the executables for this platform, which need no scripts on installing.
const NODE = `node-${os}-${x64 ? "x64" : "arm64"}`;
const BUN = `@oven/bun-${os}-${x64 ? "x64" : "aarch64"}`;
const WORKERD = `@cloudflare/workerd-${os}-${x64 ? "64" : "arm64"}`;
const VERCEL = "@edge-runtime/vm";

/** The packages, and their versions. */
const PACKAGES: Readonly<Record<string, string>> = {
  // npm's package of Node is up to date for Linux alone.
  ...(os === "linux" ? { [NODE]: "26.12.1" } : {}),
  [BUN]: "1.4.5",
  [WORKERD]: "1.20261117.1",
  [VERCEL]: "5.0.0",
};

const FOLDER = new URL("../../build/hosts/", import.meta.url).pathname;

const inPackage = (path: string) => `${FOLDER}node_modules/${path}`;

/** Where executables are, once they are installed, and the script of Vercel's virtual machine. */
export const INSTALLED = {
  node: inPackage(`${NODE}/bin/node`),
  bun: inPackage(`${BUN}/bin/bun`),
  workerd: inPackage(`${WORKERD}/bin/workerd`),
  vercel: inPackage(`${VERCEL}/dist/index.js`),
};

/** The packages that are not there at their version. */
async function missing(): Promise<string[]> {
  const names: string[] = [];
  for (const [name, version] of Object.entries(PACKAGES)) {
    const text = await Deno.readTextFile(inPackage(`${name}/package.json`)).catch(() => "{}");
    if (JSON.parse(text).version !== version) names.push(name);
  }
  return names;
}

/** Installs what is missing; the reason, where that fails. */
async function install(): Promise<string | null> {
  if ((await missing()).length === 0) return null;
  await Deno.mkdir(FOLDER, { recursive: true });
  const packages = Object.entries(PACKAGES).map(([name, version]) => `${name}@${version}`);
  try {
    const { success, stderr } = await new Deno.Command("npm", {
      args: [
        ...["install", "--prefix", FOLDER, "--no-save", "--no-package-lock", "--ignore-scripts"],
        ...["--no-audit", "--no-fund", "--fetch-retries=0", "--fetch-timeout=15000"],
        ...["--loglevel=error", ...packages],
      ],
      stdout: "null",
      signal: AbortSignal.timeout(90_000),
    }).output();
    return success ? null : new TextDecoder().decode(stderr).trim().split("\n")[0];
  } catch (e) {
    if (e instanceof Deno.errors.NotFound) return "there is no npm";
    throw e;
  }
}

if (import.meta.main) {
  const reason = await install();
  if (reason !== null) {
    console.log(`tests: ${(await missing()).join(", ")} could not be installed: ${reason}`);
  }
}
