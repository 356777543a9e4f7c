// Pooling over three axes of planes [size0, size1, size2] -> [count0, count1, count2]; with fewer axes, the first ones have
// size 1. Planes [begin, end); a thread does a window, or for the gradient a place.
//
// A stride of 0 stands for adaptive windows: window i of n elements in m windows is [floor(i n / m), ceil((i + 1) n / m)).
#include "common.cuh"

struct Axis {
  Size size, count, kernel, stride, padding;
  // Where window i begins and ends; either may be outside of the plane.
  DEVICE Size start(Size i) const { return stride > 0 ? i * stride - padding : i * size / count; }
  DEVICE Size stop(Size i, Size reach) const { return stride > 0 ? start(i) + reach : ((i + 1) * size + count - 1) / count; }
  // The first window that may reach the place p, and the last.
  DEVICE Size first(Size p) const {
    if (stride == 0) return p * count / size;
    const Size past = p + padding - kernel;
    return past < 0 ? 0 : past / stride + 1;
  }
  DEVICE Size last(Size p) const {
    const Size i = stride == 0 ? ((p + 1) * count + size - 1) / size - 1 : (p + padding) / stride;
    return i < count ? i : count - 1;
  }
};

#define WINDOWS                                                                                                                    \
  Size size0, Size size1, Size size2, Size count0, Size count1, Size count2, Size kernel0, Size kernel1, Size kernel2, Size stride0, \
      Size stride1, Size stride2, Size padding0, Size padding1, Size padding2
#define AXES                                                                                                \
  const Axis a0{size0, count0, kernel0, stride0, padding0}, a1{size1, count1, kernel1, stride1, padding1},  \
      a2{size2, count2, kernel2, stride2, padding2};                                                        \
  const Size volume = size0 * size1 * size2, positions = count0 * count1 * count2;

static DEVICE Size lesser(Size a, Size b) { return a < b ? a : b; }
static DEVICE Size within(Size start, Size step) { return start < 0 ? start + (step - 1 - start) / step * step : start; }

// The greatest element of each window, and its place in the plane: of equal ones the first, and of those that are not
// numbers the last.
template <class T>
static void max_pool(T* y, int64_t* index, const T* x, WINDOWS, Size dilation0, Size dilation1, Size dilation2, Size begin, Size end) {
  AXES
  const Size reach0 = (kernel0 - 1) * dilation0 + 1, reach1 = (kernel1 - 1) * dilation1 + 1, reach2 = (kernel2 - 1) * dilation2 + 1;
  forEach(begin * positions, end * positions, [=] DEVICE(Size at) {
    const Size p = at / positions, i = at - p * positions, i2 = i % count2, i01 = i / count2, i1 = i01 % count1, i0 = i01 / count1;
    const T* plane = x + p * volume;
    const Size f0 = within(a0.start(i0), dilation0), f1 = within(a1.start(i1), dilation1), f2 = within(a2.start(i2), dilation2);
    const Size e0 = lesser(a0.stop(i0, reach0), size0), e1 = lesser(a1.stop(i1, reach1), size1), e2 = lesser(a2.stop(i2, reach2), size2);
    T greatest = -INFINITY;
    Size place = (f0 * size1 + f1) * size2 + f2;
    for (Size d = f0; d < e0; d += dilation0) {
      for (Size h = f1; h < e1; h += dilation1) {
        for (Size w = f2; w < e2; w += dilation2) {
          const Size k = (d * size1 + h) * size2 + w;
          const T value = plane[k];
          if (value > greatest || value != value) greatest = value, place = k;
        }
      }
    }
    y[at] = greatest;
    index[at] = place;
  });
}

// The gradient of max_pool's x: a place looks at the windows that may reach it, in order.
template <class T>
static void max_pool_grad(T* dx, const T* dy, const int64_t* index, WINDOWS, Size dilation0, Size dilation1, Size dilation2, Size begin,
                          Size end) {
  kernel0 = (kernel0 - 1) * dilation0 + 1, kernel1 = (kernel1 - 1) * dilation1 + 1, kernel2 = (kernel2 - 1) * dilation2 + 1;
  AXES
  forEach(begin * volume, end * volume, [=] DEVICE(Size at) {
    const Size p = at / volume, k = at - p * volume, w = k % size2, dh = k / size2, h = dh % size1, d = dh / size1;
    const Size first2 = a2.first(w), last2 = a2.last(w);
    T sum = 0;
    for (Size i0 = a0.first(d); i0 <= a0.last(d); i0++) {
      for (Size i1 = a1.first(h); i1 <= a1.last(h); i1++) {
        const Size row = p * positions + (i0 * count1 + i1) * count2;
        for (Size i2 = first2; i2 <= last2; i2++) {
          if (index[row + i2] == k) sum += dy[row + i2];
        }
      }
    }
    dx[at] = sum;
  });
}

// What a window along one axis covers of the plane, and of the padded plane.
struct Cover {
  Size first, end, padded;
  DEVICE Cover(const Axis& a, Size i) {
    first = a.start(i);
    end = a.stop(i, a.kernel);
    padded = lesser(end, a.size + a.padding) - first;
    first = first < 0 ? 0 : first;
    end = lesser(end, a.size);
  }
};

static DEVICE Size divisorOf(const Cover& c0, const Cover& c1, const Cover& c2, Size includePadding, Size divisor) {
  if (divisor != 0) return divisor;
  if (includePadding) return c0.padded * c1.padded * c2.padded;
  return (c0.end - c0.first) * (c1.end - c1.first) * (c2.end - c2.first);
}

template <class T> static void avg_pool(T* y, const T* x, WINDOWS, Size includePadding, Size divisor, Size begin, Size end) {
  AXES
  forEach(begin * positions, end * positions, [=] DEVICE(Size at) {
    const Size p = at / positions, i = at - p * positions, i2 = i % count2, i01 = i / count2;
    const Cover c0(a0, i01 / count1), c1(a1, i01 % count1), c2(a2, i2);
    const T* plane = x + p * volume;
    SumOf<T> sum = 0;
    for (Size d = c0.first; d < c0.end; d++) {
      for (Size h = c1.first; h < c1.end; h++) {
        for (Size w = c2.first; w < c2.end; w++) sum += (SumOf<T>)plane[(d * size1 + h) * size2 + w];
      }
    }
    const bool met = c0.first < c0.end && c1.first < c1.end && c2.first < c2.end;
    y[at] = met ? (T)(sum / (SumOf<T>)divisorOf(c0, c1, c2, includePadding, divisor)) : T(0);
  });
}

template <class T> static void avg_pool_grad(T* dx, const T* dy, WINDOWS, Size includePadding, Size divisor, Size begin, Size end) {
  AXES
  forEach(begin * volume, end * volume, [=] DEVICE(Size at) {
    const Size p = at / volume, k = at - p * volume, w = k % size2, dh = k / size2, h = dh % size1, d = dh / size1;
    const T* shares = dy + p * positions;
    T sum = 0;
    for (Size i0 = a0.first(d); i0 <= a0.last(d); i0++) {
      const Cover c0(a0, i0);
      if (d < c0.first || d >= c0.end) continue;
      for (Size i1 = a1.first(h); i1 <= a1.last(h); i1++) {
        const Cover c1(a1, i1);
        if (h < c1.first || h >= c1.end) continue;
        for (Size i2 = a2.first(w); i2 <= a2.last(w); i2++) {
          const Cover c2(a2, i2);
          if (w < c2.first || w >= c2.end) continue;
          sum += shares[(i0 * count1 + i1) * count2 + i2] / (T)divisorOf(c0, c1, c2, includePadding, divisor);
        }
      }
    }
    dx[at] = sum;
  });
}

FAMILY(pooling, KERNEL_FLOATS(max_pool, max_pool), KERNEL_FLOATS(max_pool_grad, max_pool_grad), KERNEL_NUMBERS(avg_pool, avg_pool),
       KERNEL_FLOATS(avg_pool_grad, avg_pool_grad))
