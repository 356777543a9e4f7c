/** Softmax, losses and normalisation. */
import {
  type JaxArray as JaxArg,
  op,
  type Row,
  type TfImages as Images,
  type TfVector as Vector,
} from "../row.ts";

const group = "softmax, losses, normalisation";
const MATRIX = [1024, 1024], MATRIX_BYTES = 2 * 4 * 1024 * 1024;
/** Images of the batch normalisation: [batch, channels, height, width]. */
const IMAGES = [8, 64, 32, 32];

export const NORMALIZE: Row[] = [
  op({
    name: "softmax, 1024x1024",
    group,
    inputs: [MATRIX],
    bytes: MATRIX_BYTES,
    flags: true,
    ours: (_, a) => a.softmax(1),
    torch: "a.softmax(1)",
    tfjs: (tf, a) => tf.softmax(a),
    onnx: { nodes: [{ op: "Softmax" }] },
    jax: ({ nn }, a) => nn.softmax(a),
  }),
  op({
    name: "softmax over axis 0, 1024x1024",
    group,
    inputs: [MATRIX],
    bytes: MATRIX_BYTES,
    ours: (_, a) => a.softmax(0),
    torch: "a.softmax(0)",
    tfjs: (tf, a) => tf.transpose(tf.softmax(tf.transpose(a))),
    onnx: { nodes: [{ op: "Softmax", attributes: { axis: 0 } }] },
    jax: ({ nn }, a) => nn.softmax(a, 0),
  }),
  op({
    name: "logSoftmax, 1024x1024",
    group,
    inputs: [MATRIX],
    bytes: MATRIX_BYTES,
    ours: (_, a) => a.logSoftmax(1),
    torch: "a.log_softmax(1)",
    tfjs: (tf, a) => tf.logSoftmax(a),
    onnx: { nodes: [{ op: "LogSoftmax" }] },
    jax: ({ nn }, a) => nn.logSoftmax(a),
  }),
  {
    name: "crossEntropy forward and backward, 1024x1024",
    group,
    inputs: [MATRIX, { ints: [1024], below: 1024 }],
    ours: (torch, a, b) => {
      a.requiresGrad_();
      return () => torch.autograd.grad(torch.nn.functional.crossEntropy(a, b), a)[0];
    },
    torch: {
      setup: "a.requires_grad_()",
      code: "torch.autograd.grad(F.cross_entropy(a, b), a)[0]",
    },
    tfjs: (tf, a, b) => {
      const hot = tf.cast(tf.oneHot(b, 1024), "float32");
      const grad = tf.grad((x) =>
        tf.neg(tf.mean(tf.sum(tf.mul(hot, tf.logSoftmax(x as typeof a)), 1)))
      );
      return () => grad(a);
    },
    jax: ({ grad, nn, numpy: np }, a, b) => {
      const loss = (x: typeof a, hot: typeof a) => np.sum(nn.logSoftmax(x).mul(hot)).mul(-1 / 1024);
      return [grad(loss), a, nn.oneHot(b, 1024)];
    },
  },
  op({
    name: "layerNorm, 1024x1024",
    group,
    inputs: [MATRIX, [1024], [1024]],
    bytes: MATRIX_BYTES,
    ours: (torch, a, b, c) => torch.nn.functional.layerNorm(a, [1024], b, c),
    torch: "F.layer_norm(a, (1024,), b, c)",
    tfjs: (tf, a, b, c) => {
      const { mean, variance } = tf.moments(a, 1, true);
      return tf.add(tf.mul(tf.mul(tf.sub(a, mean), tf.rsqrt(tf.add(variance, 1e-5))), b), c);
    },
    onnx: { nodes: [{ op: "LayerNormalization", attributes: { epsilon: { float: 1e-5 } } }] },
    jax: ({ nn }, a, b, c) => nn.standardize(a, -1, { epsilon: 1e-5 }).mul(b).add(c),
  }),
  {
    name: "layerNorm forward and backward, 1024x1024",
    group,
    inputs: [MATRIX, [1024], [1024], MATRIX],
    ours: (torch, a, b, c, d) => {
      const inputs = [a, b, c].map((x) => x.requiresGrad_());
      return () =>
        torch.autograd.grad(torch.nn.functional.layerNorm(a, [1024], b, c), inputs, d)[0];
    },
    torch: {
      setup: "for x in (a, b, c): x.requires_grad_()",
      code: "torch.autograd.grad(F.layer_norm(a, (1024,), b, c), (a, b, c), d)[0]",
    },
    tfjs: (tf, a, b, c, d) => {
      const grads = tf.grads((a, b, c) => {
        const { mean, variance } = tf.moments(a, 1, true);
        return tf.add(tf.mul(tf.mul(tf.sub(a, mean), tf.rsqrt(tf.add(variance, 1e-5))), b), c);
      });
      return () => grads([a, b, c], d)[0];
    },
    jax: ({ grad, nn, numpy: np }, a, b, c, d) => {
      const f = (a: JaxArg, b: JaxArg, c: JaxArg, d: JaxArg) =>
        np.sum(nn.standardize(a, -1, { epsilon: 1e-5 }).mul(b).add(c).mul(d));
      return [grad(f, { argnums: [0, 1, 2] }), a, b, c, d];
    },
  },
  {
    name: "batchNorm in training, 8x64x32x32",
    group,
    inputs: [IMAGES, [64], [64]],
    bytes: 2 * 4 * 8 * 64 * 32 * 32,
    ours: (torch, a, b, c) => () =>
      torch.nn.functional.batchNorm(a, null, null, b, c, { training: true }),
    torch: "F.batch_norm(a, None, None, b, c, training=True)",
    tfjs: (tf, a, b, c) => {
      const x = tf.transpose(a, [0, 2, 3, 1]) as Images; // its layout: channels last
      return () => {
        const { mean, variance } = tf.moments(x, [0, 1, 2]);
        return tf.batchNorm(x, mean as Vector, variance as Vector, c as Vector, b as Vector, 1e-5);
      };
    },
    jax: ({ nn }, a, b, c) => [
      (a, b, c) =>
        nn.standardize(a, [0, 2, 3], { epsilon: 1e-5 }).mul(b.reshape([1, 64, 1, 1])).add(
          c.reshape([1, 64, 1, 1]),
        ),
      a,
      b,
      c,
    ],
    without: { onnx: "ONNX has batch normalisation for inference only" },
  },
  {
    name: "batchNorm forward and backward, 8x64x32x32",
    group,
    inputs: [IMAGES, [64], [64], IMAGES],
    ours: (torch, a, b, c, d) => {
      const inputs = [a, b, c].map((x) => x.requiresGrad_());
      return () => {
        const y = torch.nn.functional.batchNorm(a, null, null, b, c, { training: true });
        return torch.autograd.grad(y, inputs, d)[0];
      };
    },
    torch: {
      setup: "for x in (a, b, c): x.requires_grad_()",
      code:
        "torch.autograd.grad(F.batch_norm(a, None, None, b, c, training=True), (a, b, c), d)[0]",
    },
    tfjs: (tf, a, b, c, d) => {
      const [x, dy] = [a, d].map((t) => tf.transpose(t, [0, 2, 3, 1]));
      const grads = tf.grads((x, b, c) => {
        const { mean, variance } = tf.moments(x, [0, 1, 2]);
        return tf.batchNorm(
          x as Images,
          mean as Vector,
          variance as Vector,
          c as Vector,
          b as Vector,
          1e-5,
        );
      });
      return () => grads([x, b, c], dy)[0];
    },
    jax: ({ grad, nn, numpy: np }, a, b, c, d) => {
      const f = (a: JaxArg, b: JaxArg, c: JaxArg, d: JaxArg) =>
        np.sum(
          nn.standardize(a, [0, 2, 3], { epsilon: 1e-5 }).mul(b.reshape([1, 64, 1, 1]))
            .add(c.reshape([1, 64, 1, 1])).mul(d),
        );
      return [grad(f, { argnums: [0, 1, 2] }), a, b, c, d];
    },
  },
];
