/** Every kernel: the exports of these files are the kernels of the manifest (src/backend/kernels.ts). */
export * from "./copy";
export * from "./strided";
export * from "./subscript";
export * from "./arithmetic";
export * from "./division";
export * from "./power";
export * from "./bitwise";
export * from "./unary";
export * from "./reduce";
export * from "./max_min";
export * from "./median";
export * from "./svd";
export * from "./compare";
export * from "./pointwise";
export * from "./activation";
export * from "./activation_grad";
export * from "./scan";
export * from "./softmax";
export * from "./index";
export * from "./scatter";
export * from "./range";
export * from "./sort";
export * from "./search";
export * from "./loss";
export * from "./loss_class";
export * from "./loss_label";
export * from "./ctc";
export * from "./normalize";
export * from "./batch_norm";
export * from "./matmul";
export * from "./convolution";
export * from "./pooling";
export * from "./random";
export { advance, adam, adam_f64, rmsprop, rmsprop_f64, sgd, sgd_f64 } from "./optimizer";
export * from "./optimizer_rare";

/** The first address that the module's own data does not use. */
export const heap_base: usize = __heap_base;
