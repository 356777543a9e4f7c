// Sums that read memory as fast as it goes: of neighbours, and of columns. What float32 adds to each other are a few terms;
// those sums are added in float64. The order follows from the sizes alone, so equal calls give equal bits.
//
// Long sums are cut into parts for a block each. The last block to be done with a part of a sum adds the parts up, always in
// the same order, so there is no second launch.
#pragma once
#include "vector.cuh"

// Blocks that keep a GPU busy once.
constexpr Size WAVE = 1024;
// Blocks that fill an H100 once, four to each multiprocessor.
constexpr Size FULL = 528;

// Blocks that are done with a part of a sum; all 0 between launches.
static __device__ unsigned partsDone[FULL];

// Whether this block is the last of `parts` to come here for sum `s`: it then sees what the others wrote before. Barriers.
static DEVICE bool lastPart(Size s, unsigned parts) {
  SHARED(bool, last, );
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    last = atomicAdd(&partsDone[s], 1u) == parts - 1;
    if (last) partsDone[s] = 0;
  }
  __syncthreads();
  if (last) __threadfence();
  return last;
}

// Loads that a thread has on their way at a time.
constexpr int AHEAD = 4;

// use(load(k)) for k, k + step, ... below `end`.
template <class L, class F> DEVICE void loadAhead(Size k, Size end, Size step, L load, F use) {
  for (; k + (AHEAD - 1) * step < end; k += AHEAD * step) {
    decltype(load(k)) values[AHEAD];
#pragma unroll
    for (int a = 0; a < AHEAD; a++) values[a] = load(k + a * step);
#pragma unroll
    for (int a = 0; a < AHEAD; a++) use(values[a]);
  }
#pragma unroll 1
  for (; k < end; k += step) use(load(k));
}

// The sum of term(x[k]) for k of [0, n) by a group of threads (Together, in common.cuh).
template <class A, class S, class G, class T, class F> DEVICE S sumOf(G g, const T* x, Size n, F term) {
  constexpr int N = PACK<T>;
  // What lies before the first boundary of 16 bytes, and after the last.
  const Size before = (unsigned)(-(uintptr_t)x / sizeof(T)) % N, head = before < n ? before : n, end = head + (n - head) / N * N;
  S sum = 0;
  loadAhead(
      head + (Size)g.first() * N, end, (Size)g.step() * N, [=](Size k) { return loadPack<N>(x + k); },
      [&](const Pack<T, N>& values) {
        A part = term((A)values.at[0]);
#pragma unroll
        for (int i = 1; i < N; i++) part += term((A)values.at[i]);
        sum += (S)part;
      });
#pragma unroll 1
  for (Size k = g.first(); k < head; k += g.step()) sum += (S)term((A)x[k]);
#pragma unroll 1
  for (Size k = end + g.first(); k < n; k += g.step()) sum += (S)term((A)x[k]);
  return g.reduce(sum, S(0), Plus());
}

// ---------------------------------------------------------------- rows

template <class F> __global__ void __launch_bounds__(THREADS) sumsKernel(Size begin, Size end, F f) {
  const Size i = begin + (Size)blockIdx.x * blockDim.y + threadIdx.y;
  if (i < end) f(Together(), i);
}

// f(group, i) for each sum i of [begin, end), of n neighbours: each by a warp, long ones by a block.
template <class F> void forSums(Size n, Size begin, Size end, F f) {
  const int warps = n <= 4096 ? THREADS / 32 : 1;
  LAUNCH((unsigned)((end - begin + warps - 1) / warps), dim3(THREADS / warps, warps), sumsKernel<F>, begin, end, f);
}

template <class S, class F, class G>
__global__ void __launch_bounds__(THREADS) partsKernel(S* partial, Size n, Size length, unsigned parts, F f, G finish) {
  const Size s = blockIdx.x / parts, from = blockIdx.x % parts * length, left = n - from;
  const S own = f(s, from, left < 0 ? 0 : left < length ? left : length);
  if (threadIdx.x == 0) partial[blockIdx.x] = own;
  if (!lastPart(s, parts)) return;
  const S sum = sumOf<S, S>(Together(), partial + s * parts, parts, [](S value) { return value; });
  if (threadIdx.x == 0) finish(s, sum);
}

// The parts that each of `sums` long sums of n elements is cut into: 1 where they are not long, or many.
inline Size partsOf(Size sums, Size n) {
  constexpr Size LEAST = 4096;
  const Size parts = FULL / sums;
  return parts < n / LEAST ? parts : n / LEAST;
}

// finish(s, the sum of f(s, from, length) for each of `parts` parts of n elements) for each of `sums` sums, at most FULL / 2;
// f is called by a whole block. Parts are cut at multiples of N elements.
template <class S, int N, class F, class G> void forParts(Size sums, Size parts, Size n, F f, G finish) {
  const Size length = ((n + parts - 1) / parts + N - 1) / N * N;
  LAUNCH((unsigned)(sums * parts), THREADS, (partsKernel<S, F, G>), (S*)current.workspace, n, length, (unsigned)parts, f, finish);
}

// ---------------------------------------------------------------- columns

constexpr int STRIPES = THREADS / 32;
// Rows whose terms a thread adds before they join its sum.
constexpr int ROWS = 8;

// A warp goes along N columns for each of its lanes, the warps of a block side by side down a part of the rows.
template <class A, int N, int M, class F, class G>
__global__ void __launch_bounds__(THREADS, 4) columnsKernel(Size outer, Size n, Size inner, SumOf<A>* partial, F terms, G finish) {
  using S = SumOf<A>;
  SHARED(S, sums, [STRIPES][M][32 * N]);
  constexpr int R = ROWS / M;
  const int lane = threadIdx.x % 32, stripe = threadIdx.x / 32;
  const Size first = (Size)blockIdx.x * 32 * N, c = first + lane * N, column = first + threadIdx.x;
  const Size parts = gridDim.y, part = blockIdx.y, from = n * part / parts, to = n * (part + 1) / parts;
  const bool mine = threadIdx.x < 32 * N && column < inner;
  for (Size o = blockIdx.z; o < outer; o += gridDim.z) {
    S total[M][N] = {};
    const auto add = [&](const A(&t)[M][N]) {
#pragma unroll
      for (int i = 0; i < M * N; i++) total[i / N][i % N] += (S)t[i / N][i % N];
    };
    if (c < inner) {
      Size k = from + stripe;
      for (; k + (R - 1) * STRIPES < to; k += R * STRIPES) {
        A t[M][N] = {};
#pragma unroll
        for (int r = 0; r < R; r++) terms(o, k + r * STRIPES, c, t);
        add(t);
      }
#pragma unroll 1
      for (; k < to; k += STRIPES) {
        A t[M][N] = {};
        terms(o, k, c, t);
        add(t);
      }
    }
    // The sums over all stripes, of which a thread gets those of one column.
    S result[M];
    const auto meet = [&] {
      __syncthreads();
#pragma unroll
      for (int i = 0; i < M * N; i++) sums[stripe][i / N][lane * N + i % N] = total[i / N][i % N];
      __syncthreads();
#pragma unroll
      for (int m = 0; m < M; m++) {
        result[m] = 0;
        for (int s = 0; s < STRIPES && mine; s++) result[m] += sums[s][m][threadIdx.x];
      }
    };
    meet();
    if (parts > 1) {
      S* own = partial + o * parts * M * inner;
      for (int m = 0; m < M && mine; m++) own[(part * M + m) * inner + column] = result[m];
      if (!lastPart(o * gridDim.x + blockIdx.x, (unsigned)parts)) return;
#pragma unroll
      for (int m = 0; m < M; m++) {
#pragma unroll
        for (int i = 0; i < N; i++) total[m][i] = 0;
        if (c >= inner) continue;
        loadAhead(
            stripe, parts, STRIPES, [=](Size p) { return loadPack<N>(own + (p * M + m) * inner + c); },
            [&](const Pack<S, N>& sums) {
#pragma unroll
              for (int i = 0; i < N; i++) total[m][i] += sums.at[i];
            });
      }
      meet();
    }
    if (mine) finish(o, column, result);
  }
}

// M sums for each column of [outer, n, inner]: `terms(o, k, c, t)` adds to t[m][i] the terms of row k and column c + i, for N
// neighbouring columns (inner is a multiple of N); `finish(o, c, s)` takes the sums s[m] of column c.
template <class A, int N, int M, class F, class G> void columnSums(Size outer, Size n, Size inner, F terms, G finish) {
  using S = SumOf<A>;
  const Size across = (inner + 32 * N - 1) / (32 * N), layers = outer < 65535 ? outer : 65535;
  Size parts = FULL / (across * layers);
  const Size most = WORKSPACE / (outer * inner * M * (Size)sizeof(S)), longest = n / (ROWS / M * STRIPES);
  parts = parts < most ? parts : most;
  parts = parts < longest ? parts : longest;
  const dim3 grid((unsigned)across, (unsigned)(parts > 1 ? parts : 1), (unsigned)layers);
  LAUNCH(grid, THREADS, (columnsKernel<A, N, M, F, G>), outer, n, inner, (S*)current.workspace, terms, finish);
}
