// Indexing by tensors of integers, for elements of any dtype of a size; sums into strided places; triangles of matrices.
//
// The places to read or write are worked out once, as int64 offsets in elements, and used by all kernels: y or x is
// [outer, ...] with a stride from one outer index to the next; each of the n offsets begins a run of `inner` elements.
#include "index.cuh"

// Adds what one index contributes to the offsets [begin, end): offset i is at place (i / inner) % count of the index.
static void index_offsets(int64_t* offsets, const int64_t* index, Size inner, Size count, Size size, Size stride, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) { offsets[i] += indexAt(index, i / inner % count, size) * stride; });
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

// Four axes of y and x, with strides in elements.
struct Axes {
  Size size[4], to[4], from[4];
};

// y += x over four axes; places of y that coincide receive the sum of what falls on them. A thread goes through the axes along
// which y stands still. An axis whose steps are shorter than what those of smaller steps reach is gone through in as many
// launches as it takes for what is left of it to step over that: no two threads then meet.
template <class T>
static void add_strided(T* y, const T* x, Size n0, Size n1, Size n2, Size n3, Size y0, Size y1, Size y2, Size y3, Size x0, Size x1,
                        Size x2, Size x3) {
  Axes axes{{n0, n1, n2, n3}, {y0, y1, y2, y3}, {x0, x1, x2, x3}};
  // The smallest steps first.
  for (int a = 1; a < 4; a++) {
    for (int b = a; b > 0 && std::abs(axes.to[b]) < std::abs(axes.to[b - 1]); b--) {
      std::swap(axes.size[b], axes.size[b - 1]);
      std::swap(axes.to[b], axes.to[b - 1]);
      std::swap(axes.from[b], axes.from[b - 1]);
    }
  }
  int still = 0;
  Size inner = 1, phases[4], reach = 0, launches = 1;
  for (int a = 0; a < 4; a++) {
    const Size step = std::abs(axes.to[a]);
    if (step == 0) still++, inner *= axes.size[a];
    phases[a] = step == 0 || step > reach ? 1 : reach / step + 1;
    if (phases[a] > axes.size[a]) phases[a] = axes.size[a];
    if (phases[a] == 0) return;
    reach += (axes.size[a] - 1) * step;
    launches *= phases[a];
  }
  for (Size launch = 0; launch < launches; launch++) {
    Axes part = axes;
    Size rest = launch, count = 1;
    T* to = y;
    const T* from = x;
    for (int a = still; a < 4; a++) {
      const Size phase = rest % phases[a];
      rest /= phases[a];
      to += phase * axes.to[a], from += phase * axes.from[a];
      part.size[a] = (axes.size[a] - phase + phases[a] - 1) / phases[a];
      part.to[a] *= phases[a], part.from[a] *= phases[a];
      count *= part.size[a];
    }
    forEach(0, count, [=] DEVICE(Size i) {
      T* place = to;
      const T* first = from;
      for (int a = still; a < 4; a++) {
        const Size k = i % part.size[a];
        i /= part.size[a];
        place += k * part.to[a], first += k * part.from[a];
      }
      T total = *place;
      for (Size z = 0; z < inner; z++) {
        const T* source = first;
        Size left = z;
        for (int a = 0; a < still; a++) source += left % part.size[a] * part.from[a], left /= part.size[a];
        total += *source;
      }
      *place = total;
    });
  }
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
