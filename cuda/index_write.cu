// Writing to indexed positions, and combining elements into them. Indexes are int64; a negative one counts from the end. Elements
// that only move go by their size (b1, b2, b4, b8).
//
// Where several elements meet in one position they are taken in order, so equal calls give equal bits: no atomics. A stable
// sort of the positions brings those together that meet; long runs of them are combined in pieces. Where there is no working
// space for that, and where it does not pay, a thread goes through all elements of a column.
#include "index.cuh"
#include "sort.cuh"
#include "vector.cuh"

struct Put {
  template <class T> using Total = T;
  template <class T> DEVICE T operator()(T, T b) const { return b; }
};
struct Times {
  template <class T> using Total = SumOf<T>;
  template <class T> DEVICE T operator()(T a, T b) const { return (T)(a * b); }
};
struct Add {
  template <class T> using Total = SumOf<T>;
  template <class T> DEVICE T operator()(T a, T b) const { return (T)(a + b); }
};
struct Greater : Larger {
  template <class T> using Total = T;
};
struct Less : Smaller {
  template <class T> using Total = T;
};

// The working space, of which parts are taken: what lies behind the sums of forSumsBefore.
struct Room {
  static constexpr Size SUMS = MOST_PIECES * (Size)sizeof(int64_t);
  char* at = (char*)current.workspace + SUMS;
  Size left = current.room - SUMS;
  // Null where there is not enough.
  template <class T> T* take(Size count) {
    const Size bytes = (count * (Size)sizeof(T) + 15) / 16 * 16;
    T* part = bytes <= left ? (T*)at : nullptr;
    if (part) at += bytes, left -= bytes;
    return part;
  }
};

// How elements x [outer, k, inner] meet in y: that of rank p in a column goes to y[outer * step + place * scale + inner]. The
// places are in order; `from` are the elements' numbers, in order where places are equal.
template <class K> struct Order {
  const K* places;
  const int64_t* from;
  // From one outer index, rank and inner index to the next; 0 where one order holds for all.
  Size outerStep, rankStep, innerStep;
  Size k, inner, step, scale;
  DEVICE Size at(Size o, Size p, Size j) const { return o * outerStep + p * rankStep + j * innerStep; }
};

// Bytes of the numbers below n.
static int digitsOf(Size n) {
  int digits = 1;
  while (digits < 8 && n > (Size)1 << (8 * digits)) digits++;
  return digits;
}

// Sorts `slices` slices of places [outer, k, inner], below n; false where there is no room.
template <class K> static bool bringTogether(Order<K>& order, const K* places, Size n, Size slices, Size inner, Room& room) {
  const Size k = order.k;
  K* sorted = room.take<K>(k * slices);
  int64_t* from = room.take<int64_t>(k * slices);
  if (!sorted || !from || (k > TILE_OF<K> && room.left < sortRoom<K>(k))) return false;
  order.places = sorted;
  order.from = from;
  sortSlices<K>(places, {sorted, from, 0, k, inner, nullptr, 0}, k, inner, false, 0, slices, room.at, room.left, digitsOf(n));
  return true;
}

// Elements of a run that are combined beforehand.
constexpr Size PIECE = 64;

// total = op(total, ...) with the elements of ranks [p, end), in order: N neighbours of each.
template <class F, int N, class S, class T>
static DEVICE void combineRanks(Pack<S, N>& total, const T* source, const int64_t* from, Size inner, Size p, Size end) {
  constexpr int AHEAD = 8;
  const F op;
  for (; p < end; p += AHEAD) {
    Pack<T, N> values[AHEAD];
#pragma unroll
    for (int a = 0; a < AHEAD; a++) {
      if (p + a < end) values[a] = loadPack<N>(source + from[p + a] * inner);
    }
#pragma unroll
    for (int a = 0; a < AHEAD; a++) {
#pragma unroll
      for (int i = 0; i < N && p + a < end; i++) total.at[i] = op(total.at[i], (S)values[a].at[i]);
    }
  }
}

// combine, where one order holds for all columns, of which a thread takes N neighbours: by a list of the runs, of which there are
// `most` at most. False where there is no room.
template <class F, int N, class T, class K>
static bool combineRuns(T* y, const T* x, Order<K> order, Size most, Room room, Size begin, Size end) {
  using S = typename F::template Total<T>;
  const Size k = order.k, inner = order.inner, packs = inner / N, outer = end - begin, pieces = (k - 1) / PIECE;
  const K* places = order.places;
  const int64_t* from = order.from;
  // How many runs there are, then the rank at which each begins, then k.
  int64_t* runs = room.take<int64_t>(k + 2);
  S* partial = room.take<S>(outer * pieces * inner);
  if (!runs || !partial) return false;
  const auto begins = [=] DEVICE(Size i) { return i == 0 || places[i] != places[i - 1]; };
  forSumsBefore(k, [=] DEVICE(Size i) { return (int64_t)begins(i); }, [=] DEVICE(Size i, int64_t before) {
    if (i >= k) return;
    const bool first = begins(i);
    if (first) runs[before + 1] = i;
    if (i == k - 1) runs[0] = before + first, runs[before + first + 1] = k;
  });
  // Pieces begin at the ranks PIECE, 2 PIECE, ... that are inside of a run.
  forEach(0, outer * pieces * packs, [=] DEVICE(Size at) {
    const Size row = quotient(at, packs), c = (at - row * packs) * N, o = quotient(row, pieces);
    const Size first = (row - o * pieces + 1) * PIECE;
    const K place = places[first];
    if (places[first - 1] != place) return;
    Size last = first + PIECE < k ? first + PIECE : k;
    while (places[last - 1] != place) last--;
    const T* source = x + (begin + o) * k * inner + c;
    const Pack<T, N> values = loadPack<N>(source + from[first] * inner);
    Pack<S, N> total;
#pragma unroll
    for (int i = 0; i < N; i++) total.at[i] = (S)values.at[i];
    combineRanks<F, N>(total, source, from, inner, first + 1, last);
    storePack<N>(partial + row * inner + c, total);
  });
  forEach(0, outer * most * packs, [=] DEVICE(Size at) {
    const F op;
    const Size row = quotient(at, packs), c = (at - row * packs) * N, o = quotient(row, most), r = row - o * most;
    if (r >= runs[0]) return;
    const Size first = runs[r + 1], last = runs[r + 2], next = (first / PIECE + 1) * PIECE;
    T* to = y + (begin + o) * order.step + (Size)places[first] * order.scale + c;
    const Pack<T, N> own = loadPack<N>(to);
    Pack<S, N> total;
#pragma unroll
    for (int i = 0; i < N; i++) total.at[i] = (S)own.at[i];
    combineRanks<F, N>(total, x + (begin + o) * k * inner + c, from, inner, first, next < last ? next : last);
#pragma unroll 4
    for (Size p = next; p < last; p += PIECE) {
      const Pack<S, N> piece = loadPack<N>(partial + (o * pieces + p / PIECE - 1) * inner + c);
#pragma unroll
      for (int i = 0; i < N; i++) total.at[i] = op(total.at[i], piece.at[i]);
    }
    Pack<T, N> result;
#pragma unroll
    for (int i = 0; i < N; i++) result.at[i] = (T)total.at[i];
    storePack<N>(to, result);
  });
  return true;
}

// y = op(that, x ...) for each place; `room` is what is left.
template <class F, class T, class K> static void combine(T* y, const T* x, Order<K> order, Room room, Size begin, Size end) {
  using S = typename F::template Total<T>;
  const Size k = order.k, inner = order.inner, outer = end - begin;
  // Pieces begin at the ranks PIECE, 2 PIECE, ... that are inside of a run.
  const Size pieces = (k - 1) / PIECE;
  S* partial = room.take<S>(outer * pieces * inner);
  const Size cut = partial ? PIECE : k;
  if (partial) {
    forEach(0, outer * pieces * inner, [=] DEVICE(Size at) {
      const F op;
      const Size row = at / inner, j = at - row * inner, o = row / pieces, first = (row - o * pieces + 1) * PIECE;
      const Size last = first + PIECE < k ? first + PIECE : k, start = order.at(begin + o, first, j);
      const K place = order.places[start];
      if (order.places[start - order.rankStep] != place) return;
      const T* source = x + (begin + o) * k * inner + j;
      S total = (S)source[order.from[start] * inner];
      for (Size p = first + 1, i = start + order.rankStep; p < last && order.places[i] == place; p++, i += order.rankStep) {
        total = op(total, (S)source[order.from[i] * inner]);
      }
      partial[at] = total;
    });
  }
  forEach(0, outer * k * inner, [=] DEVICE(Size at) {
    const F op;
    const Size row = at / inner, j = at - row * inner, o = row / k, first = row - o * k, start = order.at(begin + o, first, j);
    const K place = order.places[start];
    if (first > 0 && order.places[start - order.rankStep] == place) return;
    const T* source = x + (begin + o) * k * inner + j;
    T* to = y + (begin + o) * order.step + (Size)place * order.scale + j;
    S total = (S)*to;
    Size p = first, i = start;
    const Size next = (first / cut + 1) * cut, last = next < k ? next : k;
    for (; p < last && order.places[i] == place; p++, i += order.rankStep) total = op(total, (S)source[order.from[i] * inner]);
    if (p == next && p < k && order.places[i] == place) {
      // The run goes on: it ends between `low` and `high`.
      Size low = p, high = k;
      while (low + 1 < high) {
        const Size middle = (low + high) / 2;
        if (order.places[order.at(begin + o, middle, j)] == place) low = middle;
        else high = middle;
      }
      for (Size piece = p / PIECE - 1; piece <= low / PIECE - 1; piece++) total = op(total, partial[(o * pieces + piece) * inner + j]);
    }
    *to = (T)total;
  });
}

// Of several elements for one place the last stays.
template <class T, class K> static void putLast(T* y, const T* x, Order<K> order, Size begin, Size end) {
  const Size k = order.k, inner = order.inner;
  forEach(begin * k * inner, end * k * inner, [=] DEVICE(Size at) {
    const Size row = at / inner, j = at - row * inner, o = row / k, p = row - o * k, i = order.at(o, p, j);
    const K place = order.places[i];
    if (p + 1 < k && order.places[i + order.rankStep] == place) return;
    y[o * order.step + (Size)place * order.scale + j] = x[(o * k + order.from[i]) * inner + j];
  });
}

// y's places are below n.
template <class F, class T, class K> static void apply(T* y, const T* x, Order<K> order, Size n, Room room, Size begin, Size end) {
  if constexpr (std::is_same<F, Put>::value) {
    putLast(y, x, order, begin, end);
  } else {
    if (order.rankStep == 1 && order.innerStep == 0 && order.outerStep == 0) {
      constexpr int N = PACK<T>;
      const Size most = n < order.k ? n : order.k;
      const bool packs = (order.inner | order.step | order.scale) % N == 0 && packed<N>(y) && packed<N>(x);
      const auto combined = packs ? combineRuns<F, N, T, K> : combineRuns<F, 1, T, K>;
      if (combined(y, x, order, most, room, begin, end)) return;
    }
    combine<F>(y, x, order, room, begin, end);
  }
}

// The same by a thread for each column: place(o, i, j) is the place of element i.
template <class F, class T, class P>
static void inColumns(T* y, const T* x, Size k, Size inner, Size step, Size scale, Size begin, Size end, P place) {
  forEach(begin * inner, end * inner, [=] DEVICE(Size c) {
    const F op;
    const Size o = c / inner, j = c - o * inner;
    for (Size i = 0; i < k; i++) {
      T* to = y + o * step + place(o, i, j) * scale + j;
      *to = op(*to, x[(o * k + i) * inner + j]);
    }
  });
}

// Fewer elements than these in a column are taken one after the other, and where there are so many columns.
constexpr Size FEW = 8, SHORT = 64, MANY_COLUMNS = 1 << 15;
constexpr Size MOST_INDEX = (Size)1 << 31;

// Places as int32, for a sort of half as many digits.
static int32_t* narrowed(const int64_t* index, Size count, Size n, Room& room) {
  int32_t* places = room.take<int32_t>(count);
  if (places) forEach(0, count, [=] DEVICE(Size i) { places[i] = (int32_t)indexAt(index, i, n); });
  return places;
}

// y[o, index[o, i, j], j] = op(that, source[o, i, j]), in order of i: y is [outer, n, inner], source and index
// [outer, k, inner].
template <class F, class T>
static void scatter(T* y, const int64_t* index, const T* source, Size n, Size k, Size inner, Size begin, Size end) {
  const Size outer = end - begin;
  if (k > SHORT && outer * inner < MANY_COLUMNS && n < MOST_INDEX) {
    Room room;
    // Slices of the range alone, as if it began at 0.
    const Size skipped = begin * k * inner;
    Order<int32_t> order{nullptr, nullptr, k * inner, inner, 1, k, inner, n * inner, inner};
    const int32_t* places = narrowed(index + skipped, outer * k * inner, n, room);
    if (places && bringTogether(order, places, n, outer * inner, inner, room)) {
      return apply<F>(y + begin * n * inner, source + skipped, order, n, room, 0, outer);
    }
  }
  inColumns<F>(y, source, k, inner, n * inner, inner, begin, end, [=] DEVICE(Size o, Size i, Size j) {
    return indexAt(index, (o * k + i) * inner + j, n);
  });
}

// y[o, index[i], :] = op(that, source[o, i, :]), in order of i: y is [outer, n, inner], source [outer, k, inner].
template <class F, class T>
static void scatterRows(T* y, const int64_t* index, const T* source, Size n, Size k, Size inner, Size begin, Size end) {
  if (k > FEW && n < MOST_INDEX) {
    Room room;
    Order<int32_t> order{nullptr, nullptr, 0, 1, 0, k, inner, n * inner, inner};
    const int32_t* places = narrowed(index, k, n, room);
    if (places && bringTogether(order, places, n, 1, 1, room)) return apply<F>(y, source, order, n, room, begin, end);
  }
  inColumns<F>(y, source, k, inner, n * inner, inner, begin, end, [=] DEVICE(Size, Size i, Size) { return indexAt(index, i, n); });
}

template <class T>
static void index_add(T* y, const int64_t* index, const T* source, Size n, Size k, Size inner, Size begin, Size end) {
  scatterRows<Add>(y, index, source, n, k, inner, begin, end);
}

// y[o, index[i], :] = source[o, i, :], rows of `bytes` bytes: in the widest type in which they can be moved.
static void index_copy(void* y, const int64_t* index, const void* source, Size n, Size k, Size bytes, Size begin, Size end) {
  const uintptr_t all = (uintptr_t)y | (uintptr_t)source | (uintptr_t)bytes;
  if (all % 8 == 0) return scatterRows<Put>((uint64_t*)y, index, (const uint64_t*)source, n, k, bytes / 8, begin, end);
  if (all % 4 == 0) return scatterRows<Put>((uint32_t*)y, index, (const uint32_t*)source, n, k, bytes / 4, begin, end);
  scatterRows<Put>((uint8_t*)y, index, (const uint8_t*)source, n, k, bytes, begin, end);
}

// y[o, offset i ...] = op(that, x[o, i, :]), in order of i, for outer indexes [begin, end): each of the n offsets, in elements,
// begins a run of `inner` elements; `stride` is the distance from one outer index to the next.
template <class F, class T>
static void scatterOffsets(T* y, const T* x, const int64_t* offsets, Size n, Size inner, Size stride, Size begin, Size end) {
  if (n > FEW && n < MOST_INDEX) {
    Room room;
    Order<int64_t> order{nullptr, nullptr, 0, 1, 0, n, inner, stride, 1};
    if (bringTogether(order, offsets, INT64_MAX, 1, 1, room)) return apply<F>(y, x, order, n, room, begin, end);
  }
  inColumns<F>(y, x, n, inner, stride, 1, begin, end, [=] DEVICE(Size, Size i, Size) { return offsets[i]; });
}

#define SIZES(name, ...)                                                                                       \
  KERNEL(name##_b1, __VA_ARGS__ uint8_t>), KERNEL(name##_b2, __VA_ARGS__ uint16_t>),                           \
      KERNEL(name##_b4, __VA_ARGS__ uint32_t>), KERNEL(name##_b8, __VA_ARGS__ uint64_t>)
#define TYPES(name, ...)                                                                                       \
  KERNEL(name, __VA_ARGS__ float>), KERNEL(name##_f64, __VA_ARGS__ double>), KERNEL(name##_i64, __VA_ARGS__ int64_t>), \
      KERNEL(name##_i32, __VA_ARGS__ int32_t>), KERNEL(name##_u8, __VA_ARGS__ uint8_t>)

FAMILY(index_write, SIZES(scatter, scatter<Put, ), TYPES(scatter_add, scatter<Add, ), TYPES(scatter_prod, scatter<Times, ),
       TYPES(scatter_amax, scatter<Greater, ), TYPES(scatter_amin, scatter<Less, ), TYPES(index_add, index_add<),
       KERNEL(index_copy, index_copy), SIZES(put_offsets, scatterOffsets<Put, ), TYPES(add_offsets, scatterOffsets<Add, ))
