// Looking elements up in sorted ones, telling runs of equal rows, and the order of rows.
#include "common.cuh"

// How many of n sorted elements come before `value`, or with those equal to it; one that is not a number goes to the end.
template <class T> static DEVICE Size placeIn(const T* sorted, Size n, T value, bool right) {
  Size low = 0, high = n;
  while (low < high) {
    const Size middle = (low + high) / 2;
    const T at = sorted[middle];
    if (right ? !(at > value) : !(at >= value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The place of x[i] among n sorted elements; rows of `row` elements of x have sorted sequences `stride` elements apart.
template <class T>
static void searchsorted(int64_t* y, const T* sorted, const T* x, Size n, Size row, Size stride, Size right, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) { y[i] = placeIn(sorted + i / row * stride, n, x[i], right != 0); });
}

// Whether x[i] is among n sorted elements (or is not, if `invert` is 1).
template <class T> static void isin(uint8_t* y, const T* x, const T* sorted, Size n, Size invert, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) {
    const T value = x[i];
    Size low = 0, high = n;
    while (low < high) {
      const Size middle = (low + high) / 2;
      if (sorted[middle] < value) low = middle + 1;
      else high = middle;
    }
    y[i] = (uint8_t)((low < n && sorted[low] == value) != (invert != 0));
  });
}

// Whether row i of x: [rows, columns] differs from the row before it: single elements by a thread each, rows by a warp.
template <class T> static void run_starts(uint8_t* y, const T* x, Size columns, Size begin, Size end) {
  if (columns == 1) {
    forEach(begin, end, [=] DEVICE(Size i) { y[i] = i == 0 || x[i] != x[i - 1]; });
    return;
  }
  forBlocks(begin, end, 32, [=] DEVICE(Size i) {
    bool differs = i == 0;
    for (Size j = 0; j < columns && !differs; j += 32) {
      const Size at = i * columns + j + threadIdx.x;
      differs = __any_sync(0xffffffffu, j + threadIdx.x < columns && x[at] != x[at - columns]);
    }
    if (threadIdx.x == 0) y[i] = differs;
  });
}

// Whether row a of x comes before row b: at their first difference.
template <class T> static DEVICE bool rowBefore(const T* x, Size columns, Size a, Size b) {
  for (Size j = 0; j < columns; j++) {
    const T v = x[a * columns + j], w = x[b * columns + j];
    if (v < w) return true;
    if (v > w) return false;
  }
  return false;
}

// The row numbers of x: [rows, columns] in lexicographic order of the rows, stably: merge sort, in which each row finds its
// place among the rows of the run that its own is merged with. Working space of 8 bytes a row.
template <class T> static void row_order(int64_t* y, const T* x, Size rows, Size columns, Scratch) {
  unsigned* from = (unsigned*)current.workspace;
  unsigned* to = from + rows;
  forEach(0, rows, [=] DEVICE(Size i) { from[i] = (unsigned)i; });
  for (Size width = 1; width < rows; width *= 2) {
    forEach(0, rows, [=] DEVICE(Size i) {
      const Size start = i / (2 * width) * (2 * width), middle = start + width < rows ? start + width : rows;
      const Size end = start + 2 * width < rows ? start + 2 * width : rows;
      const Size own = from[i];
      const bool second = i >= middle;
      Size low = second ? start : middle, high = second ? middle : end;
      const Size first = low;
      while (low < high) {
        const Size at = (low + high) / 2, other = from[at];
        if (second ? !rowBefore(x, columns, own, other) : rowBefore(x, columns, other, own)) low = at + 1;
        else high = at;
      }
      to[start + (i - (second ? middle : start)) + (low - first)] = (unsigned)own;
    });
    unsigned* const swapped = from;
    from = to;
    to = swapped;
  }
  forEach(0, rows, [=] DEVICE(Size i) { y[i] = from[i]; });
}

FAMILY(search, KERNEL_ALL(searchsorted, searchsorted), KERNEL_ALL(isin, isin), KERNEL_ALL(run_starts, run_starts),
       KERNEL_ALL(row_order, row_order))
