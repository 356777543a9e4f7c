/**
 * Scaled losses, so that gradients in float16 are not rounded to zero.
 *
 * @module
 */
import { noGrad } from "../autograd/record.ts";
import { item } from "../ops/access.ts";
import { mul, mul_ } from "../ops/arithmetic.ts";
import type { AutocastDevice } from "../ops/autocast.ts";
import { stack } from "../ops/join.ts";
import { max } from "../ops/max_min.ts";
import { abs } from "../ops/unary.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { Tensor } from "../tensor/tensor.ts";
import { checkOption, type Optimizer } from "./optimizer.ts";

/** Options of `GradScaler`. */
export interface GradScalerOptions {
  /** The first scale; 65536 by default. */
  initScale?: number;
  /** What the scale is multiplied by after `growthInterval` steps without an infinite gradient; 2 by default. */
  growthFactor?: number;
  /** What it is multiplied by after a step with one; 0.5 by default. */
  backoffFactor?: number;
  /** Steps between attempts to grow; 2000 by default. */
  growthInterval?: number;
  /** With false, everything passes through as it is. */
  enabled?: boolean;
}

/** The state of a `GradScaler`, under PyTorch's names. */
export interface GradScalerState {
  /** The scale. */
  scale: number;
  /** See `GradScalerOptions.growthFactor`. */
  growth_factor: number;
  /** See `GradScalerOptions.backoffFactor`. */
  backoff_factor: number;
  /** See `GradScalerOptions.growthInterval`. */
  growth_interval: number;
  /** Steps since the scale changed. */
  _growth_tracker: number;
}

/** What became of an optimizer's gradients since the last `update`. */
interface Unscaled {
  /** Whether an element was infinite or not a number. */
  infinite: boolean;
  stepped: boolean;
}

/**
 * Multiplies losses by a scale, so that small gradients survive in float16, and divides the gradients by it before an
 * optimizer takes its step. A step whose gradients overflowed is skipped, and the scale goes down; it goes up again when
 * all goes well. bfloat16 has float32's range and needs none.
 *
 * ```ts
 * import * as torch from "@dinotorch/dinotorch";
 *
 * const model = new torch.nn.Linear(4, 2), optimizer = new torch.optim.SGD(model.parameters(), { lr: 0.1 });
 * const scaler = new torch.amp.GradScaler("cpu");
 * const loss = torch.autocast("cpu", torch.float16, () => model(torch.randn(3, 4)).pow(2).mean());
 * scaler.scale(loss).backward();
 * scaler.step(optimizer);
 * scaler.update();
 * ```
 *
 * @see https://pytorch.org/docs/stable/amp.html#gradient-scaling
 */
export class GradScaler {
  /** The kind of device it was made for; it works on any. */
  readonly device: AutocastDevice;
  #enabled: boolean;
  #scale: number;
  #growthFactor: number;
  #backoffFactor: number;
  #growthInterval: number;
  #tracker = 0;
  readonly #unscaled = new Map<Optimizer, Unscaled>();

  /** Takes the kind of device and the options, by position in PyTorch's order or by name. */
  constructor(
    device: AutocastDevice = "cuda",
    ...args: Args<
      [
        initScale: number,
        growthFactor: number,
        backoffFactor: number,
        growthInterval: number,
        enabled: boolean,
      ],
      GradScalerOptions
    >
  ) {
    const o = read("GradScaler", {
      initScale: 65536,
      growthFactor: 2,
      backoffFactor: 0.5,
      growthInterval: 2000,
      enabled: true,
    }, args);
    checkOption("GradScaler", "initScale", o.initScale, Number.MIN_VALUE);
    if (!(o.growthFactor > 1)) {
      throw new RangeError(`GradScaler: growthFactor must exceed 1, got ${o.growthFactor}`);
    }
    checkOption("GradScaler", "backoffFactor", o.backoffFactor, Number.MIN_VALUE, 1);
    checkOption("GradScaler", "growthInterval", o.growthInterval, 1);
    this.device = device;
    this.#scale = o.initScale;
    this.#growthFactor = o.growthFactor;
    this.#backoffFactor = o.backoffFactor;
    this.#growthInterval = o.growthInterval;
    this.#enabled = o.enabled;
  }

  /** The loss, or each of several, times the scale. */
  scale<T extends Tensor | readonly Tensor[]>(outputs: T): T {
    if (!this.#enabled) return outputs;
    return (outputs instanceof Tensor
      ? mul(outputs, this.#scale)
      : (outputs as readonly Tensor[]).map((y) => mul(y, this.#scale))) as T;
  }

  /**
   * Divides the gradients of an optimizer's parameters by the scale: to be called before they are clipped; else `step`
   * does it.
   *
   * @throws Error when it was called since the last `update`.
   */
  unscale_(optimizer: Optimizer): void {
    if (!this.#enabled) return;
    if (this.#unscaled.has(optimizer)) {
      throw new Error("unscale_: called twice for one optimizer since the last update()");
    }
    const grads = optimizer.paramGroups.flatMap((group) =>
      group.params.flatMap((p) => p.gradient ?? [])
    );
    if (grads.some((g) => g.dtype.size === 2)) {
      throw new TypeError(
        "unscale_: gradients of float16 cannot be unscaled; keep the weights float32, and compute in autocast",
      );
    }
    const infinite = noGrad(() => {
      for (const g of grads) mul_(g, 1 / this.#scale);
      if (grads.length === 0) return false;
      return !Number.isFinite(item(max(stack(grads.map((g) => max(abs(g)))))));
    });
    this.#unscaled.set(optimizer, { infinite, stepped: false });
  }

  /**
   * The optimizer's step, unless a gradient is infinite or not a number. Returns what the step does; null where there is
   * none.
   *
   * @throws Error when it was called since the last `update`.
   */
  step(optimizer: Optimizer): null {
    if (!this.#enabled) return optimizer.step();
    if (!this.#unscaled.has(optimizer)) this.unscale_(optimizer);
    const state = this.#unscaled.get(optimizer)!;
    if (state.stepped) {
      throw new Error("step: called twice for one optimizer since the last update()");
    }
    state.stepped = true;
    return state.infinite ? null : optimizer.step();
  }

  /**
   * Changes the scale by what was seen since the last call, or to `newScale`.
   *
   * @throws Error when no gradients were looked at since.
   */
  update(newScale: number | null = null): void {
    if (!this.#enabled) return;
    const seen = [...this.#unscaled.values()];
    if (newScale !== null) {
      checkOption("update", "newScale", newScale, Number.MIN_VALUE);
      this.#scale = newScale;
    } else if (seen.length === 0) {
      throw new Error("update: no gradients were looked at; call step(optimizer) before");
    } else if (seen.some((s) => s.infinite)) {
      this.#scale *= this.#backoffFactor;
      this.#tracker = 0;
    } else if (++this.#tracker === this.#growthInterval) {
      const grown = this.#scale * this.#growthFactor;
      if (Number.isFinite(Math.fround(grown))) this.#scale = grown;
      this.#tracker = 0;
    }
    this.#unscaled.clear();
  }

  /** The scale. */
  getScale(): number {
    return this.#enabled ? this.#scale : 1;
  }

  /** Whether it does anything. */
  isEnabled(): boolean {
    return this.#enabled;
  }

  /** The scale and how it changes, to be saved. */
  stateDict(): GradScalerState | Record<string, never> {
    if (!this.#enabled) return {};
    return {
      scale: this.#scale,
      growth_factor: this.#growthFactor,
      backoff_factor: this.#backoffFactor,
      growth_interval: this.#growthInterval,
      _growth_tracker: this.#tracker,
    };
  }

  /** Takes over a state. Throws `Error` for one of a scaler that was not enabled. */
  loadStateDict(state: GradScalerState): void {
    if (!this.#enabled) return;
    if (typeof state?.scale !== "number") {
      throw new Error("loadStateDict: the state is empty: it is of a scaler that was not enabled");
    }
    this.#scale = state.scale;
    this.#growthFactor = state.growth_factor;
    this.#backoffFactor = state.backoff_factor;
    this.#growthInterval = state.growth_interval;
    this.#tracker = state._growth_tracker;
  }
}
