/**
 * Checks in browsers, in a page that they load from a server.
 */
import { output } from "./process.ts";

/** The page has loaded when the server has the result; its script sends that back, or what went wrong. */
const PAGE = `<!doctype html><img src="/wait"><script type="module" src="/tell.js"></script>`;
const TELL = `const tell = (text) => fetch("/result", { method: "POST", body: text });
import("./check.js").then(({ result }) => tell(result), (e) => tell("error: " + e));`;

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html",
  js: "text/javascript",
  wasm: "application/wasm",
};

/** Serves the files of a folder, with these headers, and what `other` answers. */
export function serve(
  folder: string,
  headers: Record<string, string>,
  other: (name: string, request: Request) => Promise<Response | null>,
): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const name = new URL(request.url).pathname.slice(1) || "index.html";
    const response = await other(name, request);
    if (response !== null) return response;
    const bytes = await Deno.readFile(`${folder}/${name}`).catch(() => null);
    if (bytes === null) return new Response(null, { status: 404 });
    const type = TYPES[name.split(".").at(-1)!] ?? "application/octet-stream";
    return new Response(bytes, { headers: { "content-type": type, ...headers } });
  });
}

/** What check.js results in, in a page with these headers. */
type Run = (command: string, folder: string, headers?: Record<string, string>) => Promise<string>;

/** How a check runs in a browser that takes these arguments to load a page and end. */
const browser = (argsOf: (profile: string, url: string) => string[]): Run =>
async (
  command,
  folder,
  headers = {},
) => {
  const { promise, resolve } = Promise.withResolvers<string>();
  await Deno.writeTextFile(`${folder}/index.html`, PAGE);
  await Deno.writeTextFile(`${folder}/tell.js`, TELL);
  const server = serve(folder, headers, async (name, request) => {
    if (request.method === "POST") resolve(await request.text());
    else if (name === "wait") await promise;
    else return null;
    return new Response();
  });
  const profile = await Deno.makeTempDir(), { port } = server.addr;
  const patience = setTimeout(() => resolve("error: no answer within 40 s"), 40_000);
  try {
    // It ends by itself when the page has loaded: killing it would reach a script that starts it, at best.
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

export const runChromium = browser((profile, url) => [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
  ...[`--user-data-dir=${profile}`, "--dump-dom", url],
]);

export const runFirefox = browser((profile, url) => [
  ...["--headless", "--no-remote", "--profile", profile],
  ...["--screenshot", `${profile}/page.png`, url],
]);
