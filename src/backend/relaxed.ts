/**
 * Whether the host has relaxed SIMD.
 *
 * @module
 */

// The smallest module with a relaxed SIMD instruction: a function that returns f32x4.relaxed_madd of three zeros.
// deno-fmt-ignore
const PROBE = [
  0, 97, 115, 109, 1, 0, 0, 0, // magic, version
  1, 5, 1, 96, 0, 1, 123, // types: () -> v128
  3, 2, 1, 0, // functions: one, of that type
  10, 19, 1, 17, 0, // code: one body without locals
  65, 0, 253, 15, 65, 0, 253, 15, 65, 0, 253, 15, // i32.const 0, i8x16.splat; three times
  253, 133, 2, 11, // f32x4.relaxed_madd, end
];

/** Whether the host has relaxed SIMD: a module with one relaxed instruction is refused as a whole without it. */
export function hasRelaxed(): boolean {
  return WebAssembly.validate(new Uint8Array(PROBE));
}
