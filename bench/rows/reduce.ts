/** Reductions of 2^20 floats, whole, over the rows (axis 0) and over the columns (axis 1). */
import { op, type Row } from "../row.ts";

type Name = "sum" | "mean" | "var" | "max";
const AXES = [null, 0, 1];
const WHERE = ["", " over axis 0", " over axis 1"];

function reduce(name: Name, axis: number | null): Row {
  const where = WHERE[AXES.indexOf(axis)];
  const dim = axis ?? [0, 1];
  return op({
    name: `${name}${where}, 1M floats`,
    group: "reductions",
    inputs: [[1024, 1024]],
    bytes: 4 * 1024 * 1024,
    ours: (torch, a) => {
      if (name !== "max") return a[name](dim);
      return axis === null ? a.max() : torch.amax(a, axis);
    },
    torch: name !== "max"
      ? `a.${name}(${axis ?? "(0, 1)"})`
      : axis === null
      ? "a.max()"
      : `a.amax(${axis})`,
    tfjs: (tf, a) =>
      name === "var"
        // tf.moments divides by n; the others by n - 1
        ? tf.mul(tf.moments(a, axis ?? undefined).variance, factor(axis))
        : tf[name](a, axis ?? undefined),
    onnx: name === "var" ? variance(axis) : {
      nodes: [{
        op: { sum: "ReduceSum", mean: "ReduceMean", max: "ReduceMax" }[name],
        inputs: ["a", "axes"],
        attributes: { keepdims: 0 },
      }],
      constants: { axes: axis === null ? [0, 1] : [axis] },
    },
    jax: ({ numpy: np }, a) =>
      name === "var" ? np.var_(a, axis, { correction: 1 }) : np[name](a, axis),
  });
}

/** n / (n - 1). */
const factor = (axis: number | null) => axis === null ? 1048576 / 1048575 : 1024 / 1023;

function variance(axis: number | null): NonNullable<Row["onnx"]> {
  return {
    nodes: [
      { op: "ReduceMean", inputs: ["a", "axes"], outputs: ["mean"] },
      { op: "Sub", inputs: ["a", "mean"], outputs: ["d"] },
      {
        op: "ReduceSumSquare",
        inputs: ["d", "axes"],
        outputs: ["s"],
        attributes: { keepdims: 0 },
      },
      { op: "Mul", inputs: ["s", "k"] },
    ],
    constants: {
      axes: axis === null ? [0, 1] : [axis],
      k: { float: 1 / (axis === null ? 1048575 : 1023) },
    },
  };
}

export const REDUCE: Row[] = (["sum", "mean", "var", "max"] as const).flatMap((name) =>
  AXES.map((axis) => reduce(name, axis))
);
