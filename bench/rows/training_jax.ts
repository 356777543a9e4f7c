/** Training steps in jax-js: functions from parameters to the loss and the new parameters, as one jitted program. */
import { weight } from "../data.ts";
import type { Jax, JaxArray } from "../row.ts";

type Step = [f: (...args: JaxArray[]) => JaxArray[], ...args: JaxArray[]];

/** Parameters in the order of their names, of PyTorch's shapes. */
const parameters = ({ numpy: np }: Jax, shapes: number[][]) =>
  shapes.map((shape, i) => np.array(weight(i, shape), { shape }));

const linear = ({ numpy: np }: Jax, x: JaxArray, w: JaxArray, b: JaxArray) =>
  np.matmul(x, w.transpose()).add(b);

/** The loss of `model` and its gradients. */
const lossAndGradients = (jax: Jax, loss: (p: JaxArray[], x: JaxArray, y: JaxArray) => JaxArray) =>
  jax.valueAndGrad(loss) as (
    p: JaxArray[],
    x: JaxArray,
    y: JaxArray,
  ) => [JaxArray, JaxArray[]];

const net = (jax: Jax, [b1, w1, b2, w2]: JaxArray[], x: JaxArray) =>
  linear(jax, jax.nn.relu(linear(jax, x, w1, b1)), w2, b2);

export function twoLayers(jax: Jax, a: JaxArray, b: JaxArray): Step {
  const { numpy: np } = jax;
  const initial = parameters(jax, [[100], [100, 1000], [10], [10, 100]]);
  const gradients = lossAndGradients(jax, (p, x, y) => np.sum(np.square(net(jax, p, x).sub(y))));
  return [
    (x, y, ...p) => {
      const [loss, g] = gradients(p.map((q) => q.ref), x, y);
      return [loss, ...p.map((q, i) => q.sub(g[i].mul(1e-4)))];
    },
    a,
    b,
    ...initial,
  ];
}

/** A step of Adam, whose means begin at 0. */
function adam(
  jax: Jax,
  model: (p: JaxArray[], x: JaxArray) => JaxArray,
  initial: JaxArray[],
  a: JaxArray,
  b: JaxArray,
): Step {
  const { nn, numpy: np } = jax, n = initial.length;
  const gradients = lossAndGradients(
    jax,
    (p, x, hot) => np.sum(nn.logSoftmax(model(p, x)).mul(hot)).mul(-1 / 64),
  );
  const zeros = () => initial.map((p) => np.zeros(p.shape));
  return [
    (x, hot, ...state) => {
      const [p, m, v] = [0, n, 2 * n].map((i) => state.slice(i, i + n));
      const [loss, g] = gradients(p.map((q) => q.ref), x, hot);
      const m1 = m.map((m, i) => m.mul(0.9).add(g[i].ref.mul(0.1)));
      const v1 = v.map((v, i) => v.mul(0.999).add(np.square(g[i]).mul(0.001)));
      const p1 = p.map((p, i) => {
        const root = np.sqrt(v1[i].ref.div(0.001)).add(1e-8);
        return p.sub(m1[i].ref.div(0.1).mul(1e-3).div(root));
      });
      return [loss, ...p1, ...m1, ...v1];
    },
    a,
    nn.oneHot(b, 10),
    ...initial,
    ...zeros(),
    ...zeros(),
  ];
}

export function mlp(jax: Jax, a: JaxArray, b: JaxArray): Step {
  const initial = parameters(jax, [[128], [128, 784], [10], [10, 128]]);
  return adam(jax, (p, x) => net(jax, p, x), initial, a, b);
}

export function cnn(jax: Jax, a: JaxArray, b: JaxArray): Step {
  const { lax, nn, numpy: np } = jax;
  const shapes = [[8], [8, 1, 3, 3], [16], [16, 8, 3, 3], [10], [10, 400]];
  const block = (x: JaxArray, w: JaxArray, b: JaxArray, channels: number) => {
    const y = nn.relu(lax.conv(x, w, [1, 1], "VALID").add(b.reshape([1, channels, 1, 1])));
    return lax.reduceWindow(y, (x) => np.max(x), [1, 1, 2, 2], [1, 1, 2, 2]);
  };
  const model = ([b1, w1, b2, w2, b3, w3]: JaxArray[], x: JaxArray) =>
    linear(jax, block(block(x, w1, b1, 8), w2, b2, 16).reshape([64, 400]), w3, b3);
  return adam(jax, model, parameters(jax, shapes), a, b);
}
