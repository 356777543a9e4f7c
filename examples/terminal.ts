/**
 * What a training run shows in a terminal: a progress bar, a loss curve, and a way to stop.
 */
import { plot } from "asciichart";
import { Presets, SingleBar } from "cli-progress";

/** Shows how far a run is. Where the output is not a terminal, a line now and then. */
export class Progress {
  readonly #bar: SingleBar;
  readonly #total: number;

  /** `start` of `total` steps are done already. */
  constructor(label: string, total: number, start = 0) {
    this.#total = total;
    this.#bar = new SingleBar({
      format: `${label} {bar} {value}/{total} steps  loss {loss}  {duration_formatted}`,
      barsize: 28,
      hideCursor: true,
      noTTYOutput: true,
      notTTYSchedule: 2000,
    }, Presets.shades_classic);
    this.#bar.start(total, start, { loss: "-" });
  }

  /** `step` steps are done, the last with this loss. */
  update(step: number, loss: number): void {
    this.#bar.update(Math.min(step, this.#total), { loss: loss.toPrecision(5) });
  }

  /** Writes lines above the bar. */
  print(text: string): void {
    if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode("\r\x1b[K"));
    console.log(text);
  }

  /** Leaves the bar as it is. */
  stop(): void {
    this.#bar.stop();
  }
}

/** `losses` as a curve of at most `width` columns; each column is a mean, `log` draws it on a logarithmic axis. */
export function curve(
  losses: readonly number[],
  { width = 72, height = 10, log = false } = {},
): string {
  const columns = Math.min(width, losses.length);
  const means = Array.from({ length: columns }, (_, c) => {
    const from = Math.floor(c * losses.length / columns),
      to = Math.floor((c + 1) * losses.length / columns);
    return losses.slice(from, to).reduce((a, b) => a + b, 0) / (to - from);
  });
  const heights = (log ? means.map(Math.log10) : means).filter(Number.isFinite);
  if (heights.length === 0) return "(no curve: no loss is a finite number)";
  const format = (x: number) => (log ? (10 ** x).toPrecision(3) : x.toFixed(3)).padStart(9);
  if (heights.every((h) => h === heights[0])) {
    return `${format(heights[0])} ┼${"─".repeat(heights.length)}`;
  }
  return plot(heights, { height, format });
}

/** Whether Ctrl-C was pressed; the run sees it the next time it gives way. */
export class Interrupt implements Disposable {
  requested = false;
  readonly #listener = () => void (this.requested = true);
  #last = performance.now();

  constructor() {
    Deno.addSignalListener("SIGINT", this.#listener);
  }

  /** Lets timers and signals run, every 50 ms at most; true when the run is to stop. */
  async check(): Promise<boolean> {
    if (performance.now() - this.#last > 50) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.#last = performance.now();
    }
    return this.requested;
  }

  [Symbol.dispose](): void {
    Deno.removeSignalListener("SIGINT", this.#listener);
  }
}
