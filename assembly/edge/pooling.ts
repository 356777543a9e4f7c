// deno-fmt-ignore-file: it gives each of many parameters a line.
/**
 * Pooling of exported programs over two axes.
 */

/** Whether x takes the place of the greatest so far: of equal elements the first one counts, of NaNs any. */
// @ts-ignore: decorator
@inline
function greater(x: f32, greatest: f32): f32 {
  return x > greatest || x != x ? x : greatest;
}

/** The greatest element of each window, of planes [h, w] -> [oh, ow], planes [begin, end). */
export function max_pool_values(
  y: usize, x: usize, h: i32, w: i32, oh: i32, ow: i32, kh: i32, kw: i32, sh: i32, sw: i32, ph: i32, pw: i32,
  dh: i32, dw: i32, begin: i32, end: i32,
): void {
  const row = <usize>w << 2, across = <usize>dw << 2, down = <usize>dh * row;
  x += <usize>begin * <usize>h * row;
  y += <usize>(begin * oh * ow) << 2;
  for (let p = begin; p < end; p++, x += <usize>h * row) {
    for (let i = 0; i < oh; i++) {
      // Windows reach into the padding at their beginning and end; only what lies in the plane counts.
      const y0 = i * sh - ph, top = y0 < 0 ? y0 + (dh - 1 - y0) / dh * dh : y0, bottom = min(y0 + kh * dh, h);
      for (let j = 0; j < ow; j++, y += 4) {
        const x0 = j * sw - pw, left = x0 < 0 ? x0 + (dw - 1 - x0) / dw * dw : x0, right = min(x0 + kw * dw, w);
        const stop = <usize>right << 2;
        let greatest: f32 = -Infinity, line = x + <usize>top * row;
        for (let a = top; a < bottom; a += dh, line += down) {
          for (let q = line + (<usize>left << 2); q < line + stop; q += across) greatest = greater(f32.load(q), greatest);
        }
        f32.store(y, greatest);
      }
    }
  }
}
