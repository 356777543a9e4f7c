/**
 * The kernels' binaries come out of build/kernels.ts as they went in.
 */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { deflateRawSync } from "node:zlib";
import { binaryOf } from "../src/backend/binary.ts";
import { inflate } from "../src/backend/inflate.ts";

Deno.test("binaries: both flavours are what the compiler made", () => {
  for (const flavour of ["baseline", "relaxed"] as const) {
    const file = Deno.readFileSync(new URL(`../build/kernels.${flavour}.wasm`, import.meta.url));
    assertEquals(binaryOf(flavour), file);
  }
});

Deno.test("inflate: gives back what zlib deflated, in blocks of every kind", () => {
  const kinds = new Set<number>();
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 2000 }))
      .map(([part, n]) => Uint8Array.from({ length: n }, (_, i) => part[i % part.length])),
    fc.array(fc.integer({ min: 97, max: 105 }), { maxLength: 3000 }).map((x) => Uint8Array.from(x)),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 6 }),
      fc.integer({ min: 0, max: 9 }),
      (pieces, level) => {
        const bytes = Uint8Array.from(pieces.flatMap((piece) => [...piece]));
        const deflated = new Uint8Array(deflateRawSync(bytes, { level }));
        kinds.add(deflated[0] >> 1 & 3);
        assertEquals(inflate(deflated, bytes.length), bytes);
      },
    ),
    { seed: 1, numRuns: 200 },
  );
  assertEquals([...kinds].sort(), [0, 1, 2]);
  assertThrows(() => inflate(Uint8Array.of(7), 1), Error, "unknown kind");
  assertThrows(() => inflate(new Uint8Array(deflateRawSync(new Uint8Array(9))), 8), Error, "got 9");
});
