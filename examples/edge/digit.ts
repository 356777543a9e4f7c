/**
 * What reads digits at the edge: the network of examples/mnist_cnn.ts, with what it needs around it.
 */
import { F, nn, type Tensor } from "../../mod.ts";
import { cnn } from "../mnist_cnn.ts";

/** One sample: a channel of 28 x 28 pixels from 0 to 1, white on black. */
export const shape = [1, 28, 28];

/** Pixels [N, 1, 28, 28] -> probabilities [N, 10]. */
class DigitReader extends nn.Module {
  net: nn.Sequential = cnn();

  override forward(x: Tensor): Tensor {
    return F.softmax(this.net(x.sub(0.1307).div(0.3081)), 1);
  }
}

/** The reader with trained weights: what `deno task cnn` saves. */
export default function digit(state: Record<string, Tensor>): nn.Module {
  const reader = new DigitReader();
  reader.net.loadStateDict(state);
  return reader;
}
