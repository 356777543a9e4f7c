/**
 * Values as error messages show them.
 *
 * @module
 */
import { Tensor } from "./tensor.ts";

/** `value` in a few words: `"a"`, `[1, 2]`, `a tensor of shape [2, 3]`, `an object with dims`, `a function`. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Tensor) return `a tensor of shape [${value.shape.join(", ")}]`;
  if (Array.isArray(value)) {
    const short = value.length <= 8 && value.every((v) => typeof v !== "object" || v === null);
    return short
      ? `[${value.map(describeValue).join(", ")}]`
      : `an array of length ${value.length}`;
  }
  const { name } = value.constructor ?? Object;
  if (name !== "Object") return `an instance of ${name}`;
  const keys = Object.keys(value);
  return keys.length === 0 ? "an empty object" : `an object with ${keys.join(", ")}`;
}
