/**
 * 20,000 synchronous training steps, with a scope for each (argument "scoped") or no clean-up at all ("free"); prints the
 * losses of every hundredth, and the most memory they took, as JSON. A program of its own: what its process takes is
 * its own doing.
 */
import * as torch from "../mod.ts";
import { nn } from "../mod.ts";

const scoped = Deno.args[0] === "scoped";
torch.manualSeed(0);
const x = torch.randn(32, 64), y = torch.randn(32, 8);
const model = new nn.Sequential(new nn.Linear(64, 64), new nn.Tanh(), new nn.Linear(64, 8));
const optimizer = new torch.optim.SGD(model.parameters(), { lr: 0.01, momentum: 0.9 });
const losses: number[] = [];
let rss = 0;

function step(i: number): void {
  const loss = nn.functional.mseLoss(model(x), y);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  if (i % 100 === 0) losses.push(Number(loss.item()));
}

for (let i = 0; i < 20_000; i++) {
  if (scoped) {
    using _ = torch.scope();
    step(i);
  } else step(i);
  if (i % 1000 === 0) rss = Math.max(rss, Deno.memoryUsage().rss);
}
console.log(JSON.stringify({ losses, peak: torch.memory.stats().peakBytes, rss }));
