/**
 * Element types: PyTorch's names, sizes and promotion rules.
 *
 * @module
 */

/** Typed arrays that hold a tensor's elements in JavaScript. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint16Array
  | Uint8Array;

/** An element type: `torch.float32`, `torch.int64`, ... Compare with `===`. */
export class DType {
  /** PyTorch's name, without the `torch.` prefix. */
  readonly name: string;
  /** Bytes of one element. */
  readonly size: number;
  /** Position in the order of promotion within a kind. */
  readonly id: number;
  /** `"bool"`, `"int"` or `"float"`. */
  readonly kind: "bool" | "int" | "float";
  /** What a kernel's name ends in: `""` for float32, `"_f64"`, `"_i64"`, ... */
  readonly suffix: string;

  /** Only the constants of this file are made; use those. */
  constructor(
    id: number,
    name: string,
    size: number,
    kind: "bool" | "int" | "float",
    suffix: string,
  ) {
    this.id = id;
    this.name = name;
    this.size = size;
    this.kind = kind;
    this.suffix = suffix;
  }

  /** Whether the elements are floating-point numbers. */
  get isFloatingPoint(): boolean {
    return this.kind === "float";
  }

  /** `"torch.float32"`, as PyTorch prints it. */
  toString(): string {
    return `torch.${this.name}`;
  }

  /** The same text in `console.log`. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
}

/** Boolean, one byte. */
export const bool: DType = new DType(0, "bool", 1, "bool", "_u8");
/** Unsigned 8-bit integer. */
export const uint8: DType = new DType(1, "uint8", 1, "int", "_u8");
/** Signed 8-bit integer (storage; computed as int32). */
export const int8: DType = new DType(2, "int8", 1, "int", "_i8");
/** int8, as quantized weights have it: its steps are a scale, that a module keeps beside it. */
export const qint8: DType = int8;
/** Signed 16-bit integer (storage; computed as int32). */
export const int16: DType = new DType(3, "int16", 2, "int", "_i16");
/** Signed 32-bit integer. */
export const int32: DType = new DType(4, "int32", 4, "int", "_i32");
/** Signed 64-bit integer. */
export const int64: DType = new DType(5, "int64", 8, "int", "_i64");
/** IEEE half precision (arithmetic in float32). */
export const float16: DType = new DType(6, "float16", 2, "float", "_f16");
/** bfloat16 (arithmetic in float32). */
export const bfloat16: DType = new DType(7, "bfloat16", 2, "float", "_bf16");
/** IEEE single precision, the default. */
export const float32: DType = new DType(8, "float32", 4, "float", "");
/** IEEE double precision. */
export const float64: DType = new DType(9, "float64", 8, "float", "_f64");

/** Every dtype, by id. */
export const dtypes: readonly DType[] = [
  bool,
  uint8,
  int8,
  int16,
  int32,
  int64,
  float16,
  bfloat16,
  float32,
  float64,
];

/** The dtype that a value of both types takes, as `torch.promote_types`. */
export function promoteTypes(a: DType, b: DType): DType {
  for (const t of [a, b]) {
    if (!(t instanceof DType)) {
      throw new TypeError("promoteTypes: expected two dtypes, as in torch.float32");
    }
  }
  if (a === b) return a;
  if (a.kind !== b.kind) {
    if (a.kind === "float") return a;
    if (b.kind === "float") return b;
    return a.kind === "int" ? a : b;
  }
  // uint8 with int8, and float16 with bfloat16, fit only in the next wider type.
  const [low, high] = a.id < b.id ? [a, b] : [b, a];
  if (low === uint8 && high === int8) return int16;
  if (low === float16 && high === bfloat16) return float32;
  return high;
}

/** The dtype whose kernels compute `dtype`: narrow types compute in a wider one. A device may have kernels of their own for float16 and bfloat16. */
export function computeType(dtype: DType): DType {
  if (dtype === float16 || dtype === bfloat16) return float32;
  if (dtype === int8 || dtype === int16) return int32;
  return dtype;
}

const SINGLE = new DataView(new ArrayBuffer(4));

/** The 16 bits of `value` in float16 or bfloat16; null where it is not a number of that type. */
export function narrowBits(value: number, dtype: DType): number | null {
  SINGLE.setFloat32(0, value);
  if (value === value && SINGLE.getFloat32(0) !== value) return null;
  const bits = SINGLE.getUint32(0);
  if (dtype === bfloat16) return bits & 0xffff ? null : bits >>> 16;
  const sign = bits >>> 16 & 0x8000, exponent = (bits >>> 23 & 0xff) - 112, size = Math.abs(value);
  if (!(size <= 65504)) return size === Infinity ? sign | 0x7c00 : value === value ? null : 0x7e00;
  // Below the least normal number, they are multiples of 2^-24.
  const rest = exponent > 0 ? (bits & 0x7fffff) / 0x2000 : size * 2 ** 24;
  if (!Number.isInteger(rest)) return null;
  return sign | (exponent > 0 ? exponent << 10 : 0) | rest;
}

/** The least and the greatest finite value of each dtype. */
export function limits(dtype: DType): [min: number, max: number] {
  switch (dtype) {
    case bool:
      return [0, 1];
    case uint8:
      return [0, 255];
    case float16:
      return [-65504, 65504];
    case bfloat16:
      return [-3.3895313892515355e38, 3.3895313892515355e38];
    case float32:
      return [-3.4028234663852886e38, 3.4028234663852886e38];
    case float64:
      return [-Number.MAX_VALUE, Number.MAX_VALUE];
    default: {
      const half = 2 ** (8 * dtype.size - 1);
      return [-half, half - 1];
    }
  }
}

/**
 * Whether a number can be an element of `dtype`, rounded where need be: any as bool, and negative whole numbers as
 * uint8 too.
 */
export function fits(value: number | bigint | boolean, dtype: DType): boolean {
  if (dtype.kind === "bool" || typeof value === "boolean") return true;
  if (typeof value === "number" && !Number.isFinite(value)) return dtype.kind === "float";
  const [min, max] = limits(dtype);
  const wraps = dtype === uint8 && (typeof value === "bigint" || Number.isInteger(value));
  return value <= max && value >= (wraps ? -max : min);
}

/** A new typed array of `length` elements of `dtype`; float16 and bfloat16 are 16-bit patterns. */
export function typedArrayOf(dtype: DType, buffer: ArrayBuffer): TypedArray {
  switch (dtype) {
    case float32:
      return new Float32Array(buffer);
    case float64:
      return new Float64Array(buffer);
    case int64:
      return new BigInt64Array(buffer);
    case int32:
      return new Int32Array(buffer);
    case int16:
      return new Int16Array(buffer);
    case int8:
      return new Int8Array(buffer);
    case float16:
    case bfloat16:
      return new Uint16Array(buffer);
    default:
      return new Uint8Array(buffer);
  }
}
