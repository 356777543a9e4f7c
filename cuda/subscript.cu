// Indexing by tensors of integers, for elements of any dtype of a size; sums into strided places; triangles of matrices.
//
// The places to read or write are worked out once, as int64 offsets in elements, and used by all kernels: y or x is
// [outer, ...] with a stride from one outer index to the next; each of the n offsets begins a run of `inner` elements.
#include "common.cuh"

// Adds what one index contributes to the offsets [begin, end): offset i is at place (i / inner) % count of the index. The
// place of the first index out of range goes to `bad`, if it lies before the one that is there.
static void index_offsets(int64_t* offsets, int64_t* bad, const int64_t* index, Size inner, Size count, Size size, Size stride,
                          Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) {
    const Size place = i / inner % count;
    int64_t value = index[place];
    if (value < 0) value += size;
    if (value < 0 || value >= size) {
      atomicMin((long long*)bad, (long long)place);
      value = 0;
    }
    offsets[i] += value * stride;
  });
}

// Adds what an axis that is gone through in order contributes to the offsets [begin, end).
static void axis_offsets(int64_t* offsets, Size inner, Size count, Size stride, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) { offsets[i] += i / inner % count * stride; });
}

// y[o, i, :] = x[o, offset i ...], for rows [begin, end) of outer * n.
template <class T>
static void take_offsets(T* y, const T* x, const int64_t* offsets, Size n, Size inner, Size stride, Size begin, Size end) {
  forEach(begin * inner, end * inner, [=] DEVICE(Size at) {
    const Size row = at / inner, o = row / n;
    y[at] = x[o * stride + offsets[row - o * n] + at % inner];
  });
}

// y += x over four axes with strides in elements; places of y that coincide receive the sum of what falls on them. Where no
// axis of y has stride 0 or overlaps another, each element is a thread's; else one thread adds in order.
template <class T>
static void add_strided(T* y, const T* x, Size n0, Size n1, Size n2, Size n3, Size y0, Size y1, Size y2, Size y3, Size x0, Size x1,
                        Size x2, Size x3) {
  const Size sizes[4] = {n0, n1, n2, n3}, steps[4] = {y0, y1, y2, y3};
  // Apart, if each axis steps over all that the axes of smaller steps reach.
  bool apart = true;
  for (int a = 0; a < 4; a++) {
    Size reach = 0;
    for (int b = 0; b < 4; b++) {
      const bool smaller = std::abs(steps[b]) < std::abs(steps[a]) || (std::abs(steps[b]) == std::abs(steps[a]) && b > a);
      if (b != a && smaller) reach += (sizes[b] - 1) * std::abs(steps[b]);
    }
    if (sizes[a] > 1 && std::abs(steps[a]) <= reach) apart = false;
  }
  const Size n = n0 * n1 * n2 * n3;
  const auto add = [=] DEVICE(Size i) {
    const Size i3 = i % n3, a = i / n3, i2 = a % n2, b = a / n2, i1 = b % n1, i0 = b / n1;
    y[i0 * y0 + i1 * y1 + i2 * y2 + i3 * y3] += x[i0 * x0 + i1 * x1 + i2 * x2 + i3 * x3];
  };
  if (apart) return forEach(0, n, add);
  forEach(0, 1, [=] DEVICE(Size) {
    for (Size i = 0; i < n; i++) add(i);
  });
}

// The triangle of each matrix [rows, columns] on and below (lower = 1) or on and above (lower = 0) diagonal `diagonal`, zeros
// elsewhere, for rows [begin, end) of all matrices.
template <class T>
static void triangle(T* y, const T* x, Size rows, Size columns, Size diagonal, Size lower, Size begin, Size end) {
  forEach(begin * columns, end * columns, [=] DEVICE(Size at) {
    const Size row = at / columns, border = row % rows + diagonal + lower;
    y[at] = (at % columns < border) == (lower != 0) ? x[at] : T(0);
  });
}

#define SIZES(name, ...)                                                                                       \
  KERNEL(name##_b1, __VA_ARGS__ uint8_t>), KERNEL(name##_b2, __VA_ARGS__ uint16_t>),                           \
      KERNEL(name##_b4, __VA_ARGS__ uint32_t>), KERNEL(name##_b8, __VA_ARGS__ uint64_t>)

FAMILY(subscript, KERNEL(index_offsets, index_offsets), KERNEL(axis_offsets, axis_offsets), SIZES(take_offsets, take_offsets<),
       KERNEL_FLOATS(add_strided, add_strided), SIZES(triangle, triangle<))
