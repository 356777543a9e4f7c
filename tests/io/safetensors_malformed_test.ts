import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { parseSafetensors } from "../../src/io/safetensors.ts";
import { entry, file } from "./safetensors_fixture.ts";

const F32 = (...offsets: unknown[]) => entry("F32", [2], ...offsets);
const meta = (value: unknown) => file({ __metadata__: value });
const lengthOf = (length: bigint) => new Uint8Array(BigUint64Array.of(length).buffer);
const ONE = JSON.stringify(entry("U8", [1], 0, 1));

/** Malformed files: label, bytes, kind of error, a part of the message. */
const MALFORMED: [string, Uint8Array, typeof Error, string][] = [
  ["empty", new Uint8Array(), RangeError, "0 bytes, too short"],
  ["7 bytes", new Uint8Array(7), RangeError, "7 bytes, too short for the 8"],
  ["no header", new Uint8Array(8), Error, "the header is not JSON in UTF-8"],
  ["header past the end", file("{}").subarray(0, 9), RangeError, "ends at 10, but the file at 9"],
  ["header of 2^64 - 1", lengthOf(2n ** 64n - 1n), RangeError, "18446744073709551615 bytes"],
  ["header of 2^63", lengthOf(2n ** 63n), RangeError, "9223372036854775808 bytes"],
  ["header over 100 MB", lengthOf(100_000_001n), RangeError, "at most 100000000 allowed"],
  [
    "some text",
    new TextEncoder().encode("version https://"),
    RangeError,
    "is it a safetensors file?",
  ],
  ["not JSON", file("{a:1}"), Error, "not JSON"],
  ["JSON cut short", file(`{"a":{"dtype":"F3`), Error, "not JSON"],
  ["bad escape in a key", file(`{"\\x":1}`), Error, "not JSON"],
  ["padded with zeros", file("{}\0\0"), Error, "not JSON"],
  ["byte order mark", file("\ufeff{}"), Error, "not JSON"],
  [
    "not UTF-8",
    file(Uint8Array.from('{"__metadata__":{"\xff":""}}', (c) => c.charCodeAt(0))),
    Error,
    "not JSON in UTF-8",
  ],
  ["header null", file("null"), TypeError, "the header is null, expected a JSON object"],
  ["header array", file("[1, []]"), TypeError, "the header is [1, [...]], expected"],
  ["header string", file(`"a"`), TypeError, `the header is "a", expected`],
  ["deep", file("[".repeat(1e6)), Error, "nested deeper than 128 levels"],
  ["tensor twice", file(`{"a":${ONE},"a":${ONE}}`, 1), Error, `holds the key "a" twice`],
  ["twice, escaped", file(`{"a":${ONE},"\\u0061" :${ONE}}`, 1), Error, `the key "a" twice`],
  ["field twice", file(`{"a":{"dtype":"U8",${ONE.slice(1)}}`, 1), Error, `the key "dtype" twice`],
  ["metadata twice", file(`{"__metadata__":{},"__metadata__":{}}`), Error, `"__metadata__" twice`],
  ["text twice", file(`{"__metadata__":{"k":"","k":""}}`), Error, `the key "k" twice`],
  ["entry null", file({ w: null }), TypeError, `tensor "w": got null, expected a JSON object`],
  ["entry array", file({ w: ["U8", [], [0, 1]] }, 1), TypeError, `tensor "w": got ["U8", [...]`],
  ["half a pair", file(`{"\\ud800":${ONE}}`, 1), TypeError, "half a surrogate pair"],
  [
    "unknown dtype",
    file({ w: entry("F31", [1], 0, 4) }, 4),
    TypeError,
    `dtype "F31", expected one`,
  ],
  ["small dtype", file({ w: entry("f32", [1], 0, 4) }, 4), TypeError, `"w": dtype "f32"`],
  ["inherited dtype", file({ w: entry("toString", [1], 0, 4) }, 4), TypeError, `dtype "toString"`],
  ["no dtype", file({ w: { shape: [] } }), TypeError, "dtype undefined"],
  ["dtype number", file({ w: entry(3, [1], 0, 4) }, 4), TypeError, "dtype 3"],
  ["no shape", file({ w: { dtype: "F32" } }), TypeError, "shape is undefined"],
  ["shape number", file({ w: entry("F32", 1, 0, 4) }, 4), TypeError, "shape is 1, expected an arr"],
  ["size negative", file({ w: entry("F32", [2, -1], 0, 4) }, 4), RangeError, "[2, -1]: -1 is not"],
  ["sizes negative", file({ w: entry("F32", [-1, -1], 0, 4) }, 4), RangeError, "-1 is not"],
  ["size -0", file(`{"w":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}`), RangeError, "-0 is"],
  ["size fraction", file({ w: entry("F32", [0.5, 2], 0, 4) }, 4), RangeError, "0.5 is not a whole"],
  ["size unsafe", file({ w: entry("F32", [2 ** 53, 0], 0, 0) }), RangeError, "9007199254740992 is"],
  ["size 1e999", file(`{"w":{"dtype":"U8","shape":[1e999]}}`), RangeError, "Infinity is not a"],
  ["size string", file({ w: entry("F32", ["1"], 0, 4) }, 4), TypeError, `"1" is not a whole`],
  ["size null", file({ w: entry("F32", [null], 0, 4) }, 4), TypeError, "null is not a whole"],
  ["overflow", file({ w: entry("U8", [2 ** 30, 2 ** 30], 0, 0) }), RangeError, "over 2^50 bytes"],
  ["overflow to 0", file({ w: entry("F64", Array(64).fill(2), 0, 0) }), RangeError, "over 2^50"],
  ["overflow, then 0", file({ w: entry("U8", [2 ** 52, 99, 0], 0, 0) }), RangeError, "over 2^50"],
  ["half a byte", file({ w: entry("F4", [3], 0, 2) }, 2), RangeError, "F4 [3] takes 12 bits"],
  ["no offsets", file({ w: { dtype: "U8", shape: [] } }), TypeError, "data_offsets is undefined"],
  ["one offset", file({ w: F32(0) }), TypeError, "data_offsets is [0], expected [begin, end]"],
  ["three offsets", file({ w: F32(0, 8, 8) }, 8), TypeError, "data_offsets is [0, 8, 8]"],
  ["offset string", file({ w: F32(0, "8") }, 8), TypeError, `"8" is not a whole number`],
  ["offset negative", file({ w: F32(-8, 0) }, 8), RangeError, "-8 is not a whole number"],
  ["offset fraction", file({ w: F32(0.5, 8.5) }, 9), RangeError, "0.5 is not a whole number"],
  ["reversed", file({ w: F32(8, 0) }, 8), RangeError, "data_offsets [8, 0] run backwards"],
  ["past the end", file({ w: F32(0, 8) }, 7), RangeError, "[0, 8] end past the 7 bytes of data"],
  ["too few bytes", file({ w: F32(0, 4) }, 4), RangeError, "hold 4 bytes, but F32 [2] takes 8"],
  ["too many bytes", file({ w: F32(0, 12) }, 12), RangeError, "hold 12 bytes, but F32 [2] takes 8"],
  ["0-d of 0 bytes", file({ w: entry("U8", [], 0, 0) }), RangeError, "U8 [] takes 1"],
  ["hole in front", file({ w: F32(4, 12) }, 12), RangeError, "leave a hole: bytes 0 to 4"],
  [
    "hole",
    file({ v: F32(0, 8), w: F32(9, 17) }, 17),
    RangeError,
    `"w": data_offsets [9, 17] leave`,
  ],
  ["overlap", file({ v: F32(0, 8), w: F32(4, 12) }, 12), RangeError, `overlap tensor "v", which`],
  ["same bytes", file({ v: F32(0, 8), w: F32(0, 8) }, 8), RangeError, `"w": data_offsets [0, 8]`],
  [
    "0 bytes inside",
    file({ v: F32(0, 8), w: entry("U8", [0], 4, 4) }, 8),
    RangeError,
    `"v", which`,
  ],
  ["trailing byte", file({ w: F32(0, 8) }, 9), RangeError, "9 bytes of data, but the tensors end"],
  ["trailing, no tensors", file("{}", 1), RangeError, "1 bytes of data, but the tensors end at 0"],
  ["metadata null", meta(null), TypeError, "__metadata__ is null, expected an object of strings"],
  ["metadata array", meta(["a"]), TypeError, `__metadata__ is ["a"], expected`],
  [
    "metadata number",
    meta({ epoch: 3 }),
    TypeError,
    `__metadata__ "epoch" is 3, expected a string`,
  ],
  ["metadata nested", meta({ a: {} }), TypeError, `__metadata__ "a" is an object, expected`],
];

for (const [label, bytes, kind, part] of MALFORMED) {
  Deno.test(`parseSafetensors refuses: ${label}`, () => {
    const before = bytes.slice();
    const error = assertThrows(() => parseSafetensors(bytes, "m.safetensors"), kind, part);
    assertStrictEquals(error.constructor, kind, `${error}`);
    assert(error.message.startsWith("parseSafetensors: m.safetensors: "), error.message);
    assert(error.message.length < 500, error.message);
    assertEquals(bytes, before);
  });
}
