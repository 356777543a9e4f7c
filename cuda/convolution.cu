// Convolution over three axes; with fewer, the first ones have size 1: products of matrices whose elements are looked up
// where they lie, so no patches are gathered in memory.
//
//     y[b, o, pos]    = sum over c, kernel   of weight[o, c, kernel] x[b, c, pos stride - padding + kernel dilation]
//     dx[b, c, place] = sum over o, kernel   of weight[o, c, kernel] dy[b, o, pos] where the sum above reads that place
//     dWeight[o, c, kernel] = sum over b, pos of dy[b, o, pos] x[b, c, ...]
//
// x [batch, groups * channels, size], y [batch, groups * outputs, count], weight [groups * outputs, channels, kernel];
// `channels` and `outputs` are those of one group. The last parameters cut the CPU's work; the whole is computed here.
// cuDNN does it where it is there and made for the problem.
#include <type_traits>

#include "library.cuh"
#include "product.cuh"

// Sizes fit in 32 bits, whose divisions are quick.
struct Window {
  int size[3], count[3], kernel[3], stride[3], padding[3], dilation[3];
  int volume, positions, taps;
  // The place in x that position `pos` reads through `tap`, or -1 where that is padding.
  DEVICE int place(int pos, int tap) const {
    const int k2 = tap % kernel[2], k01 = tap / kernel[2], k1 = k01 % kernel[1], k0 = k01 / kernel[1];
    const int p2 = pos % count[2], p01 = pos / count[2], p1 = p01 % count[1], p0 = p01 / count[1];
    const int z = p0 * stride[0] - padding[0] + k0 * dilation[0], h = p1 * stride[1] - padding[1] + k1 * dilation[1];
    const int w = p2 * stride[2] - padding[2] + k2 * dilation[2];
    if (z < 0 || z >= size[0] || h < 0 || h >= size[1] || w < 0 || w >= size[2]) return -1;
    return (z * size[1] + h) * size[2] + w;
  }
  // The position that reads `place` through `tap`, or -1 where none does.
  DEVICE int position(int place, int tap) const {
    const int k2 = tap % kernel[2], k01 = tap / kernel[2], k1 = k01 % kernel[1], k0 = k01 / kernel[1];
    const int w = place % size[2] + padding[2] - k2 * dilation[2], zh = place / size[2];
    const int h = zh % size[1] + padding[1] - k1 * dilation[1], z = zh / size[1] + padding[0] - k0 * dilation[0];
    if (z < 0 || h < 0 || w < 0 || z % stride[0] || h % stride[1] || w % stride[2]) return -1;
    const int p0 = z / stride[0], p1 = h / stride[1], p2 = w / stride[2];
    if (p0 >= count[0] || p1 >= count[1] || p2 >= count[2]) return -1;
    return (p0 * count[1] + p1) * count[2] + p2;
  }
};

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
  return false;
}

// y [batch, channels, positions] + bias [channels], which may be left out.
template <class T> static void addBias(T* y, const T* bias, Size batch, Size channels, Size positions) {
  if (!bias) return;
  forEach(0, batch * channels * positions, [=] DEVICE(Size i) { y[i] += bias[i / positions % channels]; });
}

template <class T> static void conv(T* y, const T* x, const T* weight, const T* bias, Scratch, CONVOLUTION, Size, Size, Size, Size) {
  const Window w = WINDOW;
  if (byLibrary(Pass::forward, x, weight, y, SHAPE)) return addBias(y, bias, batch, groups * outputs, w.positions);
  const Size depth = channels * w.taps;
  product<T>(
      batch * groups, outputs, w.positions, depth,
      [=] DEVICE(Size t, Size o, Size d) { return weight[(t % groups * outputs + o) * depth + d]; },
      [=] DEVICE(Size t, Size d, Size pos) {
        const int c = (int)d / w.taps, place = w.place((int)pos, (int)d % w.taps);
        return place < 0 ? T(0) : x[(t * channels + c) * w.volume + place];
      },
      [=] DEVICE(Size t, Size o, Size pos, T sum) {
        y[(t * outputs + o) * w.positions + pos] = bias ? sum + bias[t % groups * outputs + o] : sum;
      });
}

template <class T> static void conv_grad_x(T* dx, const T* dy, const T* weight, const T* bias, Scratch, CONVOLUTION, Size, Size, Size, Size, Size) {
  const Window w = WINDOW;
  if (byLibrary(Pass::data, weight, dy, dx, SHAPE)) return addBias(dx, bias, batch, groups * channels, w.volume);
  product<T>(
      batch * groups, channels, w.volume, outputs * w.taps,
      [=] DEVICE(Size t, Size c, Size d) {
        const Size o = d / w.taps;
        return weight[((t % groups * outputs + o) * channels + c) * w.taps + d % w.taps];
      },
      [=] DEVICE(Size t, Size d, Size place) {
        const int o = (int)d / w.taps, pos = w.position((int)place, (int)d % w.taps);
        return pos < 0 ? T(0) : dy[(t * outputs + o) * w.positions + pos];
      },
      [=] DEVICE(Size t, Size c, Size place, T sum) {
        dx[(t * channels + c) * w.volume + place] = bias ? sum + bias[t % groups * channels + c] : sum;
      });
}

template <class T> static void conv_grad_weight(T* dw, const T* dy, const T* x, Scratch, CONVOLUTION, Size, Size, Size, Size, Size) {
  const Window w = WINDOW;
  if (byLibrary(Pass::weight, x, dy, dw, SHAPE)) return;
  const Size depth = channels * w.taps;
  product<T>(
      groups, outputs, depth, batch * w.positions,
      [=] DEVICE(Size g, Size o, Size p) {
        const Size b = p / w.positions;
        return dy[((b * groups + g) * outputs + o) * w.positions + p - b * w.positions];
      },
      [=] DEVICE(Size g, Size p, Size d) {
        const Size b = p / w.positions;
        const int c = (int)d / w.taps, place = w.place((int)(p - b * w.positions), (int)d % w.taps);
        return place < 0 ? T(0) : x[((b * groups + g) * channels + c) * w.volume + place];
      },
      [=] DEVICE(Size g, Size o, Size d, T sum) { dw[(g * outputs + o) * depth + d] = sum; });
}

FAMILY(convolution, KERNEL_NUMBERS(conv, conv), KERNEL_NUMBERS(conv_grad_x, conv_grad_x),
       KERNEL_FLOATS(conv_grad_weight, conv_grad_weight))
