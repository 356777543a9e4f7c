// Dropout in one pass: the elements that stay are drawn, scaled, and marked in a mask of bytes; the gradient reads that.
#include "philox.cuh"
#include "vector.cuh"

// In packs of W elements, each thread a pack in a round; what PyTorch draws for them are the first W of four numbers. (Its
// offset moves as if W were 4; then the next call would draw again what packs of two drew in later rounds. Here it does not.)
template <class T, int W> static void dropPacks(T* y, uint8_t* mask, const T* x, Generator* generator, Size n, T keep, T scale) {
  forDrawers(generator, n, W, [=] DEVICE(Size thread, Size threads, Source words) {
    // The next round's pack is on its way while this one's numbers are drawn.
    Pack<T, W> next;
    if (thread * W < n) next = loadPack<W>(x + thread * W);
    for (Size pack = thread, round = 0; pack * W < n; pack += threads, round++) {
      const Pack<T, W> from = next;
      if ((pack + threads) * W < n) next = loadPack<W>(x + (pack + threads) * W);
      const uint4 word = words(thread, round);
      const float u[4] = {unit(word.x), unit(word.y), unit(word.z), unit(word.w)};
      Pack<T, W> to;
      Pack<uint8_t, W> stays;
#pragma unroll
      for (int k = 0; k < W; k++) {
        stays.at[k] = u[k] < keep;
        to.at[k] = from.at[k] * (u[k] < keep ? scale : T(0));
      }
      storePack<W>(y + pack * W, to);
      storePack<W>(mask + pack * W, stays);
    }
  });
}

// y = x / (1 - p) where mask is 1, with probability 1 - p, else 0: n elements.
template <class T> static void dropout(T* y, uint8_t* mask, const T* x, Generator* generator, Size n, double p) {
  const T keep = (T)(1 - p), scale = 1 / keep;
  const uintptr_t places = (uintptr_t)y | (uintptr_t)x;
  // As many as 16 bytes hold.
  if (sizeof(T) == 4 && n % 4 == 0 && places % (4 * sizeof(T)) == 0 && (uintptr_t)mask % 4 == 0) {
    return dropPacks<T, 4>(y, mask, x, generator, n, keep, scale);
  }
  if (n % 2 == 0 && places % (2 * sizeof(T)) == 0 && (uintptr_t)mask % 2 == 0) {
    return dropPacks<T, 2>(y, mask, x, generator, n, keep, scale);
  }
  forDrawers(generator, n, 4, [=] DEVICE(Size thread, Size threads, Source words) {
    for (Size first = thread, round = 0; first < n; first += 4 * threads, round++) {
      const uint4 word = words(thread, round);
      const float u[4] = {unit(word.x), unit(word.y), unit(word.z), unit(word.w)};
      for (int k = 0; k < 4; k++) {
        const Size i = first + k * threads;
        if (i >= n) break;
        mask[i] = u[k] < keep;
        y[i] = x[i] * (u[k] < keep ? scale : T(0));
      }
    }
  });
}

template <class T> static void dropout_grad(T* dx, const T* dy, const uint8_t* mask, double p, Size begin, Size end) {
  const T scale = 1 / (T)(1 - p);
  map(begin, end, [=] DEVICE(T dy, uint8_t stays) { return dy * (stays ? scale : T(0)); }, dx, dy, mask);
}

FAMILY(dropout, KERNEL_FLOATS(dropout, dropout), KERNEL_FLOATS(dropout_grad, dropout_grad))
