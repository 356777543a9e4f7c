/** Embeddings and attention. */
import { type JaxArray as JaxArg, op, type Row, type Tf, type TfTensor } from "../row.ts";

const group = "embedding and attention";
/** Words, and the indices of a batch. */
const WORDS = [10000, 128], BATCH = { ints: [12, 64], below: 10000 };

/** softmax(q k^T / sqrt(width) + mask) v, of [..., length, width]. */
function tfAttention(tf: Tf, length: number, width: number) {
  const mask = tf.linalg.bandPart(tf.ones([length, length]), -1, 0);
  const hidden = tf.mul(tf.sub(1, mask), -1e9);
  return (q: TfTensor, k: TfTensor, v: TfTensor) => {
    const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(width));
    return tf.matMul(tf.softmax(tf.add(scores, hidden)), v);
  };
}

function attention(lead: number[], length: number, width: number, backward: boolean): Row {
  const shape = [...lead, length, width], heads = lead.reduce((a, b) => a * b, 1);
  const last = lead.length - 1;
  return {
    name: `causal attention ${shape.join("x")}${backward ? " forward and backward" : ""}`,
    group,
    inputs: Array(backward ? 4 : 3).fill(shape),
    flops: backward ? undefined : 4 * heads * length * length * width,
    ours: (torch, a, b, c, d) => {
      const inputs = [a, b, c];
      const forward = () =>
        torch.nn.functional.scaledDotProductAttention(a, b, c, { isCausal: true });
      if (!backward) return forward;
      for (const x of inputs) x.requiresGrad_();
      return () => torch.autograd.grad(forward(), inputs, d)[0];
    },
    torch: backward
      ? {
        setup: "for x in (a, b, c): x.requires_grad_()",
        code: "torch.autograd.grad(causal_attention(a, b, c), (a, b, c), d)[0]",
      }
      : "causal_attention(a, b, c)",
    tfjs: (tf, a, b, c, d) => {
      const forward = tfAttention(tf, length, width);
      if (!backward) return () => forward(a, b, c);
      const grads = tf.grads(forward);
      return () => grads([a, b, c], d)[0];
    },
    onnx: backward ? undefined : {
      nodes: [
        {
          op: "Transpose",
          inputs: ["b"],
          outputs: ["k"],
          attributes: { perm: [...lead.keys(), last + 2, last + 1] },
        },
        { op: "MatMul", inputs: ["a", "k"], outputs: ["s"] },
        { op: "Mul", inputs: ["s", "scale"], outputs: ["t"] },
        { op: "Trilu", inputs: ["ones"], outputs: ["visible"], attributes: { upper: 0 } },
        { op: "Cast", inputs: ["visible"], outputs: ["seen"], attributes: { to: 9 } },
        { op: "Where", inputs: ["seen", "t", "hidden"], outputs: ["u"] },
        { op: "Softmax", inputs: ["u"], outputs: ["w"] },
        { op: "MatMul", inputs: ["w", "c"] },
      ],
      constants: {
        scale: { float: 1 / Math.sqrt(width) },
        hidden: { float: -Infinity },
        ones: { ones: [length, length] },
      },
    },
    jax: ({ grad, nn, numpy: np }, ...inputs) => {
      // Its layout: [batch, length, heads, width]
      const [batch, count] = lead.length === 2 ? lead : [1, lead[0]];
      const args = inputs.map((x) =>
        np.transpose(x.reshape([batch, count, length, width]), [0, 2, 1, 3])
      );
      const forward = (q: JaxArg, k: JaxArg, v: JaxArg) =>
        nn.dotProductAttention(q, k, v, { isCausal: true });
      if (!backward) return [forward, ...args];
      const f = (q: JaxArg, k: JaxArg, v: JaxArg, dy: JaxArg) => np.sum(forward(q, k, v).mul(dy));
      return [grad(f, { argnums: [0, 1, 2] }), ...args];
    },
  };
}

export const ATTENTION: Row[] = [
  op({
    name: "embedding, 768 of 10000x128",
    group,
    inputs: [WORDS, BATCH],
    bytes: 2 * 4 * 768 * 128,
    ours: (torch, a, b) => torch.nn.functional.embedding(b, a),
    torch: "F.embedding(b, a)",
    tfjs: (tf, a, b) => tf.gather(a, b),
    onnx: { nodes: [{ op: "Gather" }] },
    jax: ({ numpy: np }, a, b) => np.take(a, b, 0),
  }),
  {
    name: "embedding forward and backward, 768 of 10000x128",
    group,
    inputs: [WORDS, BATCH, [12, 64, 128]],
    ours: (torch, a, b, c) => {
      a.requiresGrad_();
      return () => torch.autograd.grad(torch.nn.functional.embedding(b, a), a, c)[0];
    },
    torch: {
      setup: "a.requires_grad_()",
      code: "torch.autograd.grad(F.embedding(b, a), a, c)[0]",
    },
    tfjs: (tf, a, b, c) => {
      const grad = tf.grad((a) => tf.gather(a, b));
      return () => grad(a, c);
    },
    jax: ({ grad, numpy: np }, a, b, c) => {
      const f = (a: JaxArg, b: JaxArg, c: JaxArg) => np.sum(np.take(a, b, 0).mul(c));
      return [grad(f), a, b, c];
    },
  },
  ...[false, true].flatMap((backward) => [
    attention([8], 64, 32, backward),
    attention([4, 8], 256, 64, backward),
  ]),
];
