/**
 * How a convolution is done: see assembly/edge/convolution.ts.
 *
 * @module
 */
import { sizeOf } from "../tensor/tensor.ts";
import type { ConvolutionOperation, Operation } from "./operation.ts";
import { fixed, type Value } from "./program.ts";
import { heightOf } from "./strips.ts";

/** Bytes of x that stay in a second-level cache. */
const COPY = 256 << 10;

/** The sizes that the kernel takes besides the convolution's own. */
export interface Plan {
  /** Rows of the result that are computed at a time. */
  readonly band: number;
  /** Rows of each phase of x, of which there are so many elements to the next. */
  readonly rows: number;
  readonly pitch: number;
  /** Bytes of scratch. */
  readonly scratch: number;
}

/** How `op` is done. */
export function planOf(op: ConvolutionOperation): Plan {
  const { channels, size: [h, w], count: [oh, ow], kernel: [kh, kw] } = op;
  const { stride: [sh, sw], padding: [ph, pw], dilation: [dh, dw] } = op;
  const depth = channels * kh * kw, direct = sh === 1 && sw === 1 && ph === 0 && pw === 0;
  // What the last position reads beyond the end of its row; without strides, rows share the zeros between them.
  const beyond = Math.max(0, (ow - 1) * sw + (kw - 1) * dw - pw - (w - 1));
  const pitch = direct
    ? w
    : sw === 1
    ? w + Math.max(pw, beyond)
    : Math.ceil((w + pw + beyond) / sw);
  const phases = (kh === 1 ? 1 : sh) * (kw === 1 ? 1 : sw);
  const rowsOf = (band: number) => Math.ceil(((band - 1) * sh + (kh - 1) * dh + 1) / sh);
  const copyOf = (band: number) => 4 * channels * phases * rowsOf(band) * pitch;
  // Windows of two rows lie within bands.
  const bandOf = (bands: number) => op.pool ? 2 * Math.ceil(oh / bands / 2) : Math.ceil(oh / bands);
  let bands = 1;
  while (bands < oh && copyOf(bandOf(bands)) > COPY) bands++;
  const band = bandOf(bands), rows = direct ? h : rowsOf(band);
  const sums = 6 * 4 * Math.ceil(band * pitch / 8) * 8, list = Math.ceil(depth / 16) * 64;
  return { band, rows, pitch, scratch: sums + list + (direct ? 0 : copyOf(band) + 4 * pw) };
}

/** Gives the convolutions of `ops` weights in strips. */
export function packWeights(ops: readonly Operation[]): void {
  const known = new Map<Value, Map<string, Value>>();
  for (const op of ops) {
    if (op.kind !== "convolution") continue;
    const { weight: { value, offset: { base } }, groups, outputs, channels, kernel } = op;
    const shape = [groups * outputs, channels, ...kernel], bytes = 4 * sizeOf(shape);
    const key = `${base} ${shape} ${outputs}`,
      others = known.get(value) ?? new Map<string, Value>();
    known.set(value, others);
    let packed = others.get(key);
    if (packed === undefined) {
      let rows = 0;
      for (let left = outputs; left > 0; left -= heightOf(left)) rows += heightOf(left);
      const whole = value.dtype === "F32" && value.bytes.base === bytes &&
        value.shape[0] === shape[0];
      packed = {
        ...value,
        ...whole
          ? {}
          : { dtype: "F32", shape, contents: value.contents!.slice(base, base + bytes) },
        bytes: fixed(bytes / outputs * rows),
        outputs,
      };
      others.set(key, packed);
    }
    op.weight = { value: packed, offset: fixed(0) };
  }
}
