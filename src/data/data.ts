/**
 * `torch.utils.data`: datasets, the order of their samples, and batches of them.
 *
 * @module
 */
export { type Collated, defaultCollate, defaultConvert } from "./collate.ts";
export {
  ChainDataset,
  ConcatDataset,
  Dataset,
  type IndexedSamples,
  IterableDataset,
  type Samples,
  Subset,
  TensorDataset,
} from "./dataset.ts";
export {
  DataLoader,
  type DataLoaderArgs,
  type DataLoaderOptions,
  type SampleSource,
} from "./loader.ts";
export {
  BatchSampler,
  type BatchSamplerOptions,
  RandomSampler,
  type RandomSamplerOptions,
  Sampler,
  SequentialSampler,
  SubsetRandomSampler,
  WeightedRandomSampler,
  type WeightedSamplerOptions,
} from "./sampler.ts";
export { randomSplit } from "./split.ts";
