/**
 * A page in Chromium, as a person uses it: with a mouse, and pictures of what it shows.
 */
import puppeteer, { type Page } from "puppeteer-core";
import { serve } from "./browser.ts";

/** Where pictures go. */
const SCREENSHOTS = new URL("../../build/screenshots/", import.meta.url);

/** The command's file: of those on the PATH, if it is a name. */
async function fileOf(command: string): Promise<string> {
  if (command.includes("/")) return command;
  for (const folder of Deno.env.get("PATH")!.split(":")) {
    const path = `${folder}/${command}`;
    if (await Deno.stat(path).catch(() => null)) return path;
  }
  throw new Error(`${command} is not on the PATH`);
}

/**
 * Opens a page of a folder of static files, and gives it to `f` when it is ready. Whatever the page asks of others than
 * that folder, and whatever goes wrong in it, is an error.
 */
export async function withPage(
  command: string,
  folder: string,
  name: string,
  f: (page: Page) => Promise<void>,
): Promise<void> {
  const server = serve(folder, {}, () => Promise.resolve(null));
  const base = `http://127.0.0.1:${server.addr.port}/`, problems: string[] = [];
  const browser = await puppeteer.launch({
    executablePath: await fileOf(command),
    headless: "shell",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  try {
    const page = await browser.newPage();
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(base) && !url.startsWith("data:")) problems.push(`it asks for ${url}`);
    });
    page.on("requestfailed", (request) => problems.push(`no ${request.url()}`));
    page.on("pageerror", (e) => problems.push(String(e)));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    await page.setViewport({ width: 800, height: 500 });
    await page.goto(base + name);
    await page.waitForSelector("body[data-ready]", { timeout: 20_000 }).catch(() => {
      throw new Error(`${name} did not get ready: ${problems.join("; ")}`);
    });
    await f(page);
    if (problems.length > 0) throw new Error(`${name}: ${problems.join("; ")}`);
  } finally {
    await browser.close();
    await server.shutdown();
  }
}

/** A picture, as it is seen: red, green, blue and alpha of each point. */
export interface Picture {
  width: number;
  /** The colour of the point (x, y). */
  at(x: number, y: number): [red: number, green: number, blue: number];
}

/** Takes a picture of the page, writes it to build/screenshots, and reads it. */
export async function screenshot(page: Page, name: string): Promise<Picture> {
  await Deno.mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: new URL(name, SCREENSHOTS).pathname as `${string}.png` });
  const png = await Deno.readFile(new URL(name, SCREENSHOTS));
  const { width, data } = await page.evaluate(`(async () => {
    const response = await fetch("data:image/png;base64,${png.toBase64()}");
    const image = await createImageBitmap(await response.blob()), { width, height } = image;
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.drawImage(image, 0, 0);
    return { width, data: new Uint8Array(context.getImageData(0, 0, width, height).data).toBase64() };
  })()`) as { width: number; data: string };
  const bytes = Uint8Array.fromBase64(data);
  return {
    width,
    at: (x, y) => {
      const i = 4 * (Math.round(y) * width + Math.round(x));
      return [bytes[i], bytes[i + 1], bytes[i + 2]];
    },
  };
}
