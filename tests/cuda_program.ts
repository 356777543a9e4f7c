/** What tests/cuda_loading_test.ts runs in processes of their own: asks for a device, and goes on without one. */
import * as torch from "../mod.ts";

/** What `f` throws, or what it returns, as text. */
function outcome(f: () => unknown): string {
  try {
    return String(f());
  } catch (e) {
    return `${(e as Error).name}: ${(e as Error).message}`;
  }
}

const x = torch.tensor([1, 2, 3]);
const [path] = Deno.args;
console.log(JSON.stringify({
  load: path ? outcome(() => torch.cuda.load(path)) : "",
  available: torch.cuda.isAvailable(),
  count: torch.cuda.deviceCount(),
  problem: torch.cuda.problem() ?? "",
  cuda: outcome(() => x.cuda().mul(2).tolist()),
  synchronize: outcome(() => x.cuda().softmax(0) && torch.cuda.synchronize()),
  cpu: outcome(() => x.mul(2).tolist()),
}));
