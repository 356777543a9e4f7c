/** What an operation costs that computes next to nothing. */
import { op, type Row } from "../row.ts";

const group = "one small operation";
/** Tensors are left to the garbage collector: a scope around each would be most of the cost. */
const common = { group, threads: false, scope: false } as const;

export const SMALL: Row[] = [
  {
    ...common,
    name: "kernel of add, 8 floats",
    inputs: [[8], [8], [8]],
    ours: (_, a, b, c) => {
      const { add } = a.backend.kernels, [y, x1, x2] = [c, a, b].map((x) => x.pointer);
      return () => {
        add(y, x1, x2, 8, 0, 1, 0, 1, 0, 8);
        return c;
      };
    },
    torch: "torch.add(a, b, out=c)",
    without: {
      tfjs: "has no such call",
      onnx: "has no such call",
      jax: "has no such call",
    },
  },
  op({
    ...common,
    name: "add, 8 floats",
    inputs: [[8], [8]],
    ours: (_, a, b) => a.add(b),
    torch: "a + b",
    tfjs: (tf, a, b) => tf.add(a, b),
    onnx: { nodes: [{ op: "Add" }] },
    jax: (_, a, b) => a.add(b),
  }),
  {
    ...common,
    name: "add, 8 floats, recorded",
    inputs: [[8], [8]],
    ours: (_, a, b) => {
      a.requiresGrad_();
      return () => a.add(b);
    },
    torch: { setup: "a.requires_grad_()", code: "a + b" },
    without: {
      tfjs: "records inside of tf.grad only",
      jax: "records inside of grad only",
    },
  },
  {
    ...common,
    name: "add, sum and backward, 8 floats",
    inputs: [[8], [8]],
    ours: (torch, a, b) => {
      a.requiresGrad_();
      return () => torch.autograd.grad(a.add(b).sum(), a)[0];
    },
    torch: { setup: "a.requires_grad_()", code: "torch.autograd.grad((a + b).sum(), a)[0]" },
    tfjs: (tf, a, b) => {
      const grad = tf.grad((x) => tf.sum(tf.add(x, b)));
      return () => grad(a);
    },
    jax: ({ grad, numpy: np }, a, b) => [grad((a, b) => np.sum(a.add(b))), a, b],
  },
];
