// Positions from stored indexes.
#pragma once
#include "common.cuh"

// The i-th index as 0 .. n - 1. What is out of range counts as 0: the op's check, which may be known later, makes an error
// of it.
inline DEVICE Size indexAt(const int64_t* index, Size i, Size n) {
  const Size at = index[i] < 0 ? index[i] + n : index[i];
  return at < 0 || at >= n ? 0 : at;
}
