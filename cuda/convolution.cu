// Convolution over three axes; with fewer, the first ones have size 1. cuDNN does it where it is there and made for the
// problem; else large ones are products of matrices in memory (patches.cuh), and the others products of matrices whose elements
// are looked up where they lie.
//
//     y[b, o, pos]    = sum over c, kernel   of weight[o, c, kernel] x[b, c, pos stride - padding + kernel dilation]
//     dx[b, c, place] = sum over o, kernel   of weight[o, c, kernel] dy[b, o, pos] where the sum above reads that place
//     dWeight[o, c, kernel] = sum over b, pos of dy[b, o, pos] x[b, c, ...]
//
// x [batch, groups * channels, size], y [batch, groups * outputs, count], weight [groups * outputs, channels, kernel];
// `channels` and `outputs` are those of one group. Sums of narrow elements are float32. The last parameters cut the CPU's
// work; the whole is computed here.
#include <algorithm>
#include <type_traits>

#include "patches.cuh"
#include "product.cuh"
#include "window.cuh"

#define CONVOLUTION                                                                                                               \
  Size batch, Size groups, Size channels, Size outputs, Size size0, Size size1, Size size2, Size count0, Size count1, Size count2, \
      Size kernel0, Size kernel1, Size kernel2, Size stride0, Size stride1, Size stride2, Size padding0, Size padding1,           \
      Size padding2, Size dilation0, Size dilation1, Size dilation2
#define WINDOW                                                                                                                     \
  Window {                                                                                                                        \
    {(int)size0, (int)size1, (int)size2}, {(int)count0, (int)count1, (int)count2}, {(int)kernel0, (int)kernel1, (int)kernel2},    \
        {(int)stride0, (int)stride1, (int)stride2}, {(int)padding0, (int)padding1, (int)padding2},                                \
        {(int)dilation0, (int)dilation1, (int)dilation2}, (int)(size0 * size1 * size2), (int)(count0 * count1 * count2),          \
        (int)(kernel0 * kernel1 * kernel2)                                                                                        \
  }

#define SHAPE                                                                                                                     \
  Convolution {                                                                                                                   \
    batch, groups, channels, outputs, {(int)size0, (int)size1, (int)size2}, {(int)count0, (int)count1, (int)count2},              \
        {(int)kernel0, (int)kernel1, (int)kernel2}, {(int)stride0, (int)stride1, (int)stride2},                                   \
        {(int)padding0, (int)padding1, (int)padding2}, {(int)dilation0, (int)dilation1, (int)dilation2}                           \
  }

// Whether cuDNN did it.
template <class T> static bool byLibrary(Pass pass, const T* a, const T* b, T* result, const Convolution& shape) {
  if (std::is_same<T, float>::value) return libraryConvolution(pass, Element::float32, a, b, result, shape);
  if (std::is_same<T, double>::value) return libraryConvolution(pass, Element::float64, a, b, result, shape);
  if (std::is_same<T, __half>::value) return libraryConvolution(pass, Element::float16, a, b, result, shape);
  if (std::is_same<T, __nv_bfloat16>::value) return libraryConvolution(pass, Element::bfloat16, a, b, result, shape);
  return false;
}

// Whether the type has quick products of matrices.
template <class T> constexpr bool quick = std::is_same<T, float>::value || Computed<T>::narrow;

// y [batch, channels, positions] + bias [channels], which may be left out.
template <class T> static void addBias(T* y, const T* bias, Size batch, Size channels, Size positions) {
  if (!bias) return;
  forEach(0, batch * channels * positions, [=] DEVICE(Size i) {
    y[i] = stored<T>(widen(y[i]) + widen(bias[i / positions % channels]));
  });
}

template <class T> static void conv(T* y, const T* x, const T* weight, const T* bias, Scratch, CONVOLUTION, Size, Size, Size, Size) {
  const Window w = WINDOW;
  if (byLibrary(Pass::forward, x, weight, y, SHAPE)) return addBias(y, bias, batch, groups * outputs, w.positions);
  const Size depth = channels * w.taps;
  if constexpr (std::is_same<T, float>::value) {
    if (tiledConvolution(y, x, weight, bias, w, false, batch, groups, outputs, channels, depth, w.taps)) return;
  }
  if constexpr (quick<T>) {
    const Patches patches = {batch, channels, outputs, depth, w};
    if (patches.worth(groups) && convByPatches(y, x, weight, patches)) return addBias(y, bias, batch, outputs, w.positions);
  }
  product<ComputedOf<T>>(
      batch * groups, outputs, w.positions, depth,
      [=] DEVICE(Size t, Size o, Size d) { return widen(weight[(t % groups * outputs + o) * depth + d]); },
      [=] DEVICE(Size t, Size d, Size pos) {
        const int c = (int)d / w.taps, place = w.place((int)pos, (int)d % w.taps);
        return place < 0 ? ComputedOf<T>(0) : widen(x[(t * channels + c) * w.volume + place]);
      },
      [=] DEVICE(Size t, Size o, Size pos, ComputedOf<T> sum) {
        y[(t * outputs + o) * w.positions + pos] = stored<T>(bias ? sum + widen(bias[t % groups * outputs + o]) : sum);
      });
}

template <class T>
static void conv_grad_x(T* dx, const T* dy, const T* weight, const T* bias, Scratch, CONVOLUTION, Size, Size, Size, Size, Size) {
  const Window w = WINDOW;
  if (byLibrary(Pass::data, weight, dy, dx, SHAPE)) return addBias(dx, bias, batch, groups * channels, w.volume);
  if constexpr (std::is_same<T, float>::value) {
    if (tiledConvolution(dx, dy, weight, bias, w, true, batch, groups, channels, outputs, w.taps, channels * w.taps)) return;
  }
  if constexpr (quick<T>) {
    const Patches patches = {batch, channels, outputs, channels * w.taps, w};
    if (patches.worth(groups) && convGradXByPatches(dx, dy, weight, patches)) return addBias(dx, bias, batch, channels, w.volume);
  }
  product<ComputedOf<T>>(
      batch * groups, channels, w.volume, outputs * w.taps,
      [=] DEVICE(Size t, Size c, Size d) {
        const Size o = d / w.taps;
        return widen(weight[((t % groups * outputs + o) * channels + c) * w.taps + d % w.taps]);
      },
      [=] DEVICE(Size t, Size d, Size place) {
        const int o = (int)d / w.taps, pos = w.position((int)place, (int)d % w.taps);
        return pos < 0 ? ComputedOf<T>(0) : widen(dy[(t * outputs + o) * w.positions + pos]);
      },
      [=] DEVICE(Size t, Size c, Size place, ComputedOf<T> sum) {
        dx[(t * channels + c) * w.volume + place] = stored<T>(bias ? sum + widen(bias[t % groups * channels + c]) : sum);
      });
}

template <class T> static void conv_grad_weight(T* dw, const T* dy, const T* x, Scratch, CONVOLUTION, Size, Size, Size, Size, Size) {
  const Window w = WINDOW;
  if (byLibrary(Pass::weight, x, dy, dw, SHAPE)) return;
  const Size depth = channels * w.taps;
  if constexpr (std::is_same<T, float>::value) {
    if (tiledWeightGradient(dw, dy, x, w, batch, groups, outputs, channels)) return;
  }
  if constexpr (quick<T>) {
    const Patches patches = {batch, channels, outputs, depth, w};
    if (patches.worth(groups) && convGradWeightByPatches(dw, dy, x, patches)) return;
  }
  // Few results are sums of many terms each: those are cut into ranges, whose sums are added in order.
  using C = ComputedOf<T>;
  constexpr Size LEAST = 512;
  const Size terms = batch * w.positions, results = groups * outputs * depth;
  const Size tiles = groups * ((outputs + 15) / 16) * ((depth + 15) / 16);
  if (tiles == 0) return;
  const Size ranges = std::max<Size>(1, std::min({4 * processors() / tiles, terms / LEAST, WORKSPACE / (Size)sizeof(C) / results}));
  const Size range = (terms + ranges - 1) / ranges;
  C* const sums = (C*)current.workspace;
  product<C>(
      ranges * groups, outputs, depth, range,
      [=] DEVICE(Size t, Size o, Size p) {
        const Size g = t % groups, at = t / groups * range + p, b = at / w.positions;
        return at < terms ? widen(dy[((b * groups + g) * outputs + o) * w.positions + at - b * w.positions]) : C(0);
      },
      [=] DEVICE(Size t, Size p, Size d) {
        const Size g = t % groups, at = t / groups * range + p, b = at / w.positions;
        const int c = (int)d / w.taps, place = at < terms ? w.place((int)(at - b * w.positions), (int)d % w.taps) : -1;
        return place < 0 ? C(0) : widen(x[((b * groups + g) * channels + c) * w.volume + place]);
      },
      [=] DEVICE(Size t, Size o, Size d, C sum) {
        const Size i = (t * outputs + o) * depth + d;
        if (ranges == 1) dw[i] = stored<T>(sum);
        else sums[i] = sum;
      });
  if (ranges == 1) return;
  forEach(0, results, [=] DEVICE(Size i) {
    SumOf<C> sum = 0;
    for (Size r = 0; r < ranges; r++) sum += sums[r * results + i];
    dw[i] = stored<T>((C)sum);
  });
}

FAMILY(convolution, KERNEL_NUMBERS(conv, conv), KERNEL_NUMBERS(conv_grad_x, conv_grad_x),
       KERNEL_FLOATS(conv_grad_weight, conv_grad_weight), KERNEL_NARROW(conv, conv), KERNEL_NARROW(conv_grad_x, conv_grad_x),
       KERNEL_NARROW(conv_grad_weight, conv_grad_weight))
