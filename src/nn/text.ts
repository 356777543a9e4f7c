/**
 * Modules as text, as PyTorch prints them.
 *
 * @module
 */

/** A value as Python prints it: `True`, `None`, `'sum'`, `1e-05`, `(2, 3)`. */
export function show(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return `'${value}'`;
  if (typeof value === "number") return showNumber(value);
  if (Array.isArray(value)) {
    return value.length === 1 ? `(${show(value[0])},)` : `(${value.map(show).join(", ")})`;
  }
  return String(value);
}

/** A number as Python prints it: a whole number as an int, any other as a float. */
function showNumber(x: number): string {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x < 0 ? "-inf" : "inf";
  if (Number.isInteger(x) && Math.abs(x) < 1e21) return String(x);
  const [digits, exponent] = x.toExponential().split("e"), power = Number(exponent);
  if (power >= -4 && power < 16) return power >= 0 ? String(x) : decimal(x, digits, power);
  return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** JavaScript turns to exponents at 1e-7, Python at 1e-5. */
function decimal(x: number, digits: string, power: number): string {
  const places = (digits.replace("-", "").split(".")[1]?.length ?? 0) - power;
  return x.toFixed(places);
}

/** A floating-point setting: its default as PyTorch writes it (`1.0`), other whole numbers as they were given. */
export function showFloat(x: number, standard: number): string {
  return x === standard && Number.isInteger(x) ? `${x}.0` : show(x);
}

/** `text` with its lines after the first indented. */
function indent(text: string): string {
  return text.replaceAll("\n", "\n  ");
}

/** `Name(extra)`, or over several lines when there are parts: `(name): part`. */
export function describe(
  name: string,
  extra: string,
  parts: readonly (readonly [name: string, part: unknown])[],
): string {
  const extraLines = extra === "" ? [] : extra.split("\n");
  const lines = [...extraLines, ...parts.map(([key, part]) => `(${key}): ${indent(String(part))}`)];
  if (lines.length === 0) return `${name}()`;
  if (parts.length === 0 && lines.length === 1) return `${name}(${lines[0]})`;
  return `${name}(\n  ${lines.join("\n  ")}\n)`;
}
