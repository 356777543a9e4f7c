// Convolution as products of matrices whose operands lie in memory: the patches of x that positions read are gathered, for as
// many samples at a time as there is room for. Worth it for large convolutions of one group.
#pragma once
#include "gemm.cuh"
#include "library.cuh"
#include "narrow.cuh"
#include "window.cuh"

// Where patches lie: apart from the working space, which products of matrices use.
inline void* patchSpace() { return libraryWorkspace(2 * WORKSPACE); }
// Bytes that they may take at a time. Few on the emulator, so that tests see several parts.
#if CUDA_EMULATOR
constexpr Size PATCHES = 6 << 10;
#else
constexpr Size PATCHES = 2 * WORKSPACE;
#endif
// Convolutions of fewer multiplications are as quick without.
constexpr double PATCHES_WORTH = 1 << 22;

// A convolution [batch, channels, volume] -> [batch, outputs, positions]; a patch is of `depth` elements.
struct Patches {
  Size batch, channels, outputs, depth;
  Window w;
  // Samples whose elements, so many each, fit in `PATCHES`.
  Size samples(Size elements, Size bytes) const {
    const Size most = PATCHES / (elements * bytes);
    return most < batch ? most : batch;
  }
  bool worth(Size groups) const {
    if (groups != 1 || w.positions == 0 || depth == 0 || outputs == 0) return false;
    if ((double)batch * channels * w.volume > INT32_MAX) return false;
    return libraryOptions[SMALL_PROBLEMS] || (double)batch * outputs * w.positions * depth >= PATCHES_WORTH;
  }
  // Whether x is its own patches.
  bool pointwise() const {
    for (int d = 0; d < 3; d++) {
      if (w.kernel[d] != 1 || w.stride[d] != 1 || w.padding[d] != 0) return false;
    }
    return w.volume == w.positions;
  }
};

// A sum as an element.
template <class T> DEVICE T stored(ComputedOf<T> sum) {
  if constexpr (Computed<T>::narrow) return narrow<T>(sum);
  else return sum;
}

// Launches a product by the quickest way that is made for it.
template <class T> bool multiplied(Gemm g) {
  const bool wide = sizeof(T) == 4;
  g.type = !wide ? (std::is_same<T, __half>::value ? GemmType::float16 : GemmType::bfloat16)
                 : libraryOptions[CUDNN_TF32] ? GemmType::tf32 : GemmType::float32;
  return quickGemm(g);
}

// patches[s * sampleStep + d * depthStep + pos], of `count` samples of x.
template <class T> void gather(T* patches, const T* x, Patches p, Size count, Size sampleStep, Size depthStep) {
  const Window w = p.w;
  const unsigned positions = (unsigned)w.positions, depth = (unsigned)p.depth, taps = (unsigned)w.taps;
  forEach(0, count * p.depth * w.positions, [=] DEVICE(Size i) {
    const unsigned row = (unsigned)i / positions, pos = (unsigned)i - row * positions, s = row / depth, d = row - s * depth;
    const int place = w.place((int)pos, (int)(d % taps));
    patches[s * sampleStep + d * depthStep + pos] = place < 0 ? T(0.0f) : x[(s * p.channels + d / taps) * w.volume + place];
  });
}

// y = weight [outputs, depth] x patches; no bias. False, and nothing but working space written, when it is not made for it:
// that holds for all three.
template <class T> bool convByPatches(T* y, const T* x, const T* weight, Patches p) {
  const Size size = p.depth * p.w.positions, results = p.outputs * p.w.positions;
  const bool pointwise = p.pointwise();
  const Size samples = pointwise ? p.batch : p.samples(size, sizeof(T));
  T* patches = pointwise ? nullptr : (T*)patchSpace();
  if (samples == 0 || (!pointwise && !patches)) return false;
  for (Size b = 0; b < p.batch; b += samples) {
    const Size count = samples < p.batch - b ? samples : p.batch - b;
    const T* from = x + b * p.channels * p.w.volume;
    if (!pointwise) gather(patches, from, p, count, size, p.w.positions);
    if (!multiplied<T>({y + b * results, weight, pointwise ? from : patches, nullptr, count, p.outputs, p.w.positions, p.depth,
                        p.depth, 1, p.w.positions, 1, 0, size, 0, false, GemmType::float32})) {
      return false;
    }
  }
  return true;
}

// The gradients of patches = weight' x dy, and dx the sums of those that read each place. Narrow sums are not rounded between.
template <class T> bool convGradXByPatches(T* dx, const T* dy, const T* weight, Patches p) {
  const Size size = p.depth * p.w.positions, results = p.outputs * p.w.positions;
  const bool pointwise = p.pointwise();
  if (!pointwise && sizeof(T) == 2) return false;
  const Size samples = pointwise ? p.batch : p.samples(size, sizeof(T));
  T* patches = pointwise ? nullptr : (T*)patchSpace();
  if (samples == 0 || (!pointwise && !patches)) return false;
  for (Size b = 0; b < p.batch; b += samples) {
    const Size count = samples < p.batch - b ? samples : p.batch - b;
    T* to = dx + b * p.channels * p.w.volume;
    if (!multiplied<T>({pointwise ? to : patches, weight, dy + b * results, nullptr, count, p.depth, p.w.positions, p.outputs, 1,
                        p.depth, p.w.positions, 1, 0, results, 0, false, GemmType::float32})) {
      return false;
    }
    if (pointwise) continue;
    const Window w = p.w;
    forEach(0, count * p.channels * w.volume, [=] DEVICE(Size i) {
      const unsigned plane = (unsigned)i / (unsigned)w.volume, place = (unsigned)i - plane * (unsigned)w.volume;
      const T* from = patches + (Size)plane * w.taps * w.positions;
      ComputedOf<T> sum = 0;
      for (int tap = 0; tap < w.taps; tap++) {
        const int pos = w.position((int)place, tap);
        if (pos >= 0) sum += widen(from[(Size)tap * w.positions + pos]);
      }
      to[i] = stored<T>(sum);
    });
  }
  return true;
}

// dWeight = dy x patches', summed over samples: those of one product lie side by side, and products are added in order.
template <class T> bool convGradWeightByPatches(T* dw, const T* dy, const T* x, Patches p) {
  const Size positions = p.w.positions, samples = p.samples((p.depth + p.outputs) * positions, sizeof(T));
  if (samples == 0 || (samples < p.batch && sizeof(T) == 2)) return false;
  T* patches = (T*)patchSpace();
  if (!patches) return false;
  for (Size b = 0; b < p.batch; b += samples) {
    const Size count = samples < p.batch - b ? samples : p.batch - b, row = count * positions;
    T* gradients = patches + p.depth * row;
    gather(patches, x + b * p.channels * p.w.volume, p, count, positions, row);
    const T* from = dy + b * p.outputs * positions;
    const Size outputs = p.outputs;
    forEach(0, outputs * row, [=] DEVICE(Size i) {
      const unsigned plane = (unsigned)i / (unsigned)positions, s = plane / (unsigned)outputs, o = plane - s * (unsigned)outputs;
      gradients[o * row + s * positions + ((unsigned)i - plane * (unsigned)positions)] = from[i];
    });
    if (!multiplied<T>({dw, gradients, patches, b > 0 ? dw : nullptr, 1, outputs, p.depth, row, row, 1, 1, row, 0, 0, p.depth, false,
                        GemmType::float32})) {
      return false;
    }
  }
  return true;
}
