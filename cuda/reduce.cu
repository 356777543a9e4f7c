// Reductions over the middle axis of x: [outer, n, inner] -> y: [outer, inner]; kernels do the results [begin, end).
//
// Sums of float32 are kept in float64. Few long slices are cut into parts that blocks sum side by side; the order of
// additions follows from the sizes alone, so equal calls give equal bits.
#include "sums.cuh"

// What is summed of an element x, and what becomes of the sum. WIDE: a term may be too large for the elements' type.
struct Values {
  static constexpr bool WIDE = false;
  template <class A> static DEVICE A term(A x, A) { return x; }
  template <class A> static DEVICE A finish(A sum) { return sum; }
};
struct Numbers : Values {
  template <class A> static DEVICE A term(A x, A) { return x == x ? x : A(0); }
};
struct Absolutes : Values {
  template <class A> static DEVICE A term(A x, A) { return std::fabs(x); }
};
struct Norm {
  static constexpr bool WIDE = true;
  template <class A> static DEVICE A term(A x, A) { return x * x; }
  template <class A> static DEVICE A finish(A sum) { return std::sqrt(sum); }
};
struct Deviations : Values {
  static constexpr bool WIDE = true;
  template <class A> static DEVICE A term(A x, A mean) { return (x - mean) * (x - mean); }
};

// Elements of type T, terms of type A, sums of type S, results of type R.
template <class K, class T, class A, class S, class R> struct SumSlice {
  R* y;
  const T* x;
  const T* mean;
  Size n, inner;
  template <class G> DEVICE void operator()(G g, Size i) const {
    const T* from = x + (inner == 1 ? i * n : sliceStart(i, n, inner));
    const A m = mean ? (A)mean[i] : A(0);
    S sum = 0;
    if (inner == 1) {
      sum = sumOf<A, S>(g, from, n, [=](A value) { return K::term(value, m); });
    } else {
      for (Size k = g.first(); k < n; k += g.step()) sum += (S)K::term((A)from[k * inner], m);
      sum = g.reduce(sum, S(0), Plus());
    }
    if (g.first() == 0) y[i] = (R)K::finish(sum);
  }
};

template <class K, int N, class T, class A, class S, class R>
static void sumColumns(R* y, const T* x, const T* mean, Size n, Size inner, Size outer) {
  columnSums<A, N, 1>(
      outer, n, inner,
      [=] DEVICE(Size o, Size k, Size c, A(&t)[1][N]) {
        const Pack<T, N> values = loadPack<N>(x + (o * n + k) * inner + c);
#pragma unroll
        for (int i = 0; i < N; i++) t[0][i] += K::term((A)values.at[i], mean ? (A)mean[o * inner + c + i] : A(0));
      },
      [=] DEVICE(Size o, Size c, const SumOf<A>* s) { y[o * inner + c] = (R)K::finish(*s); });
}

template <class K, class T, class S, class R>
static void sums(R* y, const T* x, const T* mean, Size n, Size inner, Size begin, Size end) {
  using A = std::conditional_t<K::WIDE || !std::is_same<T, R>::value, S, ComputedOf<T>>;
  constexpr int N = PACK<T>;
  const Size slices = end - begin;
  if (slices <= 0) return;
  if (inner >= 16 && begin % inner == 0 && end % inner == 0 && n > 8) {
    const Size outer = slices / inner;
    y += begin, x += begin * n, mean = mean ? mean + begin : mean;
    constexpr int C = N <= 4 ? N : 4;
    if (inner % C == 0 && packed<C>(x)) return sumColumns<K, C, T, A, S, R>(y, x, mean, n, inner, outer);
    return sumColumns<K, 1, T, A, S, R>(y, x, mean, n, inner, outer);
  }
  const SumSlice<K, T, A, S, R> slice{y, x, mean, n, inner};
  if (inner > 1 || n <= 8) return forSlices(n, inner, begin, end, slice);
  const Size parts = partsOf(slices, n);
  if (parts <= 1) return forSums(n, begin, end, slice);
  forParts<S, N>(
      slices, parts, n,
      [=] DEVICE(Size s, Size from, Size length) {
        const A m = mean ? (A)mean[begin + s] : A(0);
        return sumOf<A, S>(Together(), x + (begin + s) * n + from, length, [=](A value) { return K::term(value, m); });
      },
      [=] DEVICE(Size s, S sum) { y[begin + s] = (R)K::finish(sum); });
}

template <class K, class T, class R = T> static void sum(R* y, const T* x, Size n, Size inner, Scratch, Size begin, Size end) {
  sums<K, T, SumOf<R>, R>(y, x, (const T*)nullptr, n, inner, begin, end);
}
// One part of several: the norm of n elements, which is the only one it writes.
struct NormPart {
  float* p;
  Size n;
  const float* x;
  Size length, first;
};
constexpr Size NORM_CHUNK = 1 << 15;

static void norm_l2(float* y, const float* x, Size n, Size inner, Scratch, Size begin, Size end) {
  static thread_local Gathered<NormPart> norms;
  const auto launch = [] {
    Size blocks = 0;
    for (int k = 0; k < norms.count; k++) {
      norms.parts[k].first = blocks;
      const Size own = (norms.parts[k].length + NORM_CHUNK - 1) / NORM_CHUNK;
      blocks += own > 0 ? own : 1;
    }
    const Gathered<NormPart> all = norms;
    norms.count = 0;
    double* partial = (double*)current.workspace;
    forBlocks(0, blocks, THREADS, [=] DEVICE(Size b) {
      int k = 0;
      while (k + 1 < all.count && all.parts[k + 1].first <= b) k++;
      const Size from = (b - all.parts[k].first) * NORM_CHUNK, left = all.parts[k].length - from;
      const float* p = all.parts[k].x + from;
      const double sum = sumOf<double, double>(Together(), p, left < NORM_CHUNK ? left : NORM_CHUNK,
                                               [](double value) { return value * value; });
      if (threadIdx.x == 0) partial[b] = sum;
    });
    forBlocks(0, all.count, 32, [=] DEVICE(Size k) {
      const Size last = k + 1 < all.count ? all.parts[k + 1].first : blocks;
      double sum = 0;
      for (Size b = all.parts[k].first + threadIdx.x; b < last; b += 32) sum += partial[b];
      sum = blockSum(sum);
      if (threadIdx.x == 0) *all.parts[k].p = (float)std::sqrt(sum);
    });
  };
  // Of all elements of a tensor: as many norms as there are calls go together.
  const bool whole = inner == 1 && begin == 0 && end == 1 && n <= (WORKSPACE / 8 / MOST_PARTS - 1) * NORM_CHUNK;
  if (norms.count > 0 && (!whole || norms.writes(y, 1) || norms.writes(x, n))) launch();
  if (!whole) return sum<Norm, float>(y, x, n, inner, Scratch(), begin, end);
  if (norms.add({y, 1, x, n, 0})) launch();
}
template <class T> static void deviations(T* y, const T* x, const T* mean, Size n, Size inner, Scratch, Size begin, Size end) {
  sums<Deviations, T, SumOf<T>, T>(y, x, mean, n, inner, begin, end);
}

struct Times {
  template <class T> DEVICE T operator()(T a, T b) const { return a * b; }
};
template <class T, class A> struct ProductSlice {
  T* y;
  const T* x;
  Size n, inner;
  template <class G> DEVICE void operator()(G g, Size i) const {
    const T* from = x + sliceStart(i, n, inner);
    A product = 1;
    for (Size k = g.first(); k < n; k += g.step()) product *= (A)from[k * inner];
    product = g.reduce(product, A(1), Times());
    if (g.first() == 0) y[i] = (T)product;
  }
};
template <class T> static void prod(T* y, const T* x, Size n, Size inner, Size begin, Size end) {
  forSlices(n, inner, begin, end, ProductSlice<T, SumOf<T>>{y, x, n, inner});
}

// (sum of |x|^p)^(1/p) for any p but 0 and the infinities, through float64.
template <class T> struct PowerSlice {
  T* y;
  const T* x;
  Size n, inner;
  double p;
  template <class G> DEVICE void operator()(G g, Size i) const {
    const T* from = x + sliceStart(i, n, inner);
    double sum = 0;
    for (Size k = g.first(); k < n; k += g.step()) {
      const double a = std::fabs((double)from[k * inner]);
      sum += p == 3 ? a * a * a : std::pow(a, p);
    }
    sum = g.reduce(sum, 0.0, Plus());
    if (g.first() == 0) y[i] = (T)std::pow(sum, 1 / p);
  }
};
template <class T> static void norm_lp(T* y, const T* x, Size n, Size inner, double p, Size begin, Size end) {
  forSlices(n, inner, begin, end, PowerSlice<T>{y, x, n, inner, p});
}

// Largest or smallest; one that is not a number counts as both.
template <class F, class T> struct ExtremeSlice {
  T* y;
  const T* x;
  Size n, inner;
  template <class G> DEVICE void operator()(G g, Size i) const {
    const T* from = x + sliceStart(i, n, inner);
    const F better;
    T best = from[0];
    for (Size k = g.first(); k < n; k += g.step()) best = better(best, from[k * inner]);
    best = g.reduce(best, best, better);
    if (g.first() == 0) y[i] = best;
  }
};
template <class F, class T> static void extreme(T* y, const T* x, Size n, Size inner, Size begin, Size end) {
  forSlices(n, inner, begin, end, ExtremeSlice<F, T>{y, x, n, inner});
}

// The best of n elements at places that a thread goes through in order, and the first place that has it.
template <class F, class T> struct PlaceSlice {
  T* y;
  int64_t* index;
  const T* x;
  Size n, inner;
  template <class G> DEVICE void operator()(G g, Size i) const {
    const T* from = x + sliceStart(i, n, inner);
    const F better;
    T best = from[0];
    for (Size k = g.first(); k < n; k += g.step()) best = better(best, from[k * inner]);
    best = g.reduce(best, best, better);
    Size place = n;
    for (Size k = g.first(); k < n; k += g.step()) {
      const T v = from[k * inner];
      if (v == best || (v != v && best != best)) {
        place = k;
        break;
      }
    }
    place = g.reduce(place, n, Smaller());
    if (g.first() == 0) y[i] = best, index[i] = place;
  }
};
template <class F, class T> static void place(T* y, int64_t* index, const T* x, Size n, Size inner, Size begin, Size end) {
  forSlices(n, inner, begin, end, PlaceSlice<F, T>{y, index, x, n, inner});
}

// The best up to each element, and where it was: of equal ones the last, of those that are not numbers as well.
template <bool LARGEST, class T> static void running(T* y, int64_t* index, const T* x, Size n, Size inner, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) {
    Size at = sliceStart(i, n, inner);
    T best = x[at];
    int64_t place = 0;
    for (Size k = 0; k < n; k++, at += inner) {
      const T v = x[at];
      if (v != v || (best == best && (LARGEST ? v >= best : v <= best))) best = v, place = k;
      y[at] = best;
      index[at] = place;
    }
  });
}

// The least and the greatest of n elements: y[0] and y[1].
template <class T> struct Extent {
  T* y;
  const T* x;
  Size n;
  template <class G> DEVICE void operator()(G g, Size) const {
    T low = x[0], high = x[0];
    for (Size k = g.first(); k < n; k += g.step()) low = Smaller()(low, x[k]), high = Larger()(high, x[k]);
    low = g.reduce(low, low, Smaller());
    high = g.reduce(high, high, Larger());
    if (g.first() == 0) y[0] = low, y[1] = high;
  }
};
template <class T> static void extent(T* y, const T* x, Size n) { forSlices(n, 1, 0, 1, Extent<T>{y, x, n}); }

#define SUM(name, K) KERNEL(name, sum<K, float>), KERNEL(name##_f64, sum<K, double>)
#define NUMBERS(name, f, F) KERNEL(name, f<F, float>), KERNEL(name##_f64, f<F, double>), KERNEL(name##_i64, f<F, int64_t>)

FAMILY(reduce, SUM(sum, Values), KERNEL_NARROW_OF(sum, sum, Values), KERNEL(sum_i64, sum<Values, int64_t>), KERNEL(sum_u8, sum<Values, uint8_t, int64_t>),
       SUM(nansum, Numbers), SUM(norm_l1, Absolutes), KERNEL(norm_l2, norm_l2), KERNEL(norm_l2_f64, sum<Norm, double>), KERNEL_FLOATS(deviations, deviations),
       KERNEL_NUMBERS(prod, prod), KERNEL_FLOATS(norm_lp, norm_lp), NUMBERS(amax, extreme, Larger), NUMBERS(amin, extreme, Smaller),
       KERNEL(amax_u8, extreme<Larger, uint8_t>), KERNEL(amin_u8, extreme<Smaller, uint8_t>), NUMBERS(argmax, place, Larger),
       NUMBERS(argmin, place, Smaller), NUMBERS(cummax, running, true), NUMBERS(cummin, running, false),
       KERNEL_NUMBERS(extent, extent))
