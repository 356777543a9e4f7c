/**
 * A small GPT that learns the characters of this repository's documentation.
 */
import * as torch from "../mod.ts";
import { F, models, nn, type Tensor } from "../mod.ts";

const BLOCK = 64, BATCH = 16, LEARNING_RATE = 3e-3;

/** A text as numbers of characters: int64 [n], the last tenth being for validation. */
export interface Characters {
  train: Tensor;
  validation: Tensor;
  /** How many different characters there are. */
  vocabSize: number;
}

/** The characters of README.md and docs/from_pytorch.md. */
export async function loadCharacters(): Promise<Characters> {
  const files = ["../README.md", "../docs/from_pytorch.md"];
  const texts = await Promise.all(
    files.map((f) => Deno.readTextFile(new URL(f, import.meta.url))),
  );
  const characters = [...texts.join("\n")], vocabulary = [...new Set(characters)].sort();
  const numbers = new Map(vocabulary.map((c, i) => [c, i]));
  const all = torch.tensor(characters.map((c) => numbers.get(c)!), { dtype: torch.int64 });
  const n = Math.floor(characters.length * 0.9);
  return {
    train: all.narrow(0, 0, n),
    validation: all.narrow(0, n, characters.length - n),
    vocabSize: vocabulary.length,
  };
}

/** Pieces of `text` that begin at `starts`, and the characters that follow each of theirs: int64 [n, BLOCK] both. */
function pieces(text: Tensor, starts: readonly number[]): [Tensor, Tensor] {
  const at = (shift: number) => torch.stack(starts.map((s) => text.narrow(0, s + shift, BLOCK)));
  return [at(0), at(1)];
}

function loss(model: nn.Module, [input, next]: [Tensor, Tensor]): Tensor {
  const logits: Tensor = model(input);
  return F.crossEntropy(logits.float().view(-1, logits.size(-1)), next.view(-1));
}

/** The mean cross-entropy of `model`, in nats per character, over the text for validation. */
export function validationLoss(model: nn.Module, { validation }: Characters): number {
  using _scope = torch.scope();
  using _mode = torch.noGrad();
  const count = Math.floor((validation.numel() - 1) / BLOCK);
  const starts = Array.from({ length: count }, (_, i) => i * BLOCK);
  return Number(loss(model, pieces(validation, starts)).item());
}

/** Trains a GPT of two layers for some steps, from `torch.manualSeed(0)`; `onStep` may stop it by returning true. */
export async function trainCharacters(
  text: Characters,
  steps: number,
  onStep: (step: number, loss: number) => boolean | Promise<boolean> = () => false,
): Promise<nn.Module> {
  torch.manualSeed(0);
  const model = new models.GPT({
    vocabSize: text.vocabSize,
    blockSize: BLOCK,
    nLayer: 2,
    nHead: 4,
    nEmbd: 64,
  });
  const optimizer = new torch.optim.AdamW(model.parameters(), { lr: LEARNING_RATE });
  for (let step = 1; step <= steps; step++) {
    using _ = torch.scope();
    const last = text.train.numel() - BLOCK;
    const starts = torch.randint(last, [BATCH]).tolist() as number[];
    const batchLoss = loss(model, pieces(text.train, starts));
    optimizer.zeroGrad();
    batchLoss.backward();
    optimizer.step();
    if (await onStep(step, Number(batchLoss.item()))) break;
  }
  return model.eval();
}
