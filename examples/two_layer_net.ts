/**
 * The tutorial's network: two linear layers with a ReLU between them, fitted to random numbers by plain gradient
 * descent. From seed 0 its 500 losses are PyTorch's.
 */
import * as torch from "../mod.ts";
import { nn } from "../mod.ts";

/** N is the batch size, D_in the input's, H the hidden and D_out the output's dimension. */
const N = 64, D_in = 1000, H = 100, D_out = 10;
const LEARNING_RATE = 1e-4;

/** What a run that was stopped goes on from. */
export interface TwoLayerNetCheckpoint {
  model: Record<string, torch.Tensor>;
  losses: number[];
}

/** How to run it. */
export interface TwoLayerNetOptions {
  steps?: number;
  /** Where to compute: `"cpu"` or `"cuda"`. */
  device?: string;
  resume?: TwoLayerNetCheckpoint | null;
  /** Called after each step with the losses so far; true, or a promise of it, stops there. */
  onStep?: (losses: readonly number[]) => boolean | Promise<boolean>;
}

/** Trains from `torch.manualSeed(0)`, or goes on from a checkpoint; the losses of all steps are in the result. */
export async function trainTwoLayerNet(
  { steps = 500, device = "cpu", resume = null, onStep = () => false }: TwoLayerNetOptions = {},
): Promise<TwoLayerNetCheckpoint> {
  torch.manualSeed(0);
  const x = torch.randn(N, D_in).to(device), y = torch.randn(N, D_out).to(device);
  const model = new nn.Sequential(new nn.Linear(D_in, H), new nn.ReLU(), new nn.Linear(H, D_out));
  model.to(device);
  const lossFn = new nn.MSELoss({ reduction: "sum" });
  const losses = [...resume?.losses ?? []];
  if (resume) model.loadStateDict(resume.model);
  while (losses.length < steps) {
    using _ = torch.scope();
    const loss = lossFn(model(x), y);
    losses.push(Number(loss.item()));
    model.zeroGrad();
    loss.backward();
    torch.noGrad(() => {
      for (const p of model.parameters()) p.sub_(p.grad!.mul(LEARNING_RATE));
    });
    if (await onStep(losses)) break;
  }
  return { model: model.stateDict(), losses };
}
