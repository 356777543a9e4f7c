import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import { gunzip, type IdxArray, parseIdx } from "../../src/io/idx.ts";

const FIXED = { seed: 20240229, numRuns: 1000 };

type Put = (view: DataView, at: number, value: number) => void;
const CODES: [string, number, number, Put][] = [
  ["uint8", 0x08, 1, (view, at, value) => view.setUint8(at, value)],
  ["int8", 0x09, 1, (view, at, value) => view.setInt8(at, value)],
  ["int16", 0x0b, 2, (view, at, value) => view.setInt16(at, value)],
  ["int32", 0x0c, 4, (view, at, value) => view.setInt32(at, value)],
  ["float32", 0x0d, 4, (view, at, value) => view.setFloat32(at, value)],
  ["float64", 0x0e, 8, (view, at, value) => view.setFloat64(at, value)],
];

/** An idx file, written big-endian by `DataView`. */
function idx(dtype: string, shape: number[], values: number[]): Uint8Array<ArrayBuffer> {
  const [, code, size, put] = CODES.find(([name]) => name === dtype)!;
  const start = 4 + 4 * shape.length;
  const bytes = new Uint8Array(start + size * values.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0, 0, code, shape.length]);
  shape.forEach((n, axis) => view.setUint32(4 + 4 * axis, n));
  values.forEach((value, i) => put(view, start + size * i, value));
  return bytes;
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

Deno.test("parseIdx: every type", () => {
  const cases: [string, IdxArray][] = [
    ["uint8", Uint8Array.of(0, 1, 127, 128, 254, 255)],
    ["int8", Int8Array.of(0, 1, 127, -128, -2, -1)],
    ["int16", Int16Array.of(0, 258, 32767, -32768, -2, -1)],
    ["int32", Int32Array.of(0, 16909060, 2147483647, -2147483648, -2, -1)],
    ["float32", Float32Array.of(0, 1.5, -3.4028234663852886e38, NaN, Infinity, 1e-45)],
    ["float64", Float64Array.of(0, Math.PI, -1.7976931348623157e308, NaN, -Infinity, 5e-324)],
  ];
  for (const [dtype, data] of cases) {
    const file = idx(dtype, [2, 3], [...data]);
    assertEquals(parseIdx(file), { dtype, shape: [2, 3], data });
  }
});

Deno.test("parseIdx: bytes written out by hand", () => {
  const bytes = Uint8Array.of(0, 0, 0x0b, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x01, 0x02, 0xff, 0xfe);
  assertEquals(parseIdx(bytes), { dtype: "int16", shape: [1, 2], data: Int16Array.of(258, -2) });
  // One float, 1.0: in a larger buffer at an odd offset, and 0-d.
  const buffer = Uint8Array.of(9, 0, 0, 0x0d, 1, 0, 0, 0, 1, 0x3f, 0x80, 0, 0, 9);
  const one = { dtype: "float32" as const, shape: [1], data: Float32Array.of(1) };
  assertEquals(parseIdx(buffer.subarray(1, -1)), one);
  const inside = Uint8Array.of(0, 0, 0x0d, 0, 0x3f, 0x80, 0, 0);
  assertEquals(parseIdx(inside), { dtype: "float32", shape: [], data: Float32Array.of(1) });
});

Deno.test("parseIdx: the head of an MNIST file, no images, and memory of its own", () => {
  const images = idx("uint8", [2, 28, 28], Array.from({ length: 1568 }, (_, i) => i % 256));
  assertEquals([...images.subarray(0, 8)], [0, 0, 8, 3, 0, 0, 0, 2]);
  const { shape, data } = parseIdx(images, "train-images-idx3-ubyte");
  assertEquals(shape, [2, 28, 28]);
  images.fill(0);
  assertEquals(data[255], 255);
  assertEquals(parseIdx(idx("int32", [0, 28], [])).data, new Int32Array());
  // 2^32 - 1 times itself times 0 is 0, in any order.
  const most = 2 ** 32 - 1;
  assertEquals(parseIdx(idx("uint8", [most, most, 0], [])).data.length, 0);
  assertEquals(parseIdx(idx("uint8", [...Array(254).fill(most), 0], [])).shape.length, 255);
});

const whole = idx("int16", [3], [1, 2, 3]);
const most = 2 ** 32 - 1;
const MALFORMED: [string, Uint8Array, typeof Error, string][] = [
  ["empty", new Uint8Array(), RangeError, "0 bytes, expected at least the 4"],
  ["3 bytes", whole.subarray(0, 3), RangeError, "3 bytes, expected at least the 4"],
  ["bad magic", Uint8Array.of(1, 0, 8, 0, 5), Error, "magic number 0x01000800, expected 0x0000"],
  ["bad second byte", Uint8Array.of(0, 1, 8, 0, 5), Error, "magic number 0x00010800"],
  ["byte order", Uint8Array.of(3, 8, 0, 0, 5), Error, "magic number 0x03080000"],
  ["text", new TextEncoder().encode("<html>"), Error, "magic number 0x3c68746d"],
  ["unknown type", Uint8Array.of(0, 0, 0x0a, 0, 5), TypeError, "type code 0x0a, expected one of"],
  ["type 0", new Uint8Array(8), TypeError, "0x08 (uint8), 0x09 (int8), 0x0b (int16)"],
  ["sizes cut", whole.subarray(0, 7), RangeError, "7 bytes, too short for the sizes of 1 axes"],
  ["no data", whole.subarray(0, 8), RangeError, "0 bytes of data, but int16 [3] takes 6: the file"],
  ["data cut", whole.subarray(0, 13), RangeError, "5 bytes of data, but int16 [3] takes 6: the"],
  [
    "trailing",
    Uint8Array.of(...whole, 0),
    RangeError,
    "7 bytes of data, but int16 [3] takes 6: tr",
  ],
  ["0-d, no data", idx("uint8", [], []), RangeError, "uint8 [] takes 1: the file is truncated"],
  [
    "giant",
    idx("float64", [most, most], [1]),
    RangeError,
    "float64 [4294967295, 4294967295] takes",
  ],
  [
    "giant, 255 axes",
    idx("uint8", Array(255).fill(most), []),
    RangeError,
    "4294967295, ...] takes",
  ],
  ["wraps to 0", idx("uint8", Array(8).fill(2 ** 16), []), RangeError, "the file is truncated"],
  ["gzip", Uint8Array.of(0x1f, 0x8b, 8, 0), Error, "the file is gzipped: call gunzip first"],
];

for (const [label, bytes, kind, part] of MALFORMED) {
  Deno.test(`parseIdx refuses: ${label}`, () => {
    const error = assertThrows(() => parseIdx(bytes, "m-idx1-ubyte"), kind, part);
    assertStrictEquals(error.constructor, kind, `${error}`);
    assert(error.message.startsWith("parseIdx: m-idx1-ubyte: "), error.message);
    assert(error.message.length < 500, error.message);
  });
}

Deno.test("parseIdx and gunzip refuse anything but a Uint8Array", async () => {
  const buffer = whole.buffer as unknown as Uint8Array;
  const part = "got [object ArrayBuffer], expected a Uint8Array";
  assertThrows(() => parseIdx(buffer), TypeError, `parseIdx: bytes: ${part}`);
  await assertRejects(() => gunzip(buffer), TypeError, `gunzip: bytes: ${part}`);
});

Deno.test("parseIdx: random files come back; damaged ones parse or throw a clear error", () => {
  const file = fc.record({
    dtype: fc.constantFrom(...CODES.map(([dtype]) => dtype)),
    shape: fc.array(fc.nat(4), { maxLength: 4 }),
  }).chain(({ dtype, shape }) => {
    const length = shape.reduce((product, size) => product * size, 1);
    return fc.array(fc.integer({ min: 0, max: 127 }), { minLength: length, maxLength: length })
      .map((values) => ({ dtype, shape, values }));
  });
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 });
  fc.assert(
    fc.property(
      file,
      damage,
      fc.nat(),
      fc.boolean(),
      ({ dtype, shape, values }, hits, cut, cuts) => {
        let bytes = idx(dtype, shape, values);
        const { data, ...head } = parseIdx(bytes);
        assertEquals({ ...head, values: [...data] }, { dtype, shape, values });
        for (const [at, value] of hits) bytes[at % Math.min(bytes.length, 24)] = value;
        if (cuts) bytes = bytes.subarray(0, cut % (bytes.length + 1));
        try {
          parseIdx(bytes, "fuzz");
        } catch (error) {
          const kind = (error as Error).constructor;
          assert(kind === Error || kind === RangeError || kind === TypeError, `${error}`);
          assert((error as Error).message.startsWith("parseIdx: fuzz: "), `${error}`);
        }
      },
    ),
    FIXED,
  );
});

Deno.test("gunzip: unzips, and passes plain bytes through", async () => {
  const long = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >> 3);
  for (const bytes of [new Uint8Array(), Uint8Array.of(7), whole, long]) {
    const zipped = await gzip(bytes);
    assertEquals(await gunzip(zipped), bytes);
    // As a part of a larger buffer too.
    const inside = Uint8Array.of(1, ...zipped, 2).subarray(1, -1);
    assertEquals(await gunzip(inside), bytes);
  }
  for (const plain of [new Uint8Array(), Uint8Array.of(0x1f), whole]) {
    assertStrictEquals(await gunzip(plain), plain);
  }
});

Deno.test("gunzip: a corrupt stream is a clear error", async () => {
  const zipped = await gzip(whole);
  const flip = (at: number) => zipped.map((byte, i) => i === at ? byte ^ 1 : byte);
  const bad: [string, Uint8Array][] = [
    ["magic number alone", zipped.subarray(0, 2)],
    ["trailing byte", Uint8Array.of(...zipped, 0)],
    ["two members", Uint8Array.of(...zipped, ...zipped)],
    ["method", flip(2)],
    ["checksum", flip(zipped.length - 5)],
    ["length", flip(zipped.length - 1)],
    [
      "not gzip after the magic number",
      Uint8Array.of(0x1f, 0x8b, ...new Uint8Array(40).fill(0xff)),
    ],
  ];
  for (let end = 3; end < zipped.length; end++) bad.push([`cut at ${end}`, zipped.slice(0, end)]);
  for (const [label, bytes] of bad) {
    const error = await assertRejects(() => gunzip(bytes, "m.gz"), Error, "gunzip: m.gz: ", label);
    assertStrictEquals(error.constructor, Error, label);
    assertInstanceOf(error.cause, Error, label);
  }
});
