/**
 * Hosts that exported models and the npm package run in, as the tests start them. Each gets a folder with a script
 * `check.js` that gives its results as the export `result`, a string, and tells it back.
 *
 * Where an executable is: in an environment variable, on the PATH, or in build/hosts (see install.ts). The browsers are the
 * distribution's: `apt-get install chromium firefox-esr`.
 */
import { runChromium, runFirefox } from "./browser.ts";
import { INSTALLED } from "./install.ts";
import { output } from "./process.ts";
import { runVercel } from "./vercel.ts";
import { runWorkerd } from "./workerd.ts";

/** A host, and how to run a check in it. */
export interface Host {
  readonly name: string;
  /** The environment variable that names its executable. */
  readonly variable: string;
  /** Commands, and files of build/hosts, that are tried. */
  readonly commands: readonly string[];
  /** A file that it needs besides. */
  readonly needs?: string;
  /** Which of an export's files it runs. */
  readonly entry: string;
  /** Whether strings may become code there, at module scope. */
  readonly evaluates: boolean;
  /** What `check.js` results in, in this host; `headers` are those of the page, where the host is a browser. */
  run(command: string, folder: string, headers?: Record<string, string>): Promise<string>;
}

/** Prints the result of check.js. */
const PRINT = `import { result } from "./check.js"; console.log(result);`;

const script = (args: string[]) => async (command: string, folder: string) => {
  await Deno.writeTextFile(`${folder}/print.js`, PRINT);
  return (await output(command, [...args, "print.js"], folder)).trim();
};

const CHROMIUM = ["chromium", "chromium-headless-shell", "google-chrome"];

/** Scripts and WebAssembly from the page's own folder, and nothing else: no inline scripts, no `eval`. */
const STRICT = {
  "content-security-policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; " +
    "connect-src 'self'; img-src 'self'",
};

/** Every host that the tests know. */
export const HOSTS: readonly Host[] = [
  {
    name: "Deno",
    variable: "DINOTORCH_DENO",
    commands: [Deno.execPath()],
    entry: "deno.js",
    evaluates: true,
    run: script(["run", "--allow-read", "--no-config", "--no-lock"]),
  },
  {
    name: "Node",
    variable: "DINOTORCH_NODE",
    commands: ["node"],
    entry: "node.js",
    evaluates: true,
    run: script([]),
  },
  {
    name: "newer Node",
    variable: "DINOTORCH_NEW_NODE",
    commands: [INSTALLED.node],
    entry: "node.js",
    evaluates: true,
    run: script([]),
  },
  {
    name: "Bun",
    variable: "DINOTORCH_BUN",
    commands: ["bun", INSTALLED.bun],
    entry: "bun.js",
    evaluates: true,
    run: script(["run"]),
  },
  {
    name: "workerd",
    variable: "DINOTORCH_WORKERD",
    commands: ["workerd", INSTALLED.workerd],
    entry: "worker.js",
    evaluates: true,
    run: (command, folder) => runWorkerd(command, folder, "2026-11-01"),
  },
  {
    // Before 2025-06-01 nothing becomes code at module scope, neither strings nor bytes.
    name: "workerd of an old compatibility date",
    variable: "DINOTORCH_WORKERD",
    commands: ["workerd", INSTALLED.workerd],
    entry: "worker.js",
    evaluates: false,
    run: (command, folder) => runWorkerd(command, folder, "2022-01-01"),
  },
  {
    name: "Chromium",
    variable: "DINOTORCH_CHROMIUM",
    commands: CHROMIUM,
    entry: "browser.js",
    evaluates: true,
    run: runChromium,
  },
  {
    name: "Chromium under a strict content security policy",
    variable: "DINOTORCH_CHROMIUM",
    commands: CHROMIUM,
    entry: "browser.js",
    evaluates: false,
    run: (command, folder) => runChromium(command, folder, STRICT),
  },
  {
    name: "Firefox",
    variable: "DINOTORCH_FIREFOX",
    commands: ["firefox", "firefox-esr"],
    entry: "browser.js",
    evaluates: true,
    run: runFirefox,
  },
  {
    name: "Vercel's virtual machine without code generation",
    variable: "DINOTORCH_NODE",
    commands: ["node"],
    needs: INSTALLED.vercel,
    entry: "vercel.js",
    evaluates: false,
    run: runVercel,
  },
];

/** Finds the command that starts `host`; null, with the reason printed, where it is not installed. */
async function find(host: Host): Promise<string | null> {
  const given = Deno.env.get(host.variable), { needs } = host;
  for (const command of given === undefined ? host.commands : [given]) {
    try {
      const { success } = await new Deno.Command(command, { args: ["--version"] }).output();
      if (success && (needs === undefined || await Deno.stat(needs))) return command;
    } catch (e) {
      if (!(e instanceof Deno.errors.NotFound)) throw e;
    }
  }
  const wanted = [host.commands.join(" or "), ...needs === undefined ? [] : [needs]].join(", ");
  console.log(`tests: ${host.name} is left out: there is no ${wanted} (${host.variable})`);
  return null;
}

const commands = new Map<Host, Promise<string | null>>();

/** The command that starts `host`; null, with the reason printed once, where it is not installed. */
export function commandOf(host: Host): Promise<string | null> {
  const command = commands.get(host) ?? find(host);
  commands.set(host, command);
  return command;
}

/** The host of this name. */
export function hostOf(name: string): Host {
  return HOSTS.find((host) => host.name === name)!;
}
