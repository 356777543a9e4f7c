import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { formatSafetensors, parseSafetensors, type RawTensor } from "../../src/io/safetensors.ts";
import { entry, file } from "./safetensors_fixture.ts";

function fixture(name: string): Uint8Array {
  return Deno.readFileSync(new URL(name, import.meta.url));
}

function raw(dtype: string, shape: number[], ...data: number[]): RawTensor {
  return { dtype, shape, data: Uint8Array.from(data) };
}

/** The numbers in a tensor of PyTorch. */
function values({ dtype, data }: RawTensor): unknown[] {
  const { buffer } = data.slice();
  const halves = () => [...new Uint16Array(buffer)];
  switch (dtype) {
    case "F64":
      return [...new Float64Array(buffer)];
    case "F32":
      return [...new Float32Array(buffer)];
    case "F16":
      return [...new Float16Array(buffer)];
    case "BF16":
      return halves().map((bits) => new Float32Array(Uint32Array.of(bits << 16).buffer)[0]);
    case "I64":
      return [...new BigInt64Array(buffer)].map(Number);
    case "I32":
      return [...new Int32Array(buffer)];
    case "I16":
      return [...new Int16Array(buffer)];
    case "I8":
      return [...new Int8Array(buffer)];
    case "U8":
      return [...data];
    default:
      return [...data].map((byte) => byte !== 0);
  }
}

Deno.test("parseSafetensors: every dtype of PyTorch, against PyTorch's values", () => {
  const { tensors, metadata } = parseSafetensors(fixture("dtypes.safetensors"));
  const json = new TextDecoder().decode(fixture("dtypes.safetensors.json"));
  const wanted: Record<string, { dtype: string; shape: number[]; values: unknown[] }> = JSON.parse(
    json,
  );
  const special = new Map<unknown, number>([["inf", Infinity], ["-inf", -Infinity], ["nan", NaN]]);
  assertEquals(metadata, {});
  assertEquals([...tensors.keys()].sort(), Object.keys(wanted).sort());
  for (const [name, { dtype, shape, values: numbers }] of Object.entries(wanted)) {
    const tensor = tensors.get(name)!;
    const short = dtype.replace(/^b?[a-z]+/, (word) => word === "bfloat" ? "BF" : word[0]);
    assertEquals(tensor.dtype, dtype === "bool" ? "BOOL" : short.toUpperCase());
    assertEquals(tensor.shape, shape);
    const got = values(tensor);
    assertEquals(got.length, numbers.length);
    // One by one: -0 is not 0 here, NaN is NaN.
    numbers.forEach((x, i) => assertStrictEquals(got[i], special.get(x) ?? x, `${name}[${i}]`));
  }
});

Deno.test("formatSafetensors: byte for byte what safetensors 0.8.0 writes", () => {
  // All dtypes and odd names ("", "10", "__proto__", quotes, beyond the BMP), zero-size, 0-d, F4.
  const bytes = fixture("official.safetensors");
  const { tensors, metadata } = parseSafetensors(bytes);
  assertEquals(tensors.size, 47);
  assertEquals(metadata, { format: 'pt "é\n😀' });
  assertEquals(formatSafetensors(tensors, metadata), bytes);
  assertEquals(formatSafetensors([...tensors].reverse(), metadata), bytes);
  assertEquals(formatSafetensors([]), file("{}      "));
});

Deno.test("formatSafetensors: order, padding and alignment of the data", () => {
  const bytes = formatSafetensors([
    ["u8", raw("U8", [3], 7, 8, 9)],
    ["b", raw("F32", [], 1, 2, 3, 4)],
    ["a", raw("F32", [0, 5])],
    ["i64", raw("I64", [1], 1, 2, 3, 4, 5, 6, 7, 8)],
  ], { z: "1", a: "2" });
  const text = `{"__metadata__":{"a":"2","z":"1"},` +
    `"i64":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},` +
    `"a":{"dtype":"F32","shape":[0,5],"data_offsets":[8,8]},` +
    `"b":{"dtype":"F32","shape":[],"data_offsets":[8,12]},` +
    `"u8":{"dtype":"U8","shape":[3],"data_offsets":[12,15]}}`;
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8);
  assert(padded.length > text.length);
  const data = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 7, 8, 9);
  assertEquals(bytes, file(padded, data));
});

Deno.test("parseSafetensors: what other writers may do", () => {
  const a = { dtype: "I8", shape: [2], data: Uint8Array.of(4, 5) };
  const b = { dtype: "F32", shape: [], data: Uint8Array.of(0, 1, 2, 3) };
  const none = { dtype: "F64", shape: [3, 0, 2], data: new Uint8Array() };
  // Any header order, zero-size tensors at any boundary, unknown fields, spaces, no padding.
  const odd = file(
    ` {"a":{"shape":[2],"x":[{}],"data_offsets":[4,6],"dtype":"I8"},\t"n2" : ${
      JSON.stringify(entry("F64", [3, 0, 2], 6, 6))
    },"n1":${JSON.stringify(entry("F64", [3, 0, 2], 0, 0))},\r\n"\\u0062":${
      JSON.stringify(entry("F32", [], 0, 4))
    },"__metadata__":{"":"\\u00e9","b":"b","k":"\\",\\"k\\":\\""}}\n  `,
    Uint8Array.of(0, 1, 2, 3, 4, 5),
  );
  const wanted = {
    tensors: new Map([["n1", none], ["b", b], ["a", a], ["n2", none]]),
    metadata: { "": "é", b: "b", k: `","k":"` },
  };
  assertEquals(parseSafetensors(odd), wanted);
  assertEquals([...parseSafetensors(odd).tensors.keys()], ["n1", "b", "a", "n2"]);
  // A view into a larger buffer, at any alignment; the tensors are views, not copies.
  for (let shift = 1; shift < 8; shift++) {
    const buffer = new Uint8Array(odd.length + 20).fill(0xee);
    buffer.set(odd, shift);
    const view = buffer.subarray(shift, shift + odd.length);
    const { tensors } = parseSafetensors(view);
    assertEquals(tensors, wanted.tensors);
    assertStrictEquals(tensors.get("a")!.data.buffer, buffer.buffer);
  }
  assertEquals(parseSafetensors(file("{}")), { tensors: new Map(), metadata: {} });
  assertEquals(parseSafetensors(file({ __metadata__: {} })).metadata, {});
  assertEquals(parseSafetensors(file({ a: entry("F4", [2, 3], 0, 3) }, 3)).tensors.size, 1);
  assertEquals(parseSafetensors(file({ a: entry("F6_E2M3", [4], 0, 3) }, 3)).tensors.size, 1);
});

Deno.test("parseSafetensors: a key __proto__ pollutes nothing", () => {
  const tensor = JSON.stringify(entry("U8", [1], 0, 1));
  const bytes = file(
    `{"__proto__":${tensor},"__metadata__":{"__proto__":"x","constructor":"y"}}`,
    1,
  );
  const { tensors, metadata } = parseSafetensors(bytes);
  assertEquals([...tensors.keys()], ["__proto__"]);
  assertEquals(Object.entries(metadata), [["__proto__", "x"], ["constructor", "y"]]);
  assertStrictEquals(Object.getPrototypeOf(metadata), Object.prototype);
  assertStrictEquals(({} as Record<string, unknown>).dtype, undefined);
  assertThrows(
    () => parseSafetensors(file(`{"a":{"__proto__":${tensor}}}`, 1)),
    TypeError,
    `tensor "a": dtype undefined`,
  );
  assertEquals(parseSafetensors(formatSafetensors(tensors, metadata)), { tensors, metadata });
});

Deno.test("formatSafetensors refuses what no reader could read", () => {
  const one = raw("U8", [1], 1);
  const refuse = (
    kind: typeof Error,
    part: string,
    tensors: [string, RawTensor][],
    metadata?: unknown,
  ) => {
    const call = () => formatSafetensors(tensors, metadata as Record<string, string>);
    assertStrictEquals(assertThrows(call, kind, `formatSafetensors: ${part}`).constructor, kind);
  };
  refuse(Error, `tensor "a": the name is given twice`, [["a", one], ["a", one]]);
  refuse(Error, `tensor "__metadata__": the name is reserved`, [["__metadata__", one]]);
  refuse(TypeError, `tensor "\\ud83d": name "\\ud83d" holds half`, [["\ud83d", one]]);
  refuse(TypeError, `tensor 3: name is 3, expected a string`, [[3 as unknown as string, one]]);
  refuse(TypeError, `tensor "a": dtype "float32", expected`, [["a", raw("float32", [1], 0)]]);
  refuse(RangeError, `tensor "a": shape [1.5]: 1.5 is not`, [["a", raw("U8", [1.5], 0)]]);
  refuse(RangeError, `tensor "a": 1 bytes of data, but F32 [1] takes 4`, [[
    "a",
    raw("F32", [1], 0),
  ]]);
  const array = { ...one, data: new Float32Array(1) as unknown as Uint8Array };
  refuse(TypeError, `tensor "a": data is an object, expected a Uint8Array`, [["a", array]]);
  refuse(TypeError, `__metadata__ "epoch" is 3, expected a string`, [], { epoch: 3 });
  refuse(TypeError, `__metadata__ "k" "\\udc00" holds half`, [], { k: "\udc00" });
  assertThrows(
    () => parseSafetensors(new ArrayBuffer(16) as unknown as Uint8Array),
    TypeError,
    "parseSafetensors: bytes: got an object, expected a Uint8Array",
  );
});
