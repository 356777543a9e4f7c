/**
 * Tensors as text, exactly as PyTorch prints them.
 *
 * Three steps: choose which elements are shown (all, or the edges of every axis), choose one format
 * for all of them (whole, fixed or scientific; one width), lay them out and append the suffixes.
 *
 * @see https://github.com/pytorch/pytorch/blob/main/torch/_tensor_str.py
 * @module
 */

/** What printing needs to know of a tensor. */
export interface Printable {
  /** Sizes, outermost axis first; `[]` for a scalar. */
  readonly shape: readonly number[];
  /** PyTorch's name without `torch.`: `"float32"`, `"int64"`, `"bool"`, `"bfloat16"`, ... */
  readonly dtype: string;
  /** `"cpu"`, or a device with its index, `"cuda:0"`. */
  readonly device: string;
  /** Whether gradients reach this tensor; shown when `gradFn` is `null`. */
  readonly requiresGrad: boolean;
  /** The name of the backward node, `"AddBackward0"`; `null` for a leaf. */
  readonly gradFn: string | null;
  /** The element at row-major flat index `index`; called only for elements that are shown. */
  read(index: number): number | bigint | boolean;
}

/** How tensors are printed; set with {@link setPrintOptions}. */
export interface PrintOptions {
  /** Digits after the point, 0 to 100; 4 by default. */
  precision: number;
  /** A tensor of more elements than this is summarized; 1000 by default, `Infinity` for never. */
  threshold: number;
  /** Elements kept at each end of a summarized axis, at least 1; 3 by default. */
  edgeitems: number;
  /** Columns at which lines wrap; 80 by default. */
  linewidth: number;
  /** The four above to start from: `"short"`: 2 digits and 2 edge items, `"full"`: no summaries. */
  profile?: "default" | "short" | "full";
  /** Scientific notation always, never, or (`null`) when the values call for it. */
  sciMode: boolean | null;
}

type Settings = Omit<PrintOptions, "profile" | "sciMode">;
type Element = number | bigint | boolean;

/** Every shown element goes through `text`, and is padded on the left to `width`. */
interface Format {
  readonly width: number;
  readonly text: (value: Element) => string;
}

const profiles: Record<NonNullable<PrintOptions["profile"]>, Settings> = {
  default: { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80 },
  short: { precision: 2, threshold: 1000, edgeitems: 2, linewidth: 80 },
  full: { precision: 4, threshold: Infinity, edgeitems: 3, linewidth: 80 },
};

let settings: Settings & { sciMode: boolean | null } = { ...profiles.default, sciMode: null };

/**
 * Sets how tensors are printed from now on. What is left out stays as it was, but for `sciMode`: as
 * in PyTorch, a call without it puts it back to `null`.
 *
 * @throws {RangeError} where a number is outside its range; the options then stay as they were.
 * @throws {TypeError} where `profile` is unknown.
 * @see https://pytorch.org/docs/stable/generated/torch.set_printoptions.html
 */
export function setPrintOptions(options: Partial<PrintOptions>): void {
  const { profile, sciMode = null } = options;
  if (profile !== undefined && !Object.hasOwn(profiles, profile)) {
    throw new TypeError(
      `setPrintOptions: profile is "${profile}", expected "default", "short" or "full"`,
    );
  }
  const start = profile === undefined ? settings : profiles[profile];
  const precision = options.precision ?? start.precision;
  const threshold = options.threshold ?? start.threshold;
  const edgeitems = options.edgeitems ?? start.edgeitems;
  const linewidth = options.linewidth ?? start.linewidth;
  const whole = Number.isInteger;
  expect(
    "precision",
    precision,
    whole(precision) && precision >= 0 && precision <= 100,
    "an integer from 0 to 100",
  );
  expect("threshold", threshold, threshold >= 0, "0 or more");
  expect("edgeitems", edgeitems, whole(edgeitems) && edgeitems >= 1, "an integer of 1 or more");
  expect("linewidth", linewidth, linewidth >= 0, "0 or more");
  settings = { precision, threshold, edgeitems, linewidth, sciMode };
}

function expect(name: string, value: number, holds: boolean, expected: string): void {
  if (!holds) throw new RangeError(`setPrintOptions: ${name} is ${value}, expected ${expected}`);
}

/**
 * The text PyTorch prints: `tensor([[1., 2.]], requires_grad=True)`.
 *
 * @param indent columns already taken on the first line: lines wrap that much earlier, and all but
 * the first start that much further right.
 */
export function printTensor(t: Printable, indent: number = 0): string {
  const prefix = "tensor(";
  const column = indent + prefix.length;
  return withSuffixes(prefix + elements(t, column), suffixes(t), indent, column);
}

// Suffixes: device, size, dtype, gradient.

/** What stands after the elements, in PyTorch's order. */
function suffixes(t: Printable): string[] {
  const list: string[] = [];
  const empty = t.shape.includes(0);
  // Elements show by their look which of these three they are; without any, float32 is assumed.
  const evident = t.dtype === "float32" || !empty && (t.dtype === "int64" || t.dtype === "bool");
  if (t.device !== "cpu") list.push(`device='${t.device}'`);
  if (empty && t.shape.length !== 1) list.push(`size=(${t.shape.join(", ")})`);
  if (!evident) list.push(`dtype=torch.${t.dtype}`);
  if (t.gradFn !== null) list.push(`grad_fn=<${t.gradFn}>`);
  else if (t.requiresGrad) list.push("requires_grad=True");
  return list;
}

/** Appends each suffix to the last line, or to a new one where it would pass `linewidth`. */
function withSuffixes(
  body: string,
  list: readonly string[],
  indent: number,
  column: number,
): string {
  const newline = body.lastIndexOf("\n");
  // PyTorch's count, two more than the line is long; a first line starts after `indent` columns.
  let length = body.length - newline + 1 + (newline < 0 ? indent : 0);
  let text = body;
  for (const suffix of list) {
    if (length + suffix.length + 2 > settings.linewidth) {
      text += ",\n" + " ".repeat(column) + suffix;
      length = column + suffix.length;
    } else {
      text += ", " + suffix;
      length += suffix.length + 2;
    }
  }
  return text + ")";
}

// Layout: brackets, lines and "...".

/** Stands for the elements left out of a summarized axis. */
const GAP = -1;

/** The positions shown along an axis of `size`: all, or both edges with `GAP` between them. */
function shown(size: number, summarize: boolean): number[] {
  const edge = settings.edgeitems;
  if (!summarize || size <= 2 * edge) return Array.from({ length: size }, (_, i) => i);
  return Array.from(
    { length: 2 * edge + 1 },
    (_, i) => i < edge ? i : i === edge ? GAP : size - 2 * edge - 1 + i,
  );
}

/** The elements in their brackets, the first bracket standing at `column`. */
function elements(t: Printable, column: number): string {
  const { shape } = t;
  if (shape.includes(0)) return "[]";
  const rank = shape.length;
  const summarize = shape.reduce((a, b) => a * b, 1) > settings.threshold;
  const positions = shape.map((size) => shown(size, summarize));

  const values: Element[] = [];
  const collect = (axis: number, offset: number): void => {
    if (axis === rank) values.push(t.read(offset));
    else {for (const i of positions[axis]) {
        if (i !== GAP) collect(axis + 1, offset * shape[axis] + i);
      }}
  };
  collect(0, 0);

  const format = formatOf(values, t.dtype);
  let next = 0; // The walk below meets the elements in the order in which they were collected.
  const element = (): string => format.text(values[next++]).padStart(format.width);
  const walk = (axis: number, column: number): string => {
    if (axis === rank) return element();
    const start = " ".repeat(column + 1);
    if (axis === rank - 1) {
      const row = positions[axis].map((i) => i === GAP ? " ..." : element());
      return `[${wrap(row, format.width, column).join(",\n" + start)}]`;
    }
    const parts = positions[axis].map((i) => i === GAP ? "..." : walk(axis + 1, column + 1));
    return `[${parts.join("," + "\n".repeat(rank - axis - 1) + start)}]`;
  };
  return walk(0, column);
}

/** Breaks a row of elements of `width` into lines. */
function wrap(row: readonly string[], width: number, column: number): string[] {
  const perLine = Math.max(1, Math.floor((settings.linewidth - column) / (width + 2)));
  const lines: string[] = [];
  for (let i = 0; i < row.length; i += perLine) lines.push(row.slice(i, i + perLine).join(", "));
  return lines;
}

// Format: one for all the elements shown.

function formatOf(values: readonly Element[], dtype: string): Format {
  if (dtype.includes("float")) return floatFormat(values.map(Number));
  const text = dtype === "bool" ? (value: Element) => value ? "True" : "False" : String;
  return { width: widest(values, text), text };
}

/** PyTorch's choice between whole ("1."), fixed ("1.5000") and scientific ("1.5000e+00"). */
function floatFormat(values: readonly number[]): Format {
  const { precision, sciMode } = settings;
  const whole = (x: Element): string =>
    Number.isFinite(x) ? fixed(Number(x), 0) + "." : fixed(Number(x), 0);
  const decimal = (x: Element): string => fixed(Number(x), precision);
  const scientific = (x: Element): string => exponential(Number(x), precision);

  // Zeros, nan and inf don't count: not for the choice, and not for the width.
  const counted = values.filter((x) => Number.isFinite(x) && x !== 0);
  if (counted.length === 0) return { width: 1, text: whole };
  let smallest = Infinity;
  let largest = 0;
  for (const x of counted) {
    smallest = Math.min(smallest, Math.abs(x));
    largest = Math.max(largest, Math.abs(x));
  }
  const integral = counted.every(Number.isInteger);
  const plain = integral ? whole : decimal;
  const spread = largest / smallest > 1000 || largest > 1e8 || !integral && smallest < 1e-4;
  // The width is the automatic choice's even where `sciMode` overrules it: columns may be ragged.
  return {
    width: widest(counted, spread ? scientific : plain),
    text: (sciMode ?? spread) ? scientific : plain,
  };
}

function widest(values: readonly Element[], text: (value: Element) => string): number {
  let width = 1;
  for (const value of values) width = Math.max(width, text(value).length);
  return width;
}

// Numbers: Python's "{:.4f}" and "{:.4e}".

/** Python's `"{:.<digits>f}".format(x)`. */
function fixed(x: number, digits: number): string {
  if (!Number.isFinite(x)) return special(x);
  const magnitude = Math.abs(x);
  // From 1e21 on, where every double is a whole number, toFixed turns to exponents.
  if (magnitude >= 1e21) {
    return sign(x) + BigInt(magnitude) + (digits > 0 ? "." + "0".repeat(digits) : "");
  }
  const text = magnitude.toFixed(digits);
  return sign(x) + (isTie(magnitude, digits) ? halfEven(text) : text);
}

/** Python's `"{:.<digits>e}".format(x)`: at least two digits of exponent. */
function exponential(x: number, digits: number): string {
  if (!Number.isFinite(x)) return special(x);
  const magnitude = Math.abs(x);
  const [mantissa, exponent] = magnitude.toExponential(digits).split("e");
  const power = Number(exponent);
  const rounded = isTie(magnitude, digits - power) ? halfEven(mantissa) : mantissa;
  return `${sign(x)}${rounded}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/**
 * Whether x >= 0 lies exactly between two neighbours of `digits` decimals (below 0: tens, hundreds,
 * ...). A double is a whole number over a power of 2, so x 10^digits = n + 1/2 just when
 * x 2^(digits + 1) is an odd whole number.
 */
function isTie(x: number, digits: number): boolean {
  if (digits >= 0) return x * 2 ** (digits + 1) % 2 === 1;
  const unit = 10n ** BigInt(-digits);
  return Number.isInteger(x) && BigInt(x) % unit * 2n === unit;
}

/** JavaScript rounds ties up, Python to the even neighbour: an odd last digit goes one down. */
function halfEven(digits: string): string {
  const last = Number(digits.at(-1));
  return last % 2 === 0 ? digits : digits.slice(0, -1) + (last - 1);
}

function sign(x: number): string {
  return x < 0 || Object.is(x, -0) ? "-" : "";
}

function special(x: number): string {
  return Number.isNaN(x) ? "nan" : x < 0 ? "-inf" : "inf";
}
