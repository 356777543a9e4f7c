// The multi-label margin loss. x: [rows, classes], target (int64): [rows, classes], each row a list of the classes that apply,
// ended by -1 (or by what is out of range, which the op finds). A block does a row of the rows [begin, end).
//
//     y = sum over listed t and unlisted c of max(0, 1 - (x[t] - x[c])) / classes
#include "common.cuh"

static int threadsFor(Size n) { return n <= 512 ? 32 : THREADS; }

// How many classes are listed.
static DEVICE Size listed(const int64_t* list, Size classes) {
  Size first = classes;
  for (Size j = threadIdx.x; j < classes; j += blockDim.x) {
    if (list[j] < 0 || list[j] >= classes) {
      first = j;
      break;
    }
  }
  return blockReduce(first, classes, Smaller());
}

static DEVICE bool isListed(const int64_t* list, Size n, Size c) {
  for (Size j = 0; j < n; j++) {
    if (list[j] == c) return true;
  }
  return false;
}

template <class T> static void multilabel(T* y, const T* x, const int64_t* target, Size classes, Size begin, Size end) {
  forBlocks(begin, end, threadsFor(classes), [=] DEVICE(Size i) {
    const T* row = x + i * classes;
    const int64_t* list = target + i * classes;
    const Size n = listed(list, classes);
    double sum = 0;
    for (Size c = threadIdx.x; c < classes; c += blockDim.x) {
      if (isListed(list, n, c)) continue;
      for (Size j = 0; j < n; j++) {
        const double z = 1 - (double)row[list[j]] + (double)row[c];
        if (!(z <= 0)) sum += z;
      }
    }
    sum = blockSum(sum);
    if (threadIdx.x == 0) y[i] = (T)(sum / (double)classes);
  });
}

// dx = dy * derivative, dy: [rows].
template <class T>
static void multilabel_grad(T* dx, const T* dy, const T* x, const int64_t* target, Size classes, Size begin, Size end) {
  forBlocks(begin, end, threadsFor(classes), [=] DEVICE(Size i) {
    const T* row = x + i * classes;
    const int64_t* list = target + i * classes;
    const Size n = listed(list, classes);
    const double g = (double)dy[i] / (double)classes;
    T* to = dx + i * classes;
    // First the numbers of pairs: of an unlisted class 0 or more, of a listed one -1 and less.
    for (Size c = threadIdx.x; c < classes; c += blockDim.x) {
      double pairs = -1;
      if (!isListed(list, n, c)) {
        pairs = 0;
        for (Size j = 0; j < n; j++) pairs += !(1 - (double)row[list[j]] + (double)row[c] <= 0);
      }
      to[c] = (T)pairs;
    }
    __syncthreads();
    for (Size j = 0; j < n; j++) {
      double pairs = 0;
      for (Size c = threadIdx.x; c < classes; c += blockDim.x) {
        pairs += to[c] >= 0 && !(1 - (double)row[list[j]] + (double)row[c] <= 0);
      }
      pairs = blockSum(pairs);
      if (threadIdx.x == 0) to[list[j]] = (T)((double)to[list[j]] - pairs);
      __syncthreads();
    }
    for (Size c = threadIdx.x; c < classes; c += blockDim.x) to[c] = (T)(g * (double)(to[c] < 0 ? to[c] + 1 : to[c]));
  });
}

FAMILY(loss_label, KERNEL_FLOATS(multilabel_margin_loss, multilabel), KERNEL_FLOATS(multilabel_margin_loss_grad, multilabel_grad))
