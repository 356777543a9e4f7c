/**
 * A participant's process, as the benchmark sees it: asked in turns, started when first needed and again after a crash.
 */
import type { Timing } from "./timing.ts";

/** What a participant answers. */
export type Answer = Timing & { result?: number; note?: string };

/** How long starting a library may take, in milliseconds; the first time includes compiling it. */
const START = 60_000;

/** What PyTorch's child should not inherit: settings that choose OpenBLAS's kernels for it. */
const UNSET = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"];

/** One process. */
export class Participant {
  /** What it says it is, once started. */
  about = "";
  readonly #command: string[];
  readonly #env: Record<string, string>;
  #child: Deno.ChildProcess | null = null;
  #writer!: WritableStreamDefaultWriter<Uint8Array>;
  #reader!: ReadableStreamDefaultReader<string>;
  #rest = "";
  /** The end of what it wrote to standard error. */
  #complaint = "";

  constructor(command: string[], env: Record<string, string> = {}) {
    this.#command = command;
    this.#env = env;
  }

  /** Starts it, unless it runs; gives the reason where it does not. */
  async start(): Promise<string | null> {
    if (this.#child) return null;
    try {
      const env = { ...Deno.env.toObject(), ...this.#env };
      for (const name of UNSET) delete env[name];
      const [program, ...args] = this.#command;
      const child = new Deno.Command(program, {
        args,
        env,
        clearEnv: true,
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      this.#child = child;
      this.#writer = child.stdin.getWriter();
      this.#reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      this.#rest = this.#complaint = "";
      this.#listen(child.stderr);
      this.about = (await this.#answer<{ about: string }>(START)).about;
      return null;
    } catch (e) {
      await this.stop();
      return e instanceof Deno.errors.NotFound
        ? `there is no ${this.#command[0]}`
        : (e as Error).message;
    }
  }

  async #listen(stderr: ReadableStream<Uint8Array>): Promise<void> {
    try {
      for await (const text of stderr.pipeThrough(new TextDecoderStream())) {
        this.#complaint = (this.#complaint + text).slice(-1000);
      }
    } catch {
      // the process was given up
    }
  }

  /** Why the process ended, as far as it said. */
  #ended(): Error {
    const said = this.#complaint.trim().split("\n").at(-1);
    return new Error(`its process ended${said ? `: ${said}` : ""}`);
  }

  /** Its answer to `request`. Throws its error; after `timeout` milliseconds, or when it ends, the process is given up. */
  async ask(request: unknown, timeout: number): Promise<Answer> {
    const reason = await this.start();
    if (reason !== null) throw new Error(reason);
    try {
      await this.#writer.write(new TextEncoder().encode(JSON.stringify(request) + "\n"));
    } catch {
      await this.stop();
      throw this.#ended();
    }
    return await this.#answer<Answer>(timeout);
  }

  async #answer<T>(timeout: number): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`no answer within ${timeout / 1000} seconds`)),
        timeout,
      );
    });
    let line: string;
    try {
      line = await Promise.race([this.#line(), late]);
    } catch (e) {
      await this.stop();
      throw e;
    } finally {
      clearTimeout(timer);
    }
    const answer = JSON.parse(line);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  async #line(): Promise<string> {
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#reader.read();
      if (done) throw this.#ended();
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n"), line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child) return;
    try {
      child.kill("SIGKILL");
    } catch {
      // it has ended by itself
    }
    await child.status;
    await Promise.allSettled([this.#reader.cancel(), this.#writer.abort()]);
  }
}
