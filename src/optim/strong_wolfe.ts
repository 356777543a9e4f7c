/**
 * Line search for a step that satisfies the strong Wolfe conditions, after Nocedal and Wright, Numerical Optimization,
 * algorithms 3.5 and 3.6: first outwards until an interval must hold such a step, then inwards.
 *
 * @module
 */
import type { Tensor } from "../tensor/tensor.ts";

/** A point on the line. */
export interface Trial {
  /** How far along the direction. */
  t: number;
  /** The loss there. */
  loss: number;
  /** The gradient of all parameters, [n]. */
  grad: Tensor;
  /** The derivative of the loss by t. */
  slope: number;
}

/** The loss must fall by this part of what the slope at the start promises. */
const DECREASE = 1e-4;
/** The slope must be flatter than this part of the slope at the start. */
const CURVATURE = 0.9;
/** An interval in which no parameter changes by this much is not divided further. */
const SMALLEST = 1e-9;
/** No more trials than this after the first. */
const TRIALS = 25;

/**
 * Looks for a step along a direction of descent, `t` first. `start` is the point at 0, `largest` the largest magnitude in
 * the direction. Returns the best of the trials that were made with `evaluate`, or `start`.
 */
export function strongWolfe(
  evaluate: (t: number) => Trial,
  start: Trial,
  t: number,
  largest: number,
): Trial {
  const high = ({ t, loss }: Trial) => loss > start.loss + DECREASE * t * start.slope;
  const flat = ({ slope }: Trial) => Math.abs(slope) <= -CURVATURE * start.slope;

  let before = start, trial = evaluate(t), trials = 0;
  while (!(high(trial) || (trials > 1 && trial.loss >= before.loss))) {
    if (flat(trial)) return trial;
    if (trial.slope >= 0) break;
    const least = trial.t + 0.01 * (trial.t - before.t);
    const next = minimum(before, trial, least, 10 * trial.t);
    before = trial;
    trial = evaluate(next);
    if (++trials === TRIALS) return trial.loss < start.loss ? trial : start;
  }

  // One of the two is the best so far; between them the conditions are satisfied somewhere.
  const ends: [Trial, Trial] = [before, trial];
  const lower = () => ends[0].loss <= ends[1].loss ? 0 : 1;
  let best = lower(), stuck = false;
  while (trials < TRIALS) {
    const left = Math.min(ends[0].t, ends[1].t), right = Math.max(ends[0].t, ends[1].t);
    if ((right - left) * largest < SMALLEST) break;
    t = minimum(ends[0], ends[1], left, right);
    // Twice in a row close to an end, or once on it: move a tenth of the interval away from it.
    const margin = 0.1 * (right - left), close = Math.min(right - t, t - left) < margin;
    const move: boolean = close && (stuck || t >= right || t <= left);
    if (move) t = Math.abs(t - right) < Math.abs(t - left) ? right - margin : left + margin;
    stuck = close && !move;

    trial = evaluate(t);
    trials++;
    const other = 1 - best;
    if (high(trial) || trial.loss >= ends[best].loss) {
      ends[other] = trial;
      best = lower();
      continue;
    }
    const done = flat(trial);
    if (!done && trial.slope * (ends[other].t - ends[best].t) >= 0) ends[other] = ends[best];
    ends[best] = trial;
    if (done) break;
  }
  return ends[best];
}

/** Where the cubic through two points with their slopes is lowest, at least `low` and at most `high`. */
function minimum(a: Trial, b: Trial, low: number, high: number): number {
  if (a.t > b.t) [a, b] = [b, a];
  const d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t);
  const square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const d2 = Math.sqrt(square);
  const t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2));
  return Math.min(Math.max(t, low), high);
}
