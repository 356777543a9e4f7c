// Sampling at the points of a grid: x [samples, channels, size0, size1, size2], grid [samples, points, axes] of numbers in
// -1 .. 1, the last axis of x first -> y [samples, channels, points]. With two axes, size0 is 1. `mode`: 0 linear, 1
// nearest, 2 cubic (over two axes); `padding`: 0 zeros, 1 border, 2 reflection; `corners`: whether -1 and 1 are the centres
// of the first and the last element rather than their outer edges.
#include "prefix.cuh"

enum { LINEAR, NEAREST, CUBIC };

// How the points lie.
struct Grid {
  Size channels, size0, size1, size2, points;
  int padding, corners;
  DEVICE Size plane() const { return size0 * size1 * size2; }
};

// Up to four places along an axis, -1 where there is nothing to read; their weights, and the derivatives of these.
template <class T, int N> struct Taps {
  int place[N];
  T weight[N], slope[N];
};

// `position` mirrored at `low` and `low + span` until it lies between them; `slope` is turned with it.
template <class T> static DEVICE T reflected(T position, T low, T span, T& slope) {
  if (span <= 0) {
    slope = 0;
    return 0;
  }
  T away = position - low;
  if (away < 0) away = -away, slope = -slope;
  const T turns = std::floor(away / span), rest = away - turns * span;
  // An even number of turns leaves the direction as it was.
  if (turns * T(0.5) == std::floor(turns * T(0.5))) return rest + low;
  slope = -slope;
  return span - rest + low;
}

// A position outside of the axis moved into it as the padding says.
template <class T> static DEVICE T inside(const Grid& g, T position, Size size, T& slope) {
  if (g.padding == 0) return position;
  if (g.padding == 2) position = g.corners ? reflected<T>(position, 0, T(size - 1), slope) : reflected<T>(position, T(-0.5), T(size), slope);
  if (position <= 0) {
    slope = 0;
    return 0;
  }
  if (position >= T(size - 1)) {
    slope = 0;
    return T(size - 1);
  }
  return position;
}

template <class T> static DEVICE int placeOf(T position, Size size) { return position >= 0 && position < T(size) ? (int)position : -1; }

// The nearest whole number: halves go to the even one over two axes, away from 0 over three, as in PyTorch.
template <int AXES, class T> static DEVICE T rounded(T position) {
  return AXES == 2 ? std::nearbyint(position) : std::round(position);
}

// Cubic convolution's weight of an element at distance 0 <= d <= 1, and at 1 <= d <= 2; derivatives by d.
template <class T> static DEVICE T near(T d) { return (T(1.25) * d - T(2.25)) * d * d + 1; }
template <class T> static DEVICE T nearSlope(T d) { return (T(3.75) * d - T(4.5)) * d; }
template <class T> static DEVICE T far(T d) { return ((T(-0.75) * d + T(3.75)) * d - 6) * d + 3; }
template <class T> static DEVICE T farSlope(T d) { return (T(-2.25) * d + T(7.5)) * d - 6; }

// How many places an axis has.
template <int MODE> constexpr int TAPS = MODE == CUBIC ? 4 : MODE == NEAREST ? 1 : 2;

template <int MODE, int AXES, class T> static DEVICE Taps<T, TAPS<MODE>> tapsOf(const Grid& g, T coordinate, Size size) {
  // Positions beyond this are taken as this: a whole number that float32 holds.
  constexpr T FAR = T(1 << 30);
  Taps<T, TAPS<MODE>> taps;
  // As PyTorch's documentation has it.
  if (coordinate != coordinate) coordinate = -1;
  const T scale = T(g.corners ? size - 1 : size) * T(0.5);
  T position = (coordinate + 1) * scale;
  if (!g.corners) position -= T(0.5);
  position = position < -FAR ? -FAR : position > FAR ? FAR : position;
  T slope = 1;
  if constexpr (MODE == CUBIC) {
    const T first = std::floor(position), t = position - first;
    const T weights[4] = {far(t + 1), near(t), near(1 - t), far(2 - t)};
    const T slopes[4] = {farSlope(t + 1), nearSlope(t), -nearSlope(1 - t), -farSlope(2 - t)};
    for (int i = 0; i < 4; i++) {
      taps.place[i] = placeOf(inside(g, first + T(i - 1), size, slope), size);
      taps.weight[i] = weights[i];
      taps.slope[i] = scale * slopes[i];
    }
  } else if constexpr (MODE == NEAREST) {
    taps.place[0] = placeOf(rounded<AXES>(inside(g, position, size, slope)), size);
    taps.weight[0] = 1;
    taps.slope[0] = 0;
  } else {
    position = inside(g, position, size, slope);
    const T first = std::floor(position), t = position - first, derivative = scale * slope;
    taps.place[0] = placeOf(first, size), taps.place[1] = placeOf(first + 1, size);
    taps.weight[0] = 1 - t, taps.weight[1] = t;
    taps.slope[0] = -derivative, taps.slope[1] = derivative;
  }
  return taps;
}

// f(offset in a plane, weight, derivatives of the weight by the axes 0, 1, 2) for each element that a point reads.
template <int MODE, int AXES, class T, class F> static DEVICE void eachElement(const Grid& g, const T* point, F f) {
  constexpr int N = TAPS<MODE>;
  const Taps<T, N> a2 = tapsOf<MODE, AXES>(g, point[0], g.size2), a1 = tapsOf<MODE, AXES>(g, point[1], g.size1);
  Taps<T, N> a0;
  if constexpr (AXES == 3) a0 = tapsOf<MODE, AXES>(g, point[2], g.size0);
  else a0.place[0] = 0, a0.weight[0] = 1, a0.slope[0] = 0;
  for (int i0 = 0; i0 < (AXES == 3 ? N : 1); i0++) {
    for (int i1 = 0; i1 < N; i1++) {
      for (int i2 = 0; i2 < N; i2++) {
        if ((a0.place[i0] | a1.place[i1] | a2.place[i2]) < 0) continue;
        const T w0 = a0.weight[i0], w1 = a1.weight[i1], w2 = a2.weight[i2];
        f((int)((a0.place[i0] * g.size1 + a1.place[i1]) * g.size2) + a2.place[i2], w0 * w1 * w2, a0.slope[i0] * w1 * w2,
          w0 * a1.slope[i1] * w2, w0 * w1 * a2.slope[i2]);
      }
    }
  }
}

// How many elements a point may read.
template <int MODE, int AXES> constexpr int ELEMENTS = TAPS<MODE> * TAPS<MODE> * (AXES == 3 ? TAPS<MODE> : 1);

// y at the points [begin, end) of all samples. A thread does a point for `each` channels: all, unless points are few.
template <int MODE, int AXES> struct Sample {
  template <class T> static void run(T* y, const T* x, const T* grid, Grid g, Size begin, Size end) {
    const Size n = end - begin;
    if (n <= 0) return;
    const Size wanted = ((1 << 17) + n - 1) / n, parts = wanted < g.channels ? wanted : g.channels;
    const Size each = parts > 0 ? (g.channels + parts - 1) / parts : 0;
    forEach(0, parts * n, [=] DEVICE(Size i) {
      const Size part = i / n, q = begin + (i - part * n), s = q / g.points, p = q - s * g.points, plane = g.plane();
      const Size first = part * each, last = first + each < g.channels ? first + each : g.channels;
      int offsets[ELEMENTS<MODE, AXES>] = {}, count = 0;
      T weights[ELEMENTS<MODE, AXES>] = {};
      eachElement<MODE, AXES>(g, grid + q * AXES, [&](int offset, T weight, T, T, T) {
        offsets[count] = offset;
        weights[count++] = weight;
      });
      for (Size c = first; c < last; c++) {
        const T* from = x + (s * g.channels + c) * plane;
        T sum = 0;
        for (int k = 0; k < count; k++) sum += weights[k] * from[offsets[k]];
        y[(s * g.channels + c) * g.points + p] = sum;
      }
    });
  }
};

constexpr int LANES = 32, SLICES = 8;

// The gradient of the grid, for the points [begin, end) of all samples. A block does 32 points; eight threads share the
// channels of each.
template <int MODE, int AXES> struct GradGrid {
  template <class T> static void run(T* dGrid, const T* dy, const T* x, const T* grid, Grid g, Size begin, Size end) {
    forBlocks(0, (end - begin + LANES - 1) / LANES, LANES * SLICES, [=] DEVICE(Size block) {
      SHARED(T, part, [3][SLICES][LANES]);
      const int lane = threadIdx.x % LANES, slice = threadIdx.x / LANES;
      const Size q = begin + block * LANES + lane;
      T g0 = 0, g1 = 0, g2 = 0;
      if (q < end) {
        const Size s = q / g.points, p = q - s * g.points, plane = g.plane();
        eachElement<MODE, AXES>(g, grid + q * AXES, [&](int offset, T, T d0, T d1, T d2) {
          T sum = 0;
          for (Size c = s * g.channels + slice, last = (s + 1) * g.channels; c < last; c += SLICES) {
            sum += x[c * plane + offset] * dy[c * g.points + p];
          }
          g0 += sum * d0, g1 += sum * d1, g2 += sum * d2;
        });
      }
      __syncthreads();  // the last block's parts may still be read
      part[0][slice][lane] = g2, part[1][slice][lane] = g1, part[2][slice][lane] = g0;
      __syncthreads();
      if (slice < AXES && q < end) {
        T sum = 0;
        for (int k = 0; k < SLICES; k++) sum += part[slice][k][lane];
        dGrid[q * AXES + slice] = sum;
      }
    });
  }
};

// The gradient of x, for the samples [begin, end). A block has a run of a plane's elements for some channels in shared
// memory. It goes through the points in order, and lists what falls on its elements; each of these belongs to a thread.
template <int MODE, int AXES> struct GradX {
  template <class T> static void run(T* dx, const T* dy, const T* grid, Grid g, Size begin, Size end) {
    constexpr int K = ELEMENTS<MODE, AXES>, LISTED = SUMMERS * 4, BATCH = K <= 4 ? SUMMERS : LISTED / K;
    constexpr int CELLS = 24576 / sizeof(T);
    int lanes = 1;
    while (lanes < 32 && lanes < g.channels) lanes *= 2;
    const Size plane = g.size0 * g.size1 * g.size2, width = CELLS / lanes;
    const Size runs = (plane + width - 1) / width, parts = (g.channels + lanes - 1) / lanes;
    forBlocks(begin * runs * parts, end * runs * parts, SUMMERS, [=] DEVICE(Size block) {
      SHARED(T, cells, [CELLS]);
      SHARED(int, place, [LISTED]);
      SHARED(int, from, [LISTED]);
      SHARED(T, weight, [LISTED]);
      const Size s = block / (runs * parts), part = block / runs % parts, start = block % runs * width;
      const int size = (int)(plane - start < width ? plane - start : width);
      const int lane = threadIdx.x % lanes, owner = threadIdx.x / lanes, owners = SUMMERS / lanes;
      const Size c = part * lanes + lane;
      const T* source = dy + (s * g.channels + c) * g.points;
      for (int i = threadIdx.x; i < size * lanes; i += SUMMERS) cells[i] = 0;
      for (Size p0 = 0; p0 < g.points; p0 += BATCH) {
        const Size p = p0 + threadIdx.x;
        const bool mine = threadIdx.x < BATCH && p < g.points;
        int offsets[K] = {}, count = 0, total;
        T weights[K] = {};
        if (mine) {
          eachElement<MODE, AXES>(g, grid + (s * g.points + p) * AXES, [&](int offset, T value, T, T, T) {
            if (offset < start || offset >= start + size) return;
            offsets[count] = (int)(offset - start);
            weights[count++] = value;
          });
        }
        const int at = sumBefore(count, total);
        for (int k = 0; k < count; k++) place[at + k] = offsets[k], weight[at + k] = weights[k], from[at + k] = (int)p;
        __syncthreads();
        if (c < g.channels) {
          for (int k = 0; k < total; k++) {
            if (place[k] % owners == owner) cells[place[k] * lanes + lane] += weight[k] * source[from[k]];
          }
        }
        __syncthreads();
      }
      // Written by other threads than those that added up, so that neighbours are written together.
      for (int i = threadIdx.x; i < size * lanes; i += SUMMERS) {
        const Size channel = part * lanes + i / size;
        if (channel < g.channels) dx[(s * g.channels + channel) * plane + start + i % size] = cells[i % size * lanes + i / size];
      }
      __syncthreads();
    });
  }
};

template <template <int, int> class K, class... P> static void byMode(Size mode, Size axes, P... p) {
  if (axes == 3) return mode == NEAREST ? K<NEAREST, 3>::run(p...) : K<LINEAR, 3>::run(p...);
  if (mode == CUBIC) return K<CUBIC, 2>::run(p...);
  return mode == NEAREST ? K<NEAREST, 2>::run(p...) : K<LINEAR, 2>::run(p...);
}

#define SAMPLING                                                                                                      \
  Size channels, Size size0, Size size1, Size size2, Size points, Size axes, Size mode, Size padding, Size corners, Scratch, \
      Size begin, Size end
#define GRID (Grid{channels, size0, size1, size2, points, (int)padding, (int)corners})

template <class T> static void grid_sample(T* y, const T* x, const T* grid, SAMPLING) {
  byMode<Sample>(mode, axes, y, x, grid, GRID, begin, end);
}
template <class T> static void grid_sample_grad_x(T* dx, const T* dy, const T* grid, SAMPLING) {
  byMode<GradX>(mode, axes, dx, dy, grid, GRID, begin, end);
}
template <class T> static void grid_sample_grad_grid(T* dGrid, const T* dy, const T* x, const T* grid, SAMPLING) {
  byMode<GradGrid>(mode, axes, dGrid, dy, x, grid, GRID, begin, end);
}

FAMILY(grid_sample, KERNEL_FLOATS(grid_sample, grid_sample), KERNEL_FLOATS(grid_sample_grad_x, grid_sample_grad_x),
       KERNEL_FLOATS(grid_sample_grad_grid, grid_sample_grad_grid))
