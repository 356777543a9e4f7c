/**
 * Stochastic weight averaging: the averaged model, and the statistics of its batch normalisations.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { nn, optim } from "../mod.ts";
import { withoutLeaks } from "./leaks.ts";

const { AveragedModel, SWALR, updateBn } = optim.swaUtils;

Deno.test("SWA: the averaged model holds the mean of the models it was given", () => {
  const model = new nn.Linear(1, 1), average = new AveragedModel(model);
  withoutLeaks(() => {
    for (const w of [1, 2, 6]) {
      torch.noGrad(() => model.weight.fill_(w));
      average.updateParameters(model);
    }
  });
  assertEquals(average.module.weight.tolist(), [[3]]);
  assertEquals(model.weight.tolist(), [[6]]);
  assertEquals(average.nAveraged.item(), 3);
  assertEquals(Object.keys(average.stateDict()), ["n_averaged", "module.weight", "module.bias"]);
  const x = torch.ones(2, 1);
  assertEquals(average(x).tolist(), average.module(x).tolist());
  const other = new AveragedModel(model);
  other.loadStateDict(average.stateDict());
  assertEquals([other.nAveraged.item(), other.module.weight.tolist()], [3, [[3]]]);
});

Deno.test("SWA: an average of one's own, over buffers too", () => {
  const model = new nn.BatchNorm1d(1);
  const average = new AveragedModel(model, {
    avgFn: (averaged, parameter) => averaged.mul(0.5).add(parameter.mul(0.5)),
    useBuffers: true,
  });
  for (const mean of [4, 8]) {
    model.runningMean!.fill_(mean);
    average.updateParameters(model);
  }
  assertEquals(average.module.runningMean!.tolist(), [6]);
  assertEquals(average.module.weight!.tolist(), [1]);
});

Deno.test("SWA: updateBn gives batch normalisations the statistics of the data", () => {
  const norm = new nn.BatchNorm1d(2), model = new nn.Sequential(norm, new nn.Dropout(0.5)).eval();
  norm.runningMean!.fill_(9);
  const batches = [torch.tensor([[1, 2], [3, 4]]), torch.tensor([[5, 6], [7, 12]])];
  withoutLeaks(() => updateBn([[batches[0], "label"], batches[1]], model));
  assertEquals(norm.runningMean!.tolist(), [4, 6]); // of the means [2, 3] and [6, 9]
  assertEquals(norm.runningVar!.tolist(), [2, 10]); // of the variances [2, 2] and [2, 18]
  assertEquals([norm.numBatchesTracked!.item(), norm.momentum, model.training], [2, 0.1, false]);
  assertThrows(() => updateBn([torch.ones(2, 3)], model));
  assertEquals([norm.momentum, model.training, norm.training], [0.1, false, false]);
  updateBn([], new nn.Linear(1, 1));
});

Deno.test("SWA: bad calls are refused", () => {
  const wrong = (type: new () => Error, message: string, f: () => unknown) =>
    assertThrows(f, type, message);
  const any = (x: unknown) => x as never;
  const o = new optim.SGD([new nn.Parameter(torch.zeros(1))], 0.1);
  wrong(TypeError, "expected a module, got 5", () => new AveragedModel(any(5)));
  const average = new AveragedModel(new nn.Linear(1, 1));
  wrong(RangeError, "3 tensors", () =>
    average.updateParameters(
      new nn.Sequential(new nn.Linear(1, 1), new nn.Linear(1, 1, false)),
    ));
  wrong(TypeError, "swaLr is required", () => new SWALR(o));
  wrong(RangeError, "expected 1 values for swaLr, got 2", () => new SWALR(o, [1, 2]));
  wrong(RangeError, "annealStrategy must be", () => new SWALR(o, 1, 5, any("log")));
  wrong(RangeError, "annealEpochs must be 0 or more", () => new SWALR(o, 1, -1));
  assert(!("swaLr" in o.paramGroups[0]));
});
