// How products of a warpgroup leave its registers. Most tiles lie inside of c and have nothing added: what those take is short,
// for nothing is multiplied meanwhile.
#pragma once
#include "gemm_hopper.cuh"
#include "narrow.cuh"

#ifdef HOPPER_DEVICE
// A result: with EXTRAS, with what is added to it, and without negative ones.
template <class T, bool EXTRAS> DEVICE float extended(float v, const T* added, bool there, bool relu) {
  if (EXTRAS && added && there) v += (float)*added;
  return EXTRAS && relu && v < 0 ? 0.0f : v;
}

// Stores x and y at `to` and the place after it, of which `left` are there.
template <class R> DEVICE void storePair(R* to, int left, bool pairs, R x, R y) {
  struct alignas(2 * sizeof(R)) Pair {
    R x, y;
  };
  if (pairs && left > 1) {
    *(Pair*)to = {x, y};
  } else {
    if (left > 0) *to = x;
    if (left > 1) to[1] = y;
  }
}

// Half H of a thread's sums to a row, of which `left` columns are there, 0 beyond the last row; `added` stands beside it.
template <class T, int COLUMNS, int H, bool EXTRAS>
DEVICE void storeRow(T* to, const T* added, int left, Size n, bool relu, const float (&sum)[COLUMNS / 2]) {
  const int t = threadIdx.x % 4;
  const auto result = [&](int j, int e) {
    const int c = 8 * j + 2 * t + e;
    return extended<T, EXTRAS>(sum[4 * j + 2 * H + e], added + c, added && c < left, relu);
  };
  if constexpr (sizeof(T) == 2) {
    if (n % 8 == 0 && ((uintptr_t)to & 15) == 0) {
#pragma unroll
      for (int j = 0; j < COLUMNS / 8; j += 4) {
        uint32_t x[4];
#pragma unroll
        for (int q = 0; q < 4; q++) x[q] = pair(result(j + q, 0), result(j + q, 1), T());
        hopper::gather(x);
        const int c = 8 * (j + t);
        if (c < left) *(uint4*)(to + c) = {x[0], x[1], x[2], x[3]};
      }
      return;
    }
  }
  const bool pairs = n % 2 == 0 && (uintptr_t)to % (2 * sizeof(T)) == 0;
#pragma unroll
  for (int j = 0; j < COLUMNS / 8; j++) storePair(to + 8 * j + 2 * t, left - 8 * j - 2 * t, pairs, T(result(j, 0)), T(result(j, 1)));
}

DEVICE inline int leftOf(Size n, Size first, int most) { return n - first < most ? (int)(n - first) : most; }

// Stores a thread's two rows, `apart` from each other, the first at `place` in the tile.
template <class T, int ROWS, int COLUMNS>
DEVICE void storeTile(const Gemm& g, float* parts, const Item& item, int place, int apart, const float (&sum)[COLUMNS / 2]) {
  const Size j0 = item.column * COLUMNS;
  const int columns = leftOf(g.n, j0, COLUMNS);
  const auto row = [&](auto half) {
    constexpr int H = decltype(half)::value;
    const Size i = item.row * ROWS + place + apart * H, row = item.batch * g.m + i;
    const int left = i < g.m ? columns : 0;
    T* const to = (T*)g.c + row * g.n + j0;
    const T* const added = g.bias && left ? (const T*)g.bias + row * g.biasRow + j0 : nullptr;
    if (parts) storeRow<float, COLUMNS, H, false>(parts + (item.split * g.batches * g.m + row) * g.n + j0, nullptr, left, g.n, false, sum);
    else if (g.bias || g.relu) storeRow<T, COLUMNS, H, true>(to, added, left, g.n, g.relu, sum);
    else storeRow<T, COLUMNS, H, false>(to, nullptr, left, g.n, false, sum);
  };
  row(std::integral_constant<int, 0>());
  row(std::integral_constant<int, 1>());
}

// Stores a thread's two rows of a tile of c', which are two neighbouring columns of c, the first at `place` in the tile.
template <int COLUMNS, bool EXTRAS>
DEVICE void storeColumns(float* to, const float* added, int rows, int left, Size n, Size biasRow, bool relu, const float (&sum)[COLUMNS / 2]) {
  const bool pairs = n % 2 == 0 && (uintptr_t)to % 8 == 0;
#pragma unroll
  for (int j = 0; j < COLUMNS / 8; j++) {
#pragma unroll
    for (int e = 0; e < 2; e++) {
      const bool there = 8 * j + e < rows;
      const float x = extended<float, EXTRAS>(sum[4 * j + e], added, added && there && left > 0, relu);
      const float y = extended<float, EXTRAS>(sum[4 * j + e + 2], added + 1, added && there && left > 1, relu);
      storePair(to, there ? left : 0, pairs, x, y);
      to += e == 0 ? n : 7 * n;
      if (EXTRAS) added += e == 0 ? biasRow : 7 * biasRow;
    }
  }
}
template <int ROWS, int COLUMNS>
DEVICE void storeTransposed(const Gemm& g, float* parts, const Item& item, int place, const float (&sum)[COLUMNS / 2]) {
  const Size column = item.row * ROWS + place, i = item.column * COLUMNS + threadIdx.x % 4 * 2, row = item.batch * g.m + i;
  const int rows = leftOf(g.m, i, COLUMNS), left = leftOf(g.n, column, 2);
  if (parts) {
    storeColumns<COLUMNS, false>(parts + (item.split * g.batches * g.m + row) * g.n + column, nullptr, rows, left, g.n, 0, false, sum);
  } else if (g.bias || g.relu) {
    const float* const added = g.bias ? (const float*)g.bias + row * g.biasRow + column : nullptr;
    storeColumns<COLUMNS, true>((float*)g.c + row * g.n + column, added, rows, left, g.n, g.bias ? g.biasRow : 0, g.relu, sum);
  } else {
    storeColumns<COLUMNS, false>((float*)g.c + row * g.n + column, nullptr, rows, left, g.n, 0, false, sum);
  }
}
#endif
