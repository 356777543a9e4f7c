// Stands in for cuDNN: convolutions of tensors with any strides.
#include "fake.h"

namespace {
constexpr int OK = 0, NOT_INITIALIZED = 1001, BAD = 2000, NOT_SUPPORTED = 3000, FAILED = 5000;
constexpr int FLOAT = 0, DOUBLE = 1, DEFAULT_MATH = 0, FMA_MATH = 3;

struct Tensor {
  int type, axes, sizes[8], strides[8];
};
struct Filter {
  int type, axes, sizes[8];
};
struct Conv {
  int axes, padding[6], stride[6], dilation[6], type, groups = 1, math = DEFAULT_MATH;
};
struct Handle {
  void* stream = nullptr;
};
struct Performance {
  int algorithm, status;
  float time;
  size_t memory;
  int determinism, math, reserved[3];
};
static_assert(sizeof(Performance) == 48, "as documented");

// Algorithms: one whose sums hang on chance, one that wants too much memory, and one that goes.
constexpr int CHANCE = 0, LARGE = 7, GOOD = 1;
constexpr size_t WORKSPACE = 4096;

// The indexes of a whole tensor, one after the other.
struct Indexes {
  int axes, at[8] = {};
  const int* sizes;
  bool next() {
    for (int d = axes - 1; d >= 0; d--) {
      if (++at[d] < sizes[d]) return true;
      at[d] = 0;
    }
    return false;
  }
};

template <class T> T round(T x, bool tf32) { return tf32 ? (T)toTf32((float)x) : x; }

int check(const Tensor& x, const Filter& w, const Conv& c, const Tensor& y) {
  if (x.axes != c.axes + 2 || w.axes != x.axes || y.axes != x.axes || x.type != w.type || y.type != x.type) return BAD;
  if (x.type != FLOAT && x.type != DOUBLE) return NOT_SUPPORTED;
  if (c.type != x.type) return NOT_SUPPORTED;
  if (x.sizes[0] != y.sizes[0] || x.sizes[1] != c.groups * w.sizes[1] || y.sizes[1] != w.sizes[0] || w.sizes[0] % c.groups) return BAD;
  for (int d = 0; d < c.axes; d++) {
    const int span = x.sizes[d + 2] + 2 * c.padding[d] - (w.sizes[d + 2] - 1) * c.dilation[d] - 1;
    if (span < 0 || y.sizes[d + 2] != span / c.stride[d] + 1) return BAD;
  }
  return OK;
}

// f(place in x, place in the weight, place in y) for each product of the convolution.
template <class F> void each(const Tensor& x, const Filter& w, const Conv& c, const Tensor& y, F f) {
  const int perGroup = w.sizes[0] / c.groups;
  int64_t weightPlace = 0;
  Indexes k{w.axes, {}, w.sizes};
  do {
    const int outputs = k.at[0], channel = outputs / perGroup * w.sizes[1] + k.at[1];
    int ySizes[8];
    memcpy(ySizes, y.sizes, sizeof ySizes);
    ySizes[1] = 1;
    Indexes p{y.axes, {}, ySizes};
    do {
      int64_t xPlace = (int64_t)p.at[0] * x.strides[0] + (int64_t)channel * x.strides[1];
      int64_t yPlace = (int64_t)p.at[0] * y.strides[0] + (int64_t)outputs * y.strides[1];
      bool inside = true;
      for (int d = 0; d < c.axes; d++) {
        const int at = p.at[d + 2] * c.stride[d] - c.padding[d] + k.at[d + 2] * c.dilation[d];
        inside = inside && at >= 0 && at < x.sizes[d + 2];
        xPlace += (int64_t)at * x.strides[d + 2], yPlace += (int64_t)p.at[d + 2] * y.strides[d + 2];
      }
      if (inside) f(xPlace, weightPlace, yPlace);
    } while (p.next());
    weightPlace++;
  } while (k.next());
}

int64_t count(const int* sizes, int axes) {
  int64_t n = 1;
  for (int d = 0; d < axes; d++) n *= sizes[d];
  return n;
}

// All pass's results are contiguous here.
template <class T>
int run(const char* pass, void* handle, const void* alpha, const void* beta, const Conv& c, int algorithm, void* workspace, size_t bytes,
        const Tensor& x, const Filter& w, const Tensor& y, const void* u, const void* v, void* result) {
  if (!((Handle*)handle)->stream) return BAD;
  if (*(const T*)alpha != 1 || *(const T*)beta != 0) return NOT_SUPPORTED;
  if (algorithm == GOOD) {
    if (!workspace || bytes < WORKSPACE) return BAD;
    memset(workspace, 0xff, bytes);
  } else if (algorithm != CHANCE) return BAD;
  const bool tf32 = x.type == FLOAT && c.math != FMA_MATH;
  const int kind = pass[0] == 'f' ? 0 : pass[0] == 'd' ? 1 : 2;
  const int64_t n = kind == 0 ? count(y.sizes, y.axes) : kind == 1 ? count(x.sizes, x.axes) : count(w.sizes, w.axes);
  double* sums = new double[n]();
  const T *a = (const T*)u, *b = (const T*)v;
  each(x, w, c, y, [&](int64_t px, int64_t pw, int64_t py) {
    const int64_t pa = kind == 1 ? pw : px, pb = kind == 0 ? pw : py, pr = kind == 0 ? py : kind == 1 ? px : pw;
    sums[pr] += (double)round(a[pa], tf32) * round(b[pb], tf32);
  });
  for (int64_t i = 0; i < n; i++) ((T*)result)[i] = (T)sums[i];
  delete[] sums;
  counts()[pass]++;
  if (tf32) counts()["tf32"]++;
  if (c.groups > 1) counts()["groups"]++;
  if (algorithm == CHANCE) counts()["chance"]++;
  counts()["axes " + std::to_string(c.axes)]++;
  return OK;
}

int find(const char* how, bool forward, void* handle, const Tensor& x, const Filter& w, const Conv& c, const Tensor& y, int room,
         int* found, Performance* results) {
  counts()[how]++;
  if (!handle) return NOT_INITIALIZED;
  const int status = check(x, w, c, y);
  if (status != OK) return status;
  if (wanted("nothing") || room < 3) return NOT_SUPPORTED;
  results[0] = {CHANCE, OK, 1, 0, forward ? 1 : 0, c.math, {}};
  if (forward) results[0].status = NOT_SUPPORTED;
  results[1] = {LARGE, OK, 2, (size_t)1 << 40, 1, c.math, {}};
  results[2] = {GOOD, OK, 3, WORKSPACE, 1, c.math, {}};
  *found = 3;
  return OK;
}
}  // namespace

API size_t cudnnGetVersion() { return 91200; }
API int cudnnCreate(void** handle) {
  counts()["create"]++;
  if (wanted("create")) return NOT_INITIALIZED;
  *handle = new Handle();
  return OK;
}
API int cudnnSetStream(void* handle, void* stream) {
  ((Handle*)handle)->stream = stream;
  return OK;
}
#define DESCRIPTOR(Name, Type)                                             \
  API int cudnnCreate##Name##Descriptor(void** desc) {                     \
    counts()["descriptors"]++;                                             \
    *desc = new Type();                                                    \
    return OK;                                                             \
  }                                                                        \
  API int cudnnDestroy##Name##Descriptor(void* desc) {                     \
    counts()["descriptors"]--;                                             \
    delete (Type*)desc;                                                    \
    return OK;                                                             \
  }
DESCRIPTOR(Tensor, Tensor)
DESCRIPTOR(Filter, Filter)
DESCRIPTOR(Convolution, Conv)

API int cudnnSetTensorNdDescriptor(void* desc, int type, int axes, const int* sizes, const int* strides) {
  if (axes < 4 || axes > 8) return NOT_SUPPORTED;
  Tensor& x = *(Tensor*)desc;
  x.type = type, x.axes = axes;
  memcpy(x.sizes, sizes, axes * sizeof(int));
  memcpy(x.strides, strides, axes * sizeof(int));
  return OK;
}
API int cudnnSetFilterNdDescriptor(void* desc, int type, int format, int axes, const int* sizes) {
  if (axes < 4 || axes > 8 || format != 0) return NOT_SUPPORTED;
  Filter& w = *(Filter*)desc;
  w.type = type, w.axes = axes;
  memcpy(w.sizes, sizes, axes * sizeof(int));
  return OK;
}
API int cudnnSetConvolutionNdDescriptor(void* desc, int axes, const int* padding, const int* stride, const int* dilation, int mode,
                                        int type) {
  if (axes < 2 || axes > 6 || mode != 1) return NOT_SUPPORTED;
  Conv& c = *(Conv*)desc;
  c.axes = axes, c.type = type;
  memcpy(c.padding, padding, axes * sizeof(int));
  memcpy(c.stride, stride, axes * sizeof(int));
  memcpy(c.dilation, dilation, axes * sizeof(int));
  return OK;
}
API int cudnnSetConvolutionGroupCount(void* desc, int groups) {
  ((Conv*)desc)->groups = groups;
  return OK;
}
API int cudnnSetConvolutionMathType(void* desc, int math) {
  ((Conv*)desc)->math = math;
  return OK;
}

#define FINDERS(Verb, Suffix, how)                                                                                                   \
  API int cudnn##Verb##ConvolutionForwardAlgorithm##Suffix(void* handle, Tensor* x, Filter* w, Conv* c, Tensor* y, int room,          \
                                                           int* found, Performance* results) {                                       \
    return find(how, true, handle, *x, *w, *c, *y, room, found, results);                                                            \
  }                                                                                                                                  \
  API int cudnn##Verb##ConvolutionBackwardDataAlgorithm##Suffix(void* handle, Filter* w, Tensor* dy, Conv* c, Tensor* dx, int room,   \
                                                                int* found, Performance* results) {                                  \
    return find(how, false, handle, *dx, *w, *c, *dy, room, found, results);                                                         \
  }                                                                                                                                  \
  API int cudnn##Verb##ConvolutionBackwardFilterAlgorithm##Suffix(void* handle, Tensor* x, Tensor* dy, Conv* c, Filter* dw, int room, \
                                                                  int* found, Performance* results) {                                \
    return find(how, false, handle, *x, *dw, *c, *dy, room, found, results);                                                         \
  }
FINDERS(Get, _v7, "heuristics")
FINDERS(Find, , "benchmark")

#define RUN(pass, x, w, y)                                                                                                   \
  if (wanted(pass)) return FAILED;                                                                                           \
  if (check(*x, *w, *c, *y) != OK) return BAD;                                                                               \
  return x->type == DOUBLE                                                                                                   \
             ? run<double>(pass, handle, alpha, beta, *c, algorithm, workspace, bytes, *x, *w, *y, a, b, result)             \
             : run<float>(pass, handle, alpha, beta, *c, algorithm, workspace, bytes, *x, *w, *y, a, b, result)

API int cudnnConvolutionForward(void* handle, const void* alpha, Tensor* x, const void* a, Filter* w, const void* b, Conv* c, int algorithm,
                                void* workspace, size_t bytes, const void* beta, Tensor* y, void* result) {
  RUN("forward", x, w, y);
}
API int cudnnConvolutionBackwardData(void* handle, const void* alpha, Filter* w, const void* a, Tensor* dy, const void* b, Conv* c,
                                     int algorithm, void* workspace, size_t bytes, const void* beta, Tensor* dx, void* result) {
  RUN("data", dx, w, dy);
}
API int cudnnConvolutionBackwardFilter(void* handle, const void* alpha, Tensor* x, const void* a, Tensor* dy, const void* b, Conv* c,
                                       int algorithm, void* workspace, size_t bytes, const void* beta, Filter* dw, void* result) {
  RUN("weight", x, dw, dy);
}
