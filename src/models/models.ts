/**
 * Networks that many know by name, with the parameters' names of torchvision and GPT-2, so that their state dicts load.
 *
 * @module
 */
export { ResNet, resnet101, resnet152, resnet18, resnet34, resnet50 } from "./resnet.ts";
export { BasicBlock, Bottleneck } from "./resnet_block.ts";
export { GPT } from "./gpt.ts";

export type { ResNetArgs, ResNetOptions } from "./resnet.ts";
export type { ResNetBlock, ResNetBlockArgs, ResNetBlockOptions } from "./resnet_block.ts";
export type { GenerateArgs, GenerateOptions, GPTOptions } from "./gpt.ts";
export type { Block, CausalSelfAttention, GPTConfig, GPTTransformer, MLP } from "./gpt_block.ts";
