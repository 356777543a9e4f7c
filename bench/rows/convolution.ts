/** Convolution and pooling: 8 images of 64 channels, 32x32. */
import type { JaxArray as JaxArg, Row, Tensor, TfImages as Images, Torch } from "../row.ts";

const group = "convolution and pooling";
const IMAGES = [8, 64, 32, 32];

/** A convolution of 64 channels to 64 that keeps the images' size. */
function convolution(label: string, kernel: number, groups: 1 | 64, backward: boolean): Row {
  const padding = (kernel - 1) / 2, depthwise = groups === 64;
  const forward = (torch: Torch, a: Tensor, b: Tensor) =>
    torch.nn.functional.conv2d(a, b, { padding, groups });
  const call = `F.conv2d(a, b, padding=${padding}, groups=${groups})`;
  const pads: [number, number][] = [[padding, padding], [padding, padding]];
  return {
    name: `conv2d ${label}${backward ? " forward and backward" : ""}`,
    group,
    inputs: [IMAGES, [64, 64 / groups, kernel, kernel], ...backward ? [IMAGES] : []],
    flops: (backward ? 3 : 1) * 2 * 8 * 32 * 32 * 64 * (64 / groups) * kernel * kernel,
    flags: kernel === 3 ? true : undefined,
    ours: (torch, a, b, c) => {
      if (!backward) return () => forward(torch, a, b);
      const inputs = [a, b].map((x) => x.requiresGrad_());
      return () => torch.autograd.grad(forward(torch, a, b), inputs, c)[0];
    },
    torch: backward
      ? {
        setup: "a.requires_grad_(), b.requires_grad_()",
        code: `torch.autograd.grad(${call}, (a, b), c)[0]`,
      }
      : call,
    tfjs: (tf, a, b, c) => {
      // Its layout: channels last, and kernels [height, width, in, out]
      const x = tf.transpose(a, [0, 2, 3, 1]);
      const w = tf.transpose(b, depthwise ? [2, 3, 0, 1] : [2, 3, 1, 0]);
      const forward = (x: typeof a, w: typeof a) =>
        depthwise
          ? tf.depthwiseConv2d(x as Images, w as Images, 1, "same")
          : tf.conv2d(x as Images, w as Images, 1, "same");
      if (!backward) return () => forward(x, w);
      const dy = tf.transpose(c, [0, 2, 3, 1]), grads = tf.grads(forward);
      return () => grads([x, w], dy)[0];
    },
    onnx: backward ? undefined : {
      nodes: [{
        op: "Conv",
        attributes: {
          kernel_shape: [kernel, kernel],
          pads: [padding, padding, padding, padding],
          group: groups,
        },
      }],
    },
    jax: ({ grad, lax, numpy: np }, a, b, c) => {
      const forward = (a: JaxArg, b: JaxArg) =>
        lax.convGeneralDilated(a, b, [1, 1], pads, { featureGroupCount: groups });
      if (!backward) return [forward, a, b];
      const f = (a: JaxArg, b: JaxArg, c: JaxArg) => np.sum(forward(a, b).mul(c));
      return [grad(f, { argnums: [0, 1] }), a, b, c];
    },
  };
}

export const CONVOLUTION: Row[] = [
  ...[false, true].flatMap((backward) => [
    convolution("3x3", 3, 1, backward),
    convolution("1x1", 1, 1, backward),
    convolution("depthwise 3x3", 3, 64, backward),
  ]),
  {
    name: "maxPool2d 2x2",
    group,
    inputs: [IMAGES],
    bytes: 4 * 8 * 64 * 32 * 32 * 1.25,
    ours: (torch, a) => () => torch.nn.functional.maxPool2d(a, 2),
    torch: "F.max_pool2d(a, 2)",
    tfjs: (tf, a) => {
      const x = tf.transpose(a, [0, 2, 3, 1]) as Images;
      return () => tf.maxPool(x, 2, 2, "valid");
    },
    onnx: { nodes: [{ op: "MaxPool", attributes: { kernel_shape: [2, 2], strides: [2, 2] } }] },
    jax: ({ lax, numpy: np }, a) => [
      (a) => lax.reduceWindow(a, (x) => np.max(x), [1, 1, 2, 2], [1, 1, 2, 2]),
      a,
    ],
  },
  {
    name: "maxPool2d 2x2 forward and backward",
    group,
    inputs: [IMAGES, [8, 64, 16, 16]],
    ours: (torch, a, b) => {
      a.requiresGrad_();
      return () => torch.autograd.grad(torch.nn.functional.maxPool2d(a, 2), a, b)[0];
    },
    torch: {
      setup: "a.requires_grad_()",
      code: "torch.autograd.grad(F.max_pool2d(a, 2), a, b)[0]",
    },
    tfjs: (tf, a, b) => {
      const x = tf.transpose(a, [0, 2, 3, 1]), dy = tf.transpose(b, [0, 2, 3, 1]);
      const grad = tf.grad((x) => tf.maxPool(x as Images, 2, 2, "valid"));
      return () => grad(x, dy);
    },
    jax: ({ grad, lax, numpy: np }, a, b) => {
      const f = (a: JaxArg, b: JaxArg) =>
        np.sum(lax.reduceWindow(a, (x) => np.max(x), [1, 1, 2, 2], [1, 1, 2, 2]).mul(b));
      return [grad(f), a, b];
    },
  },
];
