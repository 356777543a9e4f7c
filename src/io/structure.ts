/**
 * Checkpoints that are more than named tensors: records, arrays, maps and numbers around tensors, as JSON that names
 * the tensors.
 *
 * @module
 */
import { isOptions } from "../tensor/arguments.ts";
import { Tensor } from "../tensor/tensor.ts";

/**
 * One value as JSON: what JSON holds as it is, and anything else as an array of its kind and its parts: `["tensor", name]`,
 * `["array", ...values]`, `["record", ...[key, value]]`, `["map", ...[key, value]]`, `["bigint", digits]`,
 * `["number", "NaN"]`, `["undefined"]`.
 */
type Encoded = null | boolean | number | string | unknown[];

/** No structure of a program is deeper. */
const DEEPEST = 500;

/** Tensors by name, and the structure around them: null where that is nothing but one record of tensors. */
export interface Taken {
  /** Name -> tensor. */
  tensors: Map<string, Tensor>;
  /** The structure as JSON. */
  structure: string | null;
}

/** Takes the tensors out of `object`, named by the keys that lead to them: `model.fc.weight`. */
export function takeTensors(call: string, object: unknown): Taken {
  const entries = object instanceof Map
    ? [...object]
    : isOptions(object)
    ? Object.entries(object)
    : null;
  if (entries?.every(([key, x]) => typeof key === "string" && x instanceof Tensor)) {
    return { tensors: new Map(entries), structure: null };
  }
  const tensors = new Map<string, Tensor>(), names = new Map<Tensor, string>();
  const around: object[] = [];
  const inside = (x: object, path: string, encode: () => Encoded): Encoded => {
    if (around.includes(x)) throw new TypeError(`${call}: ${path || "the object"} contains itself`);
    if (around.length >= DEEPEST) throw new RangeError(`${call}: ${path} is nested too deeply`);
    around.push(x);
    const encoded = encode();
    around.pop();
    return encoded;
  };
  const encode = (x: unknown, path: string): Encoded => {
    const join = (key: string) => path === "" ? key : `${path}.${key}`;
    switch (typeof x) {
      case "boolean":
      case "string":
        return x;
      case "number":
        return Number.isFinite(x) && !Object.is(x, -0)
          ? x
          : ["number", Object.is(x, -0) ? "-0" : `${x}`];
      case "bigint":
        return ["bigint", `${x}`];
      case "undefined":
        return ["undefined"];
    }
    if (x === null) return null;
    if (x instanceof Tensor) {
      let name = names.get(x);
      if (name === undefined) {
        name = path || "tensor";
        while (tensors.has(name)) name += "'";
        names.set(x, name);
        tensors.set(name, x);
      }
      return ["tensor", name];
    }
    if (Array.isArray(x)) {
      return inside(x, path, () => ["array", ...x.map((v, i) => encode(v, join(`${i}`)))]);
    }
    if (x instanceof Map) {
      return inside(x, path, () => [
        "map",
        ...[...x].map(([k, v]) => {
          if (k !== null && typeof k === "object") {
            throw new TypeError(`${call}: a key of the map ${path || "given"} is an object`);
          }
          return [encode(k, path), encode(v, join(String(k)))];
        }),
      ]);
    }
    if (isOptions(x)) {
      return inside(x, path, () => [
        "record",
        ...Object.entries(x).map(([k, v]) => [k, encode(v, join(k))]),
      ]);
    }
    const { constructor, stateDict } = x as { constructor?: { name: string }; stateDict?: unknown };
    throw new TypeError(
      `${call}: ${path || "the object"} is of kind ${constructor?.name ?? typeof x}, ` +
        (typeof stateDict === "function"
          ? "which is saved by its stateDict()"
          : "expected tensors, numbers, strings, and arrays, records and maps of them"),
    );
  };
  const encoded = encode(object, "");
  return { tensors, structure: JSON.stringify(encoded) };
}

/**
 * Puts `tensors` back into the structure that `takeTensors` wrote.
 *
 * @throws Error when the text is not such a structure, or names a tensor that is not there.
 */
export function putTensors(
  call: string,
  structure: string,
  tensors: ReadonlyMap<string, Tensor>,
): unknown {
  const bad = (what: string): never => {
    throw new Error(`${call}: the file's structure is damaged: ${what}`);
  };
  let json: unknown;
  try {
    json = JSON.parse(structure);
  } catch (cause) {
    throw new Error(`${call}: the file's structure is not JSON`, { cause });
  }
  const decode = (x: unknown, depth: number): unknown => {
    if (depth > DEEPEST) bad(`it is nested deeper than ${DEEPEST} levels`);
    if (!Array.isArray(x)) {
      return x === null || typeof x !== "object" ? x : bad("it holds an object");
    }
    const [kind, ...parts] = x, [first] = parts;
    const pairs = () =>
      parts.map((p) => Array.isArray(p) && p.length === 2 ? p : bad(`a ${kind} without pairs`));
    switch (kind) {
      case "tensor":
        return tensors.get(first) ?? bad(`there is no tensor ${JSON.stringify(first)}`);
      case "bigint":
        return typeof first === "string" && /^-?\d+$/.test(first) ? BigInt(first) : bad("a bigint");
      case "number":
        return ["NaN", "Infinity", "-Infinity", "-0"].includes(first)
          ? Number(first)
          : bad("a number");
      case "undefined":
        return undefined;
      case "array":
        return parts.map((v) => decode(v, depth + 1));
      case "record":
        return Object.fromEntries(
          pairs().map(([k, v]) => [typeof k === "string" ? k : bad("a key"), decode(v, depth + 1)]),
        );
      case "map":
        return new Map(pairs().map(([k, v]) => [decode(k, depth + 1), decode(v, depth + 1)]));
    }
    return bad(`a value of kind ${JSON.stringify(kind)}`);
  };
  return decode(json, 0);
}
