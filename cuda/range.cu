// Grids of indexes; histograms; rows of a table by index, and of segments.
#include "common.cuh"

// How many columns of the rows before `row` lie before the diagonal `offset`, of rows of `columns` columns.
static DEVICE Size columnsBefore(Size row, Size columns, Size offset) {
  // Row q has clamp(q + offset, 0, columns) of them: none, then one more in each row, then all.
  Size first = offset < 0 ? -offset : 0, last = columns - offset;
  if (first > row) first = row;
  if (last < first) last = first;
  if (last > row) last = row;
  return (last - first) * offset + (last * (last - 1) - first * (first - 1)) / 2 + (row - last) * columns;
}

// Row and column numbers, [2, count], of the lower (`upper` 0) or upper (1) triangle of a matrix, in row-major order.
static void triangle_indices(int64_t* y, Size rows, Size columns, Size offset, Size upper, Size count) {
  forBlocks(0, rows, 128, [=] DEVICE(Size row) {
    const Size border = row + offset + (upper ? 0 : 1), cut = border < 0 ? 0 : border > columns ? columns : border;
    const Size before = columnsBefore(row, columns, offset + (upper ? 0 : 1));
    const Size at = upper ? row * columns - before : before, first = upper ? cut : 0, last = upper ? columns : cut;
    for (Size column = first + threadIdx.x; column < last; column += blockDim.x) {
      y[at + column - first] = row;
      y[count + at + column - first] = column;
    }
  });
}

// Adds the counts of n elements of x in `bins` equal bins from `low` to `high` to y; what is outside is not counted. Whole
// numbers are counted, so the order does not matter: few bins in shared memory first.
template <class T> static void histc(T* y, const T* x, Size n, Size bins, double low, double high) {
  constexpr Size SHARED_BINS = 4096, MOST_BINS = WORKSPACE / 8;
  unsigned long long* counts = (unsigned long long*)current.workspace;
  const T first = (T)low, last = (T)high;
  const auto binOf = [=] DEVICE(T value) {
    if (!(value >= first && value <= last)) return (Size)-1;
    const Size bin = (Size)((value - first) * (T)bins / (last - first));
    return bin < bins - 1 ? bin : bins - 1;
  };
  for (Size from = 0; from < bins; from += MOST_BINS) {
    const Size here = bins - from < MOST_BINS ? bins - from : MOST_BINS;
    forEach(0, here, [=] DEVICE(Size i) { counts[i] = 0; });
    if (bins <= SHARED_BINS) {
      constexpr Size PART = 1 << 14;
      forBlocks(0, (n + PART - 1) / PART, THREADS, [=] DEVICE(Size part) {
        SHARED(unsigned, own, [SHARED_BINS]);
        __syncthreads();
        for (Size i = threadIdx.x; i < bins; i += blockDim.x) own[i] = 0;
        __syncthreads();
        for (Size i = part * PART + threadIdx.x; i < n && i < (part + 1) * PART; i += blockDim.x) {
          const Size bin = binOf(x[i]);
          if (bin >= 0) atomicAdd(&own[bin], 1u);
        }
        __syncthreads();
        for (Size i = threadIdx.x; i < bins; i += blockDim.x) {
          if (own[i]) atomicAdd(&counts[i], (unsigned long long)own[i]);
        }
      });
    } else {
      forEach(0, n, [=] DEVICE(Size i) {
        const Size bin = binOf(x[i]) - from;
        if (bin >= 0 && bin < here) atomicAdd(&counts[bin], 1ull);
      });
    }
    forEach(0, here, [=] DEVICE(Size i) { y[from + i] += (T)counts[i]; });
  }
}

// Scales those rows index[i] of y: [rows, columns] whose p-norm exceeds `most` down to it; no row twice.
template <class T>
static void renorm_rows(T* y, const int64_t* index, Size columns, double p, double most, Size begin, Size end) {
  forBlocks(begin, end, columns <= 512 ? 32 : THREADS, [=] DEVICE(Size i) {
    T* row = y + index[i] * columns;
    double total = 0;
    for (Size j = threadIdx.x; j < columns; j += blockDim.x) {
      const double size = std::fabs((double)row[j]);
      if (p == 2) total += size * size;
      else if (p == INFINITY) total = total > size ? total : size;
      else if (p == 1) total += size;
      else if (p == 0) total += size == 0 ? 0 : 1;
      else total += std::pow(size, p);
    }
    total = p == INFINITY ? blockReduce(total, 0.0, Larger()) : blockSum(total);
    const double size = p == 2 ? std::sqrt(total) : p == INFINITY || p == 1 || p == 0 ? total : std::pow(total, 1 / p);
    if (!(size > most)) return;
    const T factor = (T)(most / (size + 1e-7));
    for (Size j = threadIdx.x; j < columns; j += blockDim.x) row[j] *= factor;
  });
}

// The row of the first maximum in each column of the segments [starts[s], starts[s + 1]) of x: [rows, columns]; `rows` for an
// empty segment.
template <class T>
static void segment_argmax(int64_t* y, const T* x, const int64_t* starts, Size columns, Size rows, Size begin, Size end) {
  forEach(begin * columns, end * columns, [=] DEVICE(Size at) {
    const Size s = at / columns, j = at % columns, first = starts[s], last = starts[s + 1];
    Size best = first < last ? first : rows;
    for (Size i = first + 1; i < last; i++) {
      if (x[i * columns + j] > x[best * columns + j]) best = i;
    }
    y[at] = best;
  });
}

FAMILY(range, KERNEL(triangle_indices, triangle_indices), KERNEL_FLOATS(histc, histc), KERNEL_FLOATS(renorm_rows, renorm_rows),
       KERNEL_FLOATS(segment_argmax, segment_argmax))
