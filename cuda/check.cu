// Checks of elements. A verdict is zero before; the kernel that finds an element that is not as it should be leaves it there,
// unless one is there already: what was wrong in any replay of a graph stays until the host has read it.
#include "common.cuh"

// An element is an int64, or a double.
template <class E> struct Verdict {
  int64_t wrong;
  E first;
};

// Elements that a block looks at.
constexpr Size PART = 4096;

// Leaves the first of `count` elements for which `wrong` is true: the blocks find the first of their parts, and one block the
// first of those.
template <class E, class T, class F> static void firstOf(void* verdict, const T* x, Size count, F wrong) {
  const Size parts = (count + PART - 1) / PART;
  int64_t* places = (int64_t*)current.workspace;
  const auto leave = [=] DEVICE(Size place) {
    Verdict<E>& v = *(Verdict<E>*)verdict;
    if (threadIdx.x == 0 && place < count && !v.wrong) v = {1, (E)x[place]};
  };
  forBlocks(0, parts, THREADS, [=] DEVICE(Size part) {
    const Size end = (part + 1) * PART < count ? (part + 1) * PART : count;
    Size place = part * PART + threadIdx.x;
    while (place < end && !wrong(x[place])) place += THREADS;
    place = blockReduce(place < end ? place : count, count, Smaller());
    if (parts == 1) leave(place);
    else if (threadIdx.x == 0) places[part] = place;
  });
  if (parts == 1) return;
  forBlocks(0, 1, THREADS, [=] DEVICE(Size) {
    Size place = count;
    for (Size i = threadIdx.x; i < parts; i += THREADS) place = Smaller()(place, (Size)places[i]);
    leave(blockReduce(place, count, Smaller()));
  });
}

// Whether `count` elements are from `low` below `high`, or `spared`.
static void range_check(void* verdict, const int64_t* x, Size low, Size high, Size spared, Size count) {
  firstOf<int64_t>(verdict, x, count, [=] DEVICE(int64_t v) { return (v < low || v >= high) && v != spared; });
}
// Whether `count` elements are in [0, 1]; not-a-number is not.
template <class T> static void unit_check(void* verdict, const T* x, Size count) {
  firstOf<double>(verdict, x, count, [=] DEVICE(T v) { return !(v >= 0 && v <= 1); });
}

FAMILY(check, KERNEL(range_check, range_check), KERNEL_FLOATS(unit_check, unit_check))
