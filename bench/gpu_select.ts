/**
 * Times sorting, selection, masks and random numbers on a GPU, with its own clock.
 *
 *     deno run -A bench/gpu_select.ts
 */
import * as torch from "../mod.ts";

const F = torch.nn.functional, device = "cuda";
const generator = new torch.Generator(device);
const randn = (...shape: number[]) => torch.randn(shape, { device, generator });

/** The least of several times of `f`, in milliseconds of the device's time for one call. */
function time(f: () => unknown): number {
  let best = Infinity;
  for (let round = 0; round < 4; round++) {
    const start = new torch.cuda.Event(), end = new torch.cuda.Event();
    const calls = round === 0 ? 1 : 5;
    start.record();
    for (let i = 0; i < calls; i++) {
      using _ = torch.scope();
      f();
    }
    end.record();
    if (round > 0) best = Math.min(best, start.elapsedTime(end) / calls);
  }
  return best;
}

/** Prints what `f` took, for `n` elements. */
function row(name: string, n: number, f: () => unknown): void {
  const ms = time(f);
  console.log(
    `${name.padEnd(44)} ${ms.toFixed(3).padStart(9)} ms ${
      (n / ms / 1e6).toFixed(2).padStart(8)
    } G elements/s`,
  );
}

console.log(torch.cuda.getDeviceName());
const line = randn(1 << 24), rows = randn(4096, 4096), vocabulary = randn(64, 128_000);
const many = randn(1 << 17, 64), numbers = line.mul(1000).to(torch.int64);
row("sort, one row of 16 M", line.numel(), () => line.sort());
row("sort, int64, one row of 16 M", numbers.numel(), () => numbers.sort());
row("sort, 4096 rows of 4096", rows.numel(), () => rows.sort());
row("sort, 131072 rows of 64", many.numel(), () => many.sort());
row("sort, columns of 4096 x 4096", rows.numel(), () => rows.sort(0));
row("topk 50, 64 rows of 128000", vocabulary.numel(), () => vocabulary.topk(50));
row("topk 50, 1 row of 128000", 128_000, () => vocabulary.at(0).topk(50));
row("topk 8, 131072 rows of 64", many.numel(), () => many.topk(8));
row("topk 100, one row of 16 M", line.numel(), () => line.topk(100));
row("median, one row of 16 M", line.numel(), () => line.median());
row("unique, 16 M", numbers.numel(), () => torch.unique(numbers));
row("nonzero, 16 M", line.numel(), () => torch.nonzero(line.gt(0)));
row("histc 100, 16 M", line.numel(), () => torch.histc(line, 100, -3, 3));
row("rand, 16 M", line.numel(), () => torch.rand([1 << 24], { device, generator }));
row("randn, 16 M", line.numel(), () => torch.randn([1 << 24], { device, generator }));
const x = line.clone().requiresGrad_();
row("dropout, 16 M", line.numel(), () => F.dropout(line, 0.1));
row("dropout and its gradient, 16 M", line.numel(), () => F.dropout(x, 0.1).backward(line));
