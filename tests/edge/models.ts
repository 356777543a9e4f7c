/**
 * Models that the tests export, and the folders they are exported to.
 */
import * as torch from "../../mod.ts";
import { nn, type Tensor } from "../../mod.ts";

/** Exports to a folder of its own, which goes when `f` is done. */
export async function exported<T>(
  model: torch.edge.Forward,
  example: Tensor,
  options: Omit<torch.edge.ExportOptions, "out">,
  f: (folder: string, report: torch.edge.ExportReport) => T | Promise<T>,
): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    return await f(folder, await torch.edge.export(model, example, { ...options, out: folder }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** 784 -> 128 -> 10. */
export function mlp(): nn.Sequential {
  torch.manualSeed(1);
  return new nn.Sequential(
    new nn.Linear(784, 128),
    new nn.ReLU(),
    new nn.Dropout(0.2),
    new nn.Linear(128, 10),
  );
}

/** Two convolutions, one of them with a norm that has seen data, and a linear layer: [N, 1, 28, 28] -> [N, 10]. */
export function cnn(): nn.Sequential {
  torch.manualSeed(2);
  const model = new nn.Sequential(
    new nn.Conv2d(1, 8, 3, { padding: 1 }),
    new nn.BatchNorm2d(8),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(8, 18, 3, { stride: 2 }),
    new nn.ReLU(),
    new nn.AvgPool2d(2),
    new nn.Flatten(),
    new nn.Linear(162, 10),
  );
  model(torch.randn(8, 1, 28, 28));
  return model;
}

/** ResNet-18, with norms that have seen data. */
export function resnet18(): nn.Module {
  torch.manualSeed(3);
  const model = torch.models.resnet18();
  model(torch.randn(4, 3, 32, 32));
  return model;
}

/** A model's files as `create` takes them. */
export async function partsOf(folder: string, name = "model.wasm") {
  const weights = await Deno.readFile(`${folder}/model.safetensors`);
  const module = new WebAssembly.Module(await Deno.readFile(`${folder}/${name}`));
  const { create } = await import(`file://${folder}/model.js`);
  return { create, module, weights } as {
    create(parts: { module: WebAssembly.Module; weights: Uint8Array }): { infer: Infer };
    module: WebAssembly.Module;
    weights: Uint8Array<ArrayBuffer>;
  };
}

/** The exported function. */
export type Infer = (input: Float32Array, batch?: number) => Float32Array<ArrayBuffer>;
