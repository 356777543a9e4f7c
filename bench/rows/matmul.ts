/** Matrix products. */
import { op, type Row } from "../row.ts";

/** [m, k] x [k, n]; the operands named in `transposed` are stored the other way round. */
function matmul(m: number, k: number, n: number, transposed = ""): Row {
  const [aT, bT] = [transposed.includes("a"), transposed.includes("b")];
  const operands = [...transposed].join(" and ");
  const [a, b] = [aT ? "a.t()" : "a", bT ? "b.t()" : "b"];
  return op({
    name: `matmul ${m}x${k}x${n}${operands && `, ${operands} transposed`}`,
    group: "matmul",
    inputs: [aT ? [k, m] : [m, k], bT ? [n, k] : [k, n]],
    flops: 2 * m * k * n,
    threads: m * k * n < 64 ** 3 ? false : undefined,
    flags: true,
    ours: (_, a, b) => (aT ? a.t() : a).matmul(bT ? b.t() : b),
    torch: `${a} @ ${b}`,
    tfjs: (tf, a, b) => tf.matMul(a, b, aT, bT),
    onnx: {
      nodes: [
        transposed
          ? { op: "Gemm", attributes: { transA: Number(aT), transB: Number(bT) } }
          : { op: "MatMul" },
      ],
    },
    jax: ({ numpy: np }, a, b) => np.matmul(aT ? a.transpose() : a, bT ? b.transpose() : b),
  });
}

function batched(count: number, m: number, k: number, n: number): Row {
  return op({
    name: `matmul ${count} of ${m}x${k}x${n}`,
    group: "matmul",
    inputs: [[count, m, k], [count, k, n]],
    flops: 2 * count * m * k * n,
    flags: true,
    ours: (_, a, b) => a.matmul(b),
    torch: "a @ b",
    tfjs: (tf, a, b) => tf.matMul(a, b),
    onnx: { nodes: [{ op: "MatMul" }] },
    jax: ({ numpy: np }, a, b) => np.matmul(a, b),
  });
}

export const MATMUL: Row[] = [
  ...[32, 64, 128, 256, 512, 1024, 2048].map((n) => matmul(n, n, n)),
  ...["a", "b", "ab"].map((transposed) => matmul(256, 256, 256, transposed)),
  matmul(64, 1000, 100, "b"),
  matmul(1000, 64, 100, "a"),
  matmul(768, 128, 128),
  matmul(768, 128, 512),
  matmul(64, 784, 128),
  batched(48, 64, 32, 32),
];
