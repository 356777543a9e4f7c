/**
 * The kernels' binaries, out of the script that carries them: so they are there wherever the library is, bundled or not,
 * with no file to read, nothing to fetch, and at once.
 *
 * @module
 */
import { lengths, packed, PIECES } from "../../build/kernels.ts";
import { inflate } from "./inflate.ts";

/** The kernels for hosts with relaxed SIMD, and for all others. */
export type Flavour = "relaxed" | "baseline";

/** The binary of a flavour. */
export function binaryOf(flavour: Flavour): Uint8Array<ArrayBuffer> {
  const text = atob(packed), bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  const all = inflate(bytes, lengths.baseline + lengths.relaxed);
  const binary = new Uint8Array(lengths[flavour]);
  // Pieces of both flavours alternate, as assembly/build.ts laid them.
  for (let k = 0, at = 0; k < PIECES; k++) {
    for (const name of ["baseline", "relaxed"] as const) {
      const begin = Math.floor(lengths[name] * k / PIECES);
      const end = Math.floor(lengths[name] * (k + 1) / PIECES);
      if (name === flavour) binary.set(all.subarray(at, at + end - begin), begin);
      at += end - begin;
    }
  }
  return binary;
}
