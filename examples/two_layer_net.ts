/**
 * The tutorial's network: two linear layers with a ReLU between them, fitted to random numbers by plain gradient
 * descent. From seed 0 its 500 losses are PyTorch's.
 */
import * as torch from "../mod.ts";
import { nn } from "../mod.ts";

/** N is the batch size, D_in the input's, H the hidden and D_out the output's dimension. */
const N = 64, D_in = 1000, H = 100, D_out = 10;
const LEARNING_RATE = 1e-4;

/** How to run it. */
export interface TwoLayerNetOptions {
  steps?: number;
  /** A checkpoint to go on from. */
  resume?: Uint8Array | null;
  /** Called after each step; returns true (or a promise of it) to stop there. */
  onStep?: (step: number, loss: number) => boolean | Promise<boolean>;
}

/** What a run leaves behind. */
export interface TwoLayerNetResult {
  /** The loss of each step, those before a resumed checkpoint included. */
  losses: number[];
  /** The state to resume from, if it was stopped before its last step. */
  checkpoint: Uint8Array | null;
}

/** Trains from `torch.manualSeed(0)`. */
export async function trainTwoLayerNet(
  options: TwoLayerNetOptions = {},
): Promise<TwoLayerNetResult> {
  const { steps = 500, resume = null, onStep } = options;
  torch.manualSeed(0);
  const x = torch.randn(N, D_in), y = torch.randn(N, D_out);
  const model = new nn.Sequential(new nn.Linear(D_in, H), new nn.ReLU(), new nn.Linear(H, D_out));
  const lossFn = new nn.MSELoss({ reduction: "sum" });
  let losses: number[] = [];
  if (resume) {
    const { tensors, metadata } = torch.loadSafetensors(resume);
    model.loadStateDict(tensors);
    losses = JSON.parse(metadata.losses);
  }
  for (let t = losses.length; t < steps; t++) {
    using _ = torch.scope();
    const loss = lossFn(model(x), y);
    losses.push(Number(loss.item()));
    model.zeroGrad();
    loss.backward();
    torch.noGrad(() => {
      for (const p of model.parameters()) p.sub_(p.grad!.mul(LEARNING_RATE));
    });
    if (await onStep?.(t + 1, losses[t]) && t + 1 < steps) {
      return {
        losses,
        checkpoint: torch.saveSafetensors(model.stateDict(), { losses: JSON.stringify(losses) }),
      };
    }
  }
  return { losses, checkpoint: null };
}
