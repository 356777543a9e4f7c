// Outputs whose places follow from what stands before: the true elements of a mask, repeats, runs of equal elements.
#include "prefix.cuh"

// y = how many of n bytes are not zero.
static void mask_count(int64_t* y, const uint8_t* mask, Size n) {
  const Parts line(n);
  const int64_t* sums = partSums(line, [=] DEVICE(Size i) { return mask[i] != 0; });
  forBlocks(0, 1, SUMMERS, [=] DEVICE(Size) {
    const int64_t sum = sumOfParts(sums, line.parts);
    if (threadIdx.x == 0) *y = sum;
  });
}

// For each of n bytes that is not zero, in order: its coordinate (place / inner) % size.
static void mask_coordinate(int64_t* y, const uint8_t* mask, Size n, Size inner, Size size) {
  forSumsBefore(n, [=] DEVICE(Size i) { return mask[i] != 0; }, [=] DEVICE(Size i, int64_t before) {
    if (i < n && mask[i]) y[before] = i / inner % size;
  });
}

// The positions of the `count` of n bytes that are not zero.
static void mask_positions(int64_t* y, const uint8_t* mask, Size, Size n) { mask_coordinate(y, mask, n, 1, n); }

// total = the sum of n counts, or -1 if one of them is negative.
static void repeat_count(int64_t* total, const int64_t* counts, Size n) {
  const Parts line(n);
  const int64_t* sums = partSums(line, [=] DEVICE(Size i) { return counts[i]; });
  int64_t* negative = (int64_t*)current.workspace + MOST_PIECES;
  forEach(0, 1, [=] DEVICE(Size) { *negative = 0; });
  forEach(0, n, [=] DEVICE(Size i) {
    if (counts[i] < 0) *negative = 1;
  });
  forBlocks(0, 1, SUMMERS, [=] DEVICE(Size) {
    const int64_t sum = sumOfParts(sums, line.parts);
    if (threadIdx.x == 0) *total = *negative ? -1 : sum;
  });
}

// Each of the numbers 0 .. n - 1 as often as its count says: few by a thread, many by its warp.
static void repeat_indexes(int64_t* y, const int64_t* counts, Size n) {
  constexpr int64_t FEW = 8;
  forSumsBefore(n, [=] DEVICE(Size i) { return counts[i]; }, [=] DEVICE(Size i, int64_t before) {
    const int64_t count = i < n ? counts[i] : 0;
    if (count <= FEW) {
      for (int64_t k = 0; k < count; k++) y[before + k] = i;
    }
    for (unsigned many = __ballot_sync(0xffffffffu, count > FEW); many; many &= many - 1) {
      const int lane = __ffs((int)many) - 1;
      const int64_t from = __shfl_sync(0xffffffffu, before, lane), all = __shfl_sync(0xffffffffu, count, lane);
      const int64_t index = __shfl_sync(0xffffffffu, (int64_t)i, lane);
      for (int64_t k = threadIdx.x % 32; k < all; k += 32) y[from + k] = index;
    }
  });
}

// The number of the run (from 0) that each of n rows is in, from where runs start.
static void run_numbers(int64_t* y, const uint8_t* starts, Size n) {
  forSumsBefore(n, [=] DEVICE(Size i) { return starts[i]; }, [=] DEVICE(Size i, int64_t before) {
    if (i < n) y[i] = before + starts[i] - 1;
  });
}

// The lengths of `count` runs of n rows, from the positions at which they start.
static void run_lengths(int64_t* y, const int64_t* positions, Size count, Size n) {
  forEach(0, count, [=] DEVICE(Size i) { y[i] = (i + 1 < count ? positions[i + 1] : n) - positions[i]; });
}

FAMILY(positions, KERNEL(mask_count, mask_count), KERNEL(mask_coordinate, mask_coordinate), KERNEL(mask_positions, mask_positions),
       KERNEL(repeat_count, repeat_count), KERNEL(repeat_indexes, repeat_indexes), KERNEL(run_numbers, run_numbers),
       KERNEL(run_lengths, run_lengths))
