/**
 * `torch.nn.functional`: the layers' computations as functions.
 *
 * @module
 */
// activation
export * from "../ops/activation.ts";
export * from "../ops/rrelu.ts";
export { sigmoid, tanh } from "../ops/unary.ts";
// softmax
export * from "../ops/softmax.ts";
// loss
export * from "../ops/loss.ts";
export * from "../ops/loss_class.ts";
export * from "../ops/loss_distribution.ts";
export * from "../ops/loss_margin.ts";
export * from "../ops/ctc.ts";
// embedding
export * from "../ops/embedding.ts";
// attention
export * from "../ops/attention.ts";
// pad
export * from "../ops/pad.ts";
export * from "../ops/window.ts";
// normalize
export * from "../ops/normalize.ts";
export * from "../ops/rescale.ts";
export { cosineSimilarity, pairwiseDistance, pdist } from "../ops/similarity.ts";
// random
export * from "../ops/dropout.ts";
// matmul
export * from "../ops/linear.ts";
// convolution
export * from "../ops/convolution.ts";
// pooling
export * from "../ops/pooling.ts";
export * from "../ops/unpooling.ts";
// interpolate
export * from "../ops/interpolate.ts";
export * from "../ops/grid_sample.ts";
export * from "../ops/shuffle.ts";
// statistics
