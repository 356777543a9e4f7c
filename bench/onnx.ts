/**
 * Writes ONNX models of a few nodes: the part of the Protocol Buffers encoding that they need.
 *
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 * @see https://protobuf.dev/programming-guides/encoding/
 */
import { sizeOf } from "./data.ts";
import type { Input } from "./row.ts";

/** An attribute: an integer, integers, text, or a float. */
export type Attribute = number | number[] | string | { float: number };

/** One node. The first node's inputs are the row's, unless it names others; the last node's output is y. */
export interface Node {
  op: string;
  inputs?: string[];
  outputs?: string[];
  attributes?: Record<string, Attribute>;
}

/** Whole numbers, a float, or a tensor of ones of a shape. */
export type Constant = number[] | { float: number } | { ones: number[] };

/** A graph over the row's inputs a, b, c, ...; constants are int64 vectors, float scalars, or ones. */
export interface Model {
  nodes: Node[];
  constants?: Record<string, Constant>;
}

/** TensorProto.DataType. */
const FLOAT = 1, INT64 = 7;
/** The operator set: the first with Gelu. */
const OPSET = 20;

type Bytes = number[];

function varint(n: number): Bytes {
  const out: Bytes = [];
  for (; n > 127; n = Math.floor(n / 128)) out.push(n % 128 + 128);
  return [...out, n];
}

/** Field `id`: a whole number, text, or a message. */
function field(id: number, value: number | string | Bytes): Bytes {
  if (typeof value === "number") return [...varint(id << 3), ...varint(value)];
  const bytes = typeof value === "string" ? [...new TextEncoder().encode(value)] : value;
  return [...varint(id << 3 | 2), ...varint(bytes.length), ...bytes];
}

const bytesOf = (array: Float32Array | BigInt64Array) => [...new Uint8Array(array.buffer)];

function attribute(name: string, value: Attribute): Bytes {
  const start = field(1, name);
  if (typeof value === "number") return [...start, ...field(3, value), ...field(20, 2)];
  if (typeof value === "string") return [...start, ...field(4, value), ...field(20, 3)];
  if (Array.isArray(value)) {
    return [...start, ...value.flatMap((x) => field(8, x)), ...field(20, 7)];
  }
  return [...start, 2 << 3 | 5, ...bytesOf(Float32Array.of(value.float)), ...field(20, 1)];
}

/** ValueInfoProto. */
function valueInfo(name: string, type: number, shape?: readonly number[]): Bytes {
  const dims = shape && field(2, shape.flatMap((d) => field(1, field(1, d))));
  return [...field(1, name), ...field(2, field(1, [...field(1, type), ...dims ?? []]))];
}

/** TensorProto. */
function constant(name: string, value: Constant): Bytes {
  const [type, shape, data] = Array.isArray(value)
    ? [INT64, [value.length], BigInt64Array.from(value.map(BigInt))]
    : "float" in value
    ? [FLOAT, [], Float32Array.of(value.float)]
    : [FLOAT, value.ones, new Float32Array(sizeOf(value.ones)).fill(1)];
  return [
    ...shape.flatMap((d) => field(1, d)),
    ...field(2, type),
    ...field(8, name),
    ...field(9, bytesOf(data)),
  ];
}

/** The name of input `i`: a, b, c, ... */
export const inputName = (i: number): string => String.fromCharCode(97 + i);

/** The file of `model`, whose inputs are `inputs`. */
export function encode(model: Model, inputs: readonly Input[]): Uint8Array<ArrayBuffer> {
  const graph = model.nodes.flatMap((node) =>
    field(1, [
      ...(node.inputs ?? inputs.map((_, i) => inputName(i))).flatMap((name) => field(1, name)),
      ...(node.outputs ?? ["y"]).flatMap((name) => field(2, name)),
      ...field(4, node.op),
      ...Object.entries(node.attributes ?? {}).flatMap(([k, v]) => field(5, attribute(k, v))),
    ])
  );
  graph.push(...field(2, "row"));
  for (const [name, value] of Object.entries(model.constants ?? {})) {
    for (const byte of field(5, constant(name, value))) graph.push(byte);
  }
  inputs.forEach((input, i) =>
    graph.push(
      ...field(
        11,
        Array.isArray(input)
          ? valueInfo(inputName(i), FLOAT, input)
          : valueInfo(inputName(i), INT64, input.ints),
      ),
    )
  );
  graph.push(...field(12, valueInfo("y", FLOAT)));
  return Uint8Array.from([...field(1, 9), ...field(7, graph), ...field(8, field(2, OPSET))]);
}
