/**
 * What an exported language model brings along to run.
 *
 * @module
 */
import { connect, type Parts, type Program } from "./runtime.ts";

/** Options of `generate`. */
export interface Sampling {
  /** What the logits are divided by: below 1 likely tokens become likelier. 1 by default. */
  temperature?: number;
  /** How many of the likeliest tokens may be drawn; all by default. */
  topK?: number;
  /** Draws numbers from 0 to 1; `Math.random` by default. */
  random?: () => number;
}

/** A language model that is ready to run. */
export interface LanguageModel {
  /** How many tokens it has read. */
  readonly length: number;
  /** Forgets them. */
  reset(): void;
  /** Reads one token, and gives the logits of the next. */
  step(token: number): Float32Array<ArrayBuffer>;
  /** Reads tokens, and yields those that follow, up to `count`, or until there is no room for more. */
  generate(tokens: Iterable<number>, count: number, options?: Sampling): Generator<number>;
}

/** A token, drawn by its logits. */
function draw(
  logits: Float32Array,
  { temperature = 1, topK = Infinity, random = Math.random }: Sampling,
) {
  const least = topK < logits.length ? logits.toSorted()[logits.length - topK] : -Infinity;
  const most = logits.reduce((a, b) => Math.max(a, b));
  const weights = logits.map((x) => x < least ? 0 : Math.exp((x - most) / temperature));
  let left = random() * weights.reduce((a, b) => a + b), last = 0;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    last = i;
    if ((left -= weights[i]) < 0) break;
  }
  return last;
}

/** How a language model is made from its parts. */
export function languageModel(
  logits: number,
  tokens: number,
  places: number,
  ...program: Program
): (parts: Parts) => LanguageModel {
  return (parts) => {
    const [memory, compute] = connect(parts, ...program);
    let length = 0;
    const self: LanguageModel = {
      get length() {
        return length;
      },
      reset() {
        length = 0;
      },
      step(token) {
        if (!(token >= 0 && token < tokens && token % 1 === 0)) {
          throw new RangeError(`step: expected a token from 0 to ${tokens - 1}, got ${token}`);
        }
        if (length === places) {
          throw new RangeError(`step: all ${places} places are taken; reset() begins anew`);
        }
        compute(token, length++);
        return memory.slice(logits / 4, logits / 4 + tokens);
      },
      *generate(given, count, options = {}) {
        const { temperature = 1, topK = 1 } = options;
        if (!(temperature > 0 && topK >= 1)) {
          throw new RangeError(
            `generate: temperature and topK must be positive, got ${temperature} and ${topK}`,
          );
        }
        let next: Float32Array | null = null;
        for (const token of given) next = self.step(token);
        if (next === null) throw new RangeError("generate: expected a token to go on from");
        for (let i = 0; i < count; i++) {
          const token = draw(next, options);
          yield token;
          if (length === places) return;
          next = self.step(token);
        }
      },
    };
    return self;
  };
}
