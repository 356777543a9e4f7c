/**
 * Digests of tensors, which say that all bits are those that PyTorch had.
 */
import type { Tensor } from "../mod.ts";

/** The SHA-256 of the elements of `tensors`, one after the other, in hexadecimal digits. */
export async function sha256(...tensors: Tensor[]): Promise<string> {
  const parts = tensors.map((x) => {
    const data = x.detach().toTypedArray();
    return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  });
  const digest = await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer());
  return new Uint8Array(digest).toHex();
}
