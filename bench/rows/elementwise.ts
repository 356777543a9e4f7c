/** Element by element, on 2^20 floats: bound by memory or, further down, by arithmetic. */
import { op, type Row } from "../row.ts";
import type { Model } from "../onnx.ts";

const SHAPE = [1024, 1024], BYTES = 4 * 1024 * 1024;

/** A row of the group: `operands` tensors are read and one is written. */
function row(
  name: string,
  operands: 1 | 2,
  recipes: Pick<Parameters<typeof op>[0], "ours" | "torch" | "tfjs" | "jax" | "flags"> & {
    onnx: string | Model;
  },
): Row {
  const { onnx } = recipes;
  return op({
    name: `${name}, 1M floats`,
    group: "elementwise",
    inputs: Array(operands).fill(SHAPE),
    bytes: BYTES * (operands + 1),
    ...recipes,
    onnx: typeof onnx === "string" ? { nodes: [{ op: onnx }] } : onnx,
  });
}

export const ELEMENTWISE: Row[] = [
  row("add", 2, {
    ours: (_, a, b) => a.add(b),
    torch: "a + b",
    tfjs: (tf, a, b) => tf.add(a, b),
    onnx: "Add",
    jax: (_, a, b) => a.add(b),
  }),
  row("mul", 2, {
    ours: (_, a, b) => a.mul(b),
    torch: "a * b",
    tfjs: (tf, a, b) => tf.mul(a, b),
    onnx: "Mul",
    jax: (_, a, b) => a.mul(b),
  }),
  row("mul by a number", 1, {
    ours: (_, a) => a.mul(2.5),
    torch: "a * 2.5",
    tfjs: (tf, a) => tf.mul(a, 2.5),
    onnx: { nodes: [{ op: "Mul", inputs: ["a", "k"] }], constants: { k: { float: 2.5 } } },
    jax: (_, a) => a.mul(2.5),
  }),
  row("(a * b + a) * 2", 2, {
    ours: (_, a, b) => a.mul(b).add(a).mul(2),
    torch: "(a * b + a) * 2",
    tfjs: (tf, a, b) => tf.mul(tf.add(tf.mul(a, b), a), 2),
    onnx: {
      nodes: [
        { op: "Mul", inputs: ["a", "b"], outputs: ["t"] },
        { op: "Add", inputs: ["t", "a"], outputs: ["u"] },
        { op: "Mul", inputs: ["u", "k"] },
      ],
      constants: { k: { float: 2 } },
    },
    jax: (_, a, b) => a.ref.mul(b).add(a).mul(2),
  }),
  row("exp", 1, {
    ours: (_, a) => a.exp(),
    torch: "a.exp()",
    tfjs: (tf, a) => tf.exp(a),
    onnx: "Exp",
    jax: ({ numpy: np }, a) => np.exp(a),
    flags: true,
  }),
  row("tanh", 1, {
    ours: (_, a) => a.tanh(),
    torch: "a.tanh()",
    tfjs: (tf, a) => tf.tanh(a),
    onnx: "Tanh",
    jax: ({ numpy: np }, a) => np.tanh(a),
    flags: true,
  }),
  row("sigmoid", 1, {
    ours: (_, a) => a.sigmoid(),
    torch: "a.sigmoid()",
    tfjs: (tf, a) => tf.sigmoid(a),
    onnx: "Sigmoid",
    jax: ({ nn }, a) => nn.sigmoid(a),
  }),
  row("relu", 1, {
    ours: (_, a) => a.relu(),
    torch: "a.relu()",
    tfjs: (tf, a) => tf.relu(a),
    onnx: "Relu",
    jax: ({ nn }, a) => nn.relu(a),
  }),
  row("gelu", 1, {
    ours: (torch, a) => torch.nn.functional.gelu(a),
    torch: "F.gelu(a)",
    tfjs: (tf, a) => tf.mul(tf.mul(a, 0.5), tf.add(tf.erf(tf.mul(a, Math.SQRT1_2)), 1)),
    onnx: "Gelu",
    jax: ({ nn }, a) => nn.gelu(a, { approximate: false }),
  }),
];
