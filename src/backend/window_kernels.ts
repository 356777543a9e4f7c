/**
 * The part of the manifest for convolution and pooling.
 *
 * @module
 */

/** How windows lie along three axes. */
// deno-fmt-ignore
const WINDOWS = [
  "size size0", "size size1", "size size2", "size count0", "size count1", "size count2",
  "size kernel0", "size kernel1", "size kernel2", "size stride0", "size stride1", "size stride2",
  "size padding0", "size padding1", "size padding2",
] as const;

/** The sizes of a convolution over three axes. */
// deno-fmt-ignore
const CONVOLUTION = [
  "size batch", "size groups", "size channels", "size outputs", ...WINDOWS, "size dilation0", "size dilation1", "size dilation2",
] as const;
/** How windows lie in a plane. */
// deno-fmt-ignore
const PLANE = [
  "size size1", "size size2", "size count1", "size count2", "size kernel1", "size kernel2", "size stride1", "size stride2",
  "size padding1", "size padding2",
] as const;

/** Lists of parameters of kernels that slide windows. */
// deno-fmt-ignore
export const WINDOW_SIGNATURES = {
  conv: [
    "out y", "in x", "in weight", "in bias", "scratch scratch", ...CONVOLUTION, "size samples", "size band",
    "size begin", "size end",
  ],
  convGradX: [
    "out dx", "in dy", "in weight", "in bias", "scratch scratch", ...CONVOLUTION, "size samples", "size band", "size rows",
    "size begin", "size end",
  ],
  convGradWeight: [
    "out dw", "in dy", "in x", "scratch scratch", ...CONVOLUTION, "size samples", "size band", "size rows",
    "size begin", "size end",
  ],
  convOctetPack: [
    "out packed", "in weight", "size rows", "size channels", "size kernel0", "size kernel1", "size kernel2",
    "size groupStep", "size rowStep", "size channelStep", "size step0", "size step1", "size step2", "size begin", "size end",
  ],
  convOctet: [
    "out y", "in x", "in weight", "in bias", "scratch scratch", ...CONVOLUTION,
    "size down0", "size down1", "size down2", "size octets", "size band", "size strips", "size begin", "size end",
  ],
  convOctetGradWeight: [
    "out dw", "in dy", "in x", "scratch scratch", ...CONVOLUTION,
    "size samples", "size band", "size strips", "size panels", "size begin", "size end",
  ],
  convFewGradWeight: [
    "out dw", "in dy", "in x", "scratch scratch", "size batch", "size groups", "size channels", "size outputs", ...PLANE,
    "size dilation1", "size samples", "size band", "size strips", "size begin", "size end",
  ],
  convPlane: [
    "out y", "in x", "in weight", "in bias", "scratch scratch", "size groups", "size outputs", ...PLANE,
    "size dilation1", "size dilation2", "size down1", "size down2", "size turned", "size begin", "size end",
  ],
  convPlaneGradWeight: [
    "out dw", "in dy", "in x", "scratch scratch", "size batch", "size groups", "size outputs", ...PLANE,
    "size dilation1", "size dilation2", "size begin", "size end",
  ],
  maxPool: [
    "out y", "out index", "in x", ...WINDOWS, "size dilation0", "size dilation1", "size dilation2",
    "size begin", "size end",
  ],
  maxPoolGrad: [
    "out dx", "in dy", "in index", ...WINDOWS, "size dilation0", "size dilation1", "size dilation2",
    "size begin", "size end",
  ],
  avgPool: ["out y", "in x", ...WINDOWS, "size includePadding", "size divisor", "size begin", "size end"],
  avgPoolGrad: ["out dx", "in dy", ...WINDOWS, "size includePadding", "size divisor", "size begin", "size end"],
} as const;

/** Their names. */
// deno-fmt-ignore
export const WINDOW_FAMILIES = [
  // convolution
  { kernels: ["conv"], types: ["", "_f64", "_i64"], signature: "conv" },
  { kernels: ["conv_grad_x"], types: ["", "_f64", "_i64"], signature: "convGradX" },
  { kernels: ["conv_grad_weight"], types: ["", "_f64"], signature: "convGradWeight" },
  // convolution_octet
  { kernels: ["conv_octet_pack"], types: [""], signature: "convOctetPack" },
  { kernels: ["conv_octet"], types: [""], signature: "convOctet" },
  { kernels: ["conv_octet_grad_weight"], types: [""], signature: "convOctetGradWeight" },
  { kernels: ["conv_few_grad_weight"], types: [""], signature: "convFewGradWeight" },
  // convolution_plane
  { kernels: ["conv_plane"], types: [""], signature: "convPlane" },
  { kernels: ["conv_plane_grad_weight"], types: [""], signature: "convPlaneGradWeight" },
  // pooling
  { kernels: ["max_pool"], types: ["", "_f64"], signature: "maxPool" },
  { kernels: ["max_pool_grad"], types: ["", "_f64"], signature: "maxPoolGrad" },
  { kernels: ["avg_pool"], types: ["", "_f64", "_i64"], signature: "avgPool" },
  { kernels: ["avg_pool_grad"], types: ["", "_f64"], signature: "avgPoolGrad" },
] as const;
