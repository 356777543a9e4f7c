import { assert, assertEquals, assertLess } from "@std/assert";
import fc from "fast-check";
import { formatSafetensors, parseSafetensors, type RawTensor } from "../../src/io/safetensors.ts";
import { entry, file } from "./safetensors_fixture.ts";

/** The same inputs on every run and machine. */
const FIXED = { seed: 20240229, numRuns: 1000 };
const BYTES: Record<string, number> = { U8: 1, BOOL: 1, I16: 2, BF16: 2, F32: 4, I64: 8, C64: 8 };

const text = fc.string({ unit: "grapheme", maxLength: 12 }).filter((s) => s.isWellFormed());
const name = fc.oneof(text, fc.constantFrom("0", "10", "9", "__proto__", "layer1.0.conv1.weight"))
  .filter((s) => s !== "__metadata__");
const tensor: fc.Arbitrary<RawTensor> = fc.record({
  dtype: fc.constantFrom(...Object.keys(BYTES)),
  shape: fc.array(fc.nat(4), { maxLength: 4 }),
}).chain(({ dtype, shape }) => {
  const length = shape.reduce((product, size) => product * size, BYTES[dtype]);
  return fc.uint8Array({ minLength: length, maxLength: length })
    .map((data) => ({ dtype, shape, data: new Uint8Array(data) }));
});
const tensors = fc.uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 6 });
const metadata = fc.dictionary(text, text, { maxKeys: 4, noNullPrototype: true });

/** Parses, or throws a plain Error, RangeError or TypeError that names the file. Says which. */
function parses(bytes: Uint8Array): boolean {
  try {
    const { tensors } = parseSafetensors(bytes, "fuzz");
    // What it accepts is whole: all data belongs to one tensor, and it can be written again.
    const file = formatSafetensors(tensors);
    assertEquals(parseSafetensors(file).tensors, tensors);
    return true;
  } catch (error) {
    const kind = (error as Error).constructor;
    assert(kind === Error || kind === RangeError || kind === TypeError, `${error}`);
    assert((error as Error).message.startsWith("parseSafetensors: fuzz: "), `${error}`);
    return false;
  }
}

Deno.test("safetensors: random tensors come back, in any order given, from aligned data", () => {
  fc.assert(
    fc.property(tensors, metadata, (pairs, texts) => {
      const bytes = formatSafetensors(pairs, texts);
      assertEquals(parseSafetensors(bytes), { tensors: new Map(pairs), metadata: texts });
      assertEquals(formatSafetensors(pairs.toReversed(), texts), bytes);
      assertEquals(new DataView(bytes.buffer).getUint32(0, true) % 8, 0);
      for (const [, { dtype, data }] of parseSafetensors(bytes).tensors) {
        assertEquals(data.byteOffset % BYTES[dtype], 0);
      }
    }),
    FIXED,
  );
});

const SOUND = formatSafetensors([
  ["layer.weight", { dtype: "F32", shape: [2, 3], data: new Uint8Array(24) }],
  ["layer.bias", { dtype: "F32", shape: [3], data: new Uint8Array(12) }],
  ["steps", { dtype: "I64", shape: [], data: new Uint8Array(8) }],
  ["none", { dtype: "BOOL", shape: [0, 7], data: new Uint8Array() }],
], { format: "pt" });

Deno.test("safetensors: every truncation of a file is refused, and one more byte too", () => {
  for (let end = 0; end < SOUND.length; end++) assert(!parses(SOUND.subarray(0, end)));
  assert(parses(SOUND));
  assert(!parses(Uint8Array.of(...SOUND, 0)));
});

Deno.test("safetensors: every single bit flip parses or throws a clear error", () => {
  let accepted = 0;
  for (let bit = 0; bit < SOUND.length * 8; bit++) {
    const bytes = SOUND.slice();
    bytes[bit >> 3] ^= 1 << (bit & 7);
    if (parses(bytes)) accepted++;
  }
  assert(accepted >= 44 * 8, "a flip in the data is no fault of the format");
  assertLess(accepted, SOUND.length * 4);
});

Deno.test("safetensors: random damage parses or throws a clear error", () => {
  const edit = fc.record({
    at: fc.nat(SOUND.length),
    cut: fc.nat(6),
    put: fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc.constantFrom(...'{}[]",:-.eE0199\\"u "a":'.split(""), "[0,", "null", "1e9", '"dtype"')
        .map((s) => new TextEncoder().encode(s)),
    ),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.boolean(), (edits, mend) => {
      let bytes = SOUND.slice();
      for (const { at, cut, put } of edits) {
        bytes = Uint8Array.of(...bytes.subarray(0, at), ...put, ...bytes.subarray(at + cut));
      }
      // Half of the time the length is put right again, so that the damage gets past the first check.
      if (mend && bytes.length >= 8) {
        const length = Math.max(0, bytes.length - 8 - 44);
        new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
      }
      parses(bytes);
    }),
    { ...FIXED, numRuns: 5000 },
  );
});

Deno.test("safetensors: random headers parse or throw a clear error", () => {
  const odd = fc.oneof(
    fc.constantFrom(0, -0, 1, 4, 8, 44, -1, 0.5, 2 ** 31, 2 ** 53, 2 ** 60, 1e300, "", "4", null),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const list = fc.oneof(fc.array(odd, { maxLength: 4 }), odd);
  const info = fc.record({
    dtype: fc.oneof(fc.constantFrom(...Object.keys(BYTES), "F4", "f32"), odd),
    shape: fc.oneof(fc.array(fc.nat(4), { maxLength: 3 }), list),
    data_offsets: fc.oneof(fc.tuple(fc.nat(44), fc.nat(44)), list),
  }, { requiredKeys: [] });
  const header = fc.dictionary(
    fc.oneof(name, fc.constantFrom("__metadata__")),
    fc.oneof({ weight: 5, arbitrary: info }, odd),
    { maxKeys: 4 },
  );
  fc.assert(
    fc.property(header, fc.nat(44), (value, length) => {
      parses(file(value, length));
    }),
    { ...FIXED, numRuns: 5000 },
  );
});

Deno.test("safetensors: a few bytes that claim a giant are refused at once", () => {
  const claims = [[2 ** 60], [2 ** 53 - 1], [2 ** 20, 2 ** 20, 2 ** 20], Array(60).fill(2)];
  const start = performance.now();
  for (const shape of claims) {
    for (const end of [0, 8, 2 ** 53 - 1]) {
      assert(!parses(file({ w: entry("F32", shape, 0, end) }, 8)));
    }
  }
  assertLess(performance.now() - start, 1000);
});

Deno.test("safetensors: long headers take linear time", () => {
  const start = performance.now();
  for (const part of ["[", "{", '{"', '"a":', '"\\', " ", "{},", '{"a":{"":{}},', "\t:", "0,"]) {
    assert(!parses(file(`{"__metadata__":${part.repeat(2e6 / part.length)}`)));
  }
  assertLess(performance.now() - start, 10_000);
});
