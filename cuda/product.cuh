// The product of matrices that matmul and convolution share: c[i, j] = sum over p of a(i, p) b(p, j), for each of a number
// of batches. Where elements lie, and what becomes of the results, the caller's functions know.
//
// A block of 16 x 16 threads does a tile of 16 R x 16 R results, R x R each, from slabs of 16 along the sum in shared
// memory. float32 sums 256 terms at a time and adds those in float64: as exact as the CPU's blocks, and next to free.
#pragma once
#include "common.cuh"

constexpr int SIDE = 16;
// Slabs whose terms are added before they join the total.
constexpr int SLABS = 16;

template <int R, class T, class A, class B, class C>
__global__ void __launch_bounds__(SIDE* SIDE) productKernel(Size batches, Size m, Size n, Size k, A a, B b, C store) {
  SHARED(T, as, [SIDE][SIDE * R + 1]);
  SHARED(T, bs, [SIDE][SIDE * R + 1]);
  const int tx = threadIdx.x % SIDE, ty = threadIdx.x / SIDE;
  const Size i0 = (Size)blockIdx.x * SIDE * R, j0 = (Size)blockIdx.y * SIDE * R;
  for (Size t = blockIdx.z; t < batches; t += gridDim.z) {
    SumOf<T> total[R][R] = {};
    T part[R][R] = {};
    int slabs = 0;
    for (Size p0 = 0; p0 < k; p0 += SIDE) {
      __syncthreads();  // the last slab may still be read
      for (int r = 0; r < R; r++) {
        const Size i = i0 + ty + r * SIDE, j = j0 + tx + r * SIDE;
        as[tx][ty + r * SIDE] = i < m && p0 + tx < k ? a(t, i, p0 + tx) : T(0);
        bs[ty][tx + r * SIDE] = j < n && p0 + ty < k ? b(t, p0 + ty, j) : T(0);
      }
      __syncthreads();
#pragma unroll
      for (int p = 0; p < SIDE; p++) {
        T x[R], y[R];
        for (int r = 0; r < R; r++) x[r] = as[p][ty + r * SIDE], y[r] = bs[p][tx + r * SIDE];
        for (int r = 0; r < R; r++) {
          for (int s = 0; s < R; s++) part[r][s] += x[r] * y[s];
        }
      }
      if (sizeof(T) == 4 && ++slabs == SLABS) {
        slabs = 0;
        for (int r = 0; r < R; r++) {
          for (int s = 0; s < R; s++) total[r][s] += part[r][s], part[r][s] = 0;
        }
      }
    }
    for (int r = 0; r < R; r++) {
      for (int s = 0; s < R; s++) {
        const Size i = i0 + ty + r * SIDE, j = j0 + tx + s * SIDE;
        if (i < m && j < n) store(t, i, j, (T)(total[r][s] + part[r][s]));
      }
    }
  }
}

// Launches a product: in tiles of 64 x 64 where there are enough of them to keep a GPU busy and most of each is filled, else
// of 16 x 16.
template <class T, class A, class B, class C> void product(Size batches, Size m, Size n, Size k, A a, B b, C store) {
  if (batches <= 0 || m <= 0 || n <= 0) return;
  const auto tiles = [](Size count, Size side) { return (unsigned)((count + side - 1) / side); };
  const unsigned z = (unsigned)(batches < 65535 ? batches : 65535);
  if (m > 24 && n > 24 && (Size)tiles(m, 64) * tiles(n, 64) * batches >= 96) {
    LAUNCH(dim3(tiles(m, 64), tiles(n, 64), z), SIDE * SIDE, (productKernel<4, T, A, B, C>), batches, m, n, k, a, b, store);
  } else {
    LAUNCH(dim3(tiles(m, 16), tiles(n, 16), z), SIDE * SIDE, (productKernel<1, T, A, B, C>), batches, m, n, k, a, b, store);
  }
}
