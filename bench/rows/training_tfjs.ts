/** Training steps in TensorFlow.js. The first result of each is the loss before the step. */
import { weight } from "../data.ts";
import type { Tf, TfImages as Images, TfTensor } from "../row.ts";

/** Parameter `i` of PyTorch's `shape`, its axes permuted to this library's layout. */
function variable(tf: Tf, i: number, shape: number[], perm?: number[]) {
  const stored = tf.tensor(weight(i, shape), shape);
  return tf.variable(perm ? tf.transpose(stored, perm) : stored);
}

/** The mean of -log p of the labels; `hot` is their one-hot form. */
const crossEntropy = (tf: Tf, logits: TfTensor, hot: TfTensor) =>
  tf.losses.softmaxCrossEntropy(hot, logits);

/** A step that minimises `loss`. */
function step(
  loss: () => TfTensor,
  optimizer: ReturnType<Tf["train"]["adam"]> | ReturnType<Tf["train"]["sgd"]>,
): () => TfTensor {
  return () => optimizer.minimize(loss as Parameters<typeof optimizer.minimize>[0], true)!;
}

/** Two linear layers and a ReLU between them. The parameters' numbers are those of their names in order. */
function layers(tf: Tf, inputs: number, hidden: number, outputs: number) {
  const b1 = variable(tf, 0, [hidden]), w1 = variable(tf, 1, [hidden, inputs], [1, 0]);
  const b2 = variable(tf, 2, [outputs]), w2 = variable(tf, 3, [outputs, hidden], [1, 0]);
  return (x: TfTensor) => tf.add(tf.matMul(tf.relu(tf.add(tf.matMul(x, w1), b1)), w2), b2);
}

export function twoLayers(tf: Tf, a: TfTensor, b: TfTensor): () => TfTensor {
  const model = layers(tf, 1000, 100, 10);
  return step(() => tf.sum(tf.squaredDifference(model(a), b)), tf.train.sgd(1e-4));
}

export function mlp(tf: Tf, a: TfTensor, b: TfTensor): () => TfTensor {
  const model = layers(tf, 784, 128, 10), hot = tf.cast(tf.oneHot(b, 10), "float32");
  return step(() => crossEntropy(tf, model(a), hot), tf.train.adam(1e-3, 0.9, 0.999, 1e-8));
}

export function cnn(tf: Tf, a: TfTensor, b: TfTensor): () => TfTensor {
  const x = tf.reshape(a, [64, 28, 28, 1]), hot = tf.cast(tf.oneHot(b, 10), "float32");
  const [b1, w1] = [variable(tf, 0, [8]), variable(tf, 1, [8, 1, 3, 3], [2, 3, 1, 0])];
  const [b2, w2] = [variable(tf, 2, [16]), variable(tf, 3, [16, 8, 3, 3], [2, 3, 1, 0])];
  // The flattened images have their channels last here, first in PyTorch.
  const stored = tf.reshape(tf.tensor(weight(5, [10, 400]), [10, 400]), [10, 16, 5, 5]);
  const b3 = variable(tf, 4, [10]);
  const w3 = tf.variable(tf.reshape(tf.transpose(stored, [2, 3, 1, 0]), [400, 10]));
  const block = (x: TfTensor, w: TfTensor, b: TfTensor) =>
    tf.maxPool(
      tf.relu(tf.add(tf.conv2d(x as Images, w as Images, 1, "valid"), b)) as Images,
      2,
      2,
      "valid",
    );
  return step(
    () =>
      crossEntropy(
        tf,
        tf.add(tf.matMul(tf.reshape(block(block(x, w1, b1), w2, b2), [64, 400]), w3), b3),
        hot,
      ),
    tf.train.adam(1e-3, 0.9, 0.999, 1e-8),
  );
}
