/**
 * What writes plays at the edge: the GPT of examples/gpt.ts, and the characters that its numbers stand for.
 */
import type { models, Tensor } from "../../mod.ts";
import { gpt, loadText } from "../gpt.ts";

const { characters } = await loadText();

/** Files that go along with the exported ones. */
export const files = { "characters.json": JSON.stringify(characters) };

/** The GPT with trained weights: what `deno task gpt` saves. */
export default function writer(state: Record<string, Tensor>): models.GPT {
  const model = gpt(characters.length);
  model.loadStateDict(state);
  return model;
}
