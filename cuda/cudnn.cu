// Convolution by cuDNN, where it was found: of the algorithms that its heuristics name for a problem, the first that is
// deterministic, unless the user wants others, and that the workspace suffices for. It is asked for once and kept.
#include "library.cuh"

namespace {

// Numbers and functions as NVIDIA documents them (https://docs.nvidia.com/deeplearning/cudnn/).
constexpr int SUCCESS = 0;
constexpr int CROSS_CORRELATION = 1, NCHW = 0;
constexpr int DATA_TYPES[] = {0, 1, 2, 9};  // of Element: float, double, half, bfloat16
constexpr int DEFAULT_MATH = 0, TENSOR_OP_MATH = 1, FMA_MATH = 3;
constexpr int DETERMINISTIC = 1;

// What is known of an algorithm: of one layout for all three passes.
struct Performance {
  int algorithm, status;
  float time;
  size_t memory;
  int determinism, math, reserved[3];
};

// The three passes have functions of one form: of two operands, a result, and their descriptors.
using Find = int (*)(void* handle, void* a, void* b, void* convolution, void* result, int wanted, int* found, Performance* results);
using Run = int (*)(void* handle, const void* alpha, void* aDesc, const void* a, void* bDesc, const void* b, void* convolution,
                    int algorithm, void* workspace, size_t bytes, const void* beta, void* resultDesc, void* result);

struct {
  int (*create)(void** handle);
  int (*setStream)(void* handle, cudaStream_t stream);
  int (*tensorCreate)(void** desc);
  int (*tensorSet)(void* desc, int type, int axes, const int* sizes, const int* strides);
  int (*tensorDestroy)(void* desc);
  int (*filterCreate)(void** desc);
  int (*filterSet)(void* desc, int type, int format, int axes, const int* sizes);
  int (*filterDestroy)(void* desc);
  int (*convolutionCreate)(void** desc);
  int (*convolutionSet)(void* desc, int axes, const int* padding, const int* stride, const int* dilation, int mode, int type);
  int (*convolutionGroups)(void* desc, int groups);
  int (*convolutionMath)(void* desc, int math);
  int (*convolutionDestroy)(void* desc);
  Find heuristics[3], benchmark[3];
  Run run[3];
} dnn;

bool opened() {
#define FUNCTION(member, name) {"cudnn" name, (void**)&dnn.member}
  static const LibraryFunction functions[] = {
      FUNCTION(create, "Create"),
      FUNCTION(setStream, "SetStream"),
      FUNCTION(tensorCreate, "CreateTensorDescriptor"),
      FUNCTION(tensorSet, "SetTensorNdDescriptor"),
      FUNCTION(tensorDestroy, "DestroyTensorDescriptor"),
      FUNCTION(filterCreate, "CreateFilterDescriptor"),
      FUNCTION(filterSet, "SetFilterNdDescriptor"),
      FUNCTION(filterDestroy, "DestroyFilterDescriptor"),
      FUNCTION(convolutionCreate, "CreateConvolutionDescriptor"),
      FUNCTION(convolutionSet, "SetConvolutionNdDescriptor"),
      FUNCTION(convolutionGroups, "SetConvolutionGroupCount"),
      FUNCTION(convolutionMath, "SetConvolutionMathType"),
      FUNCTION(convolutionDestroy, "DestroyConvolutionDescriptor"),
      FUNCTION(heuristics[0], "GetConvolutionForwardAlgorithm_v7"),
      FUNCTION(heuristics[1], "GetConvolutionBackwardDataAlgorithm_v7"),
      FUNCTION(heuristics[2], "GetConvolutionBackwardFilterAlgorithm_v7"),
      FUNCTION(benchmark[0], "FindConvolutionForwardAlgorithm"),
      FUNCTION(benchmark[1], "FindConvolutionBackwardDataAlgorithm"),
      FUNCTION(benchmark[2], "FindConvolutionBackwardFilterAlgorithm"),
      FUNCTION(run[0], "ConvolutionForward"),
      FUNCTION(run[1], "ConvolutionBackwardData"),
      FUNCTION(run[2], "ConvolutionBackwardFilter"),
  };
#undef FUNCTION
  static const bool there = openLibrary(CUDNN, functions, (int)(sizeof functions / sizeof *functions));
  return there;
}

// Bytes that an algorithm may use.
constexpr size_t MOST_WORKSPACE = (size_t)8 * WORKSPACE;
// Convolutions of fewer multiplications are as quick by the kernels here.
constexpr double SMALL = 1 << 20;
constexpr size_t REMEMBERED = 4096;
constexpr int CANDIDATES = 16;

// All that an algorithm hangs on: numbers only, so that it can be compared as bytes.
struct Problem {
  Convolution shape;
  int64_t pass, type, math, deterministic, benchmark;
  bool operator<(const Problem& other) const { return memcmp(this, &other, sizeof *this) < 0; }
};

// What was prepared for a problem; `served` is false where cuDNN has nothing for it.
struct Plan {
  bool served = false;
  void *x = nullptr, *y = nullptr, *weight = nullptr, *convolution = nullptr;
  int algorithm = 0;
  size_t workspace = 0;
};

struct Handle {
  void* handle = nullptr;
  bool failed = false;
  std::map<Problem, Plan> plans;
};

void release(Plan& plan) {
  if (plan.x) dnn.tensorDestroy(plan.x);
  if (plan.y) dnn.tensorDestroy(plan.y);
  if (plan.weight) dnn.filterDestroy(plan.weight);
  if (plan.convolution) dnn.convolutionDestroy(plan.convolution);
  plan = Plan();
}

// Whether y has the size that follows from the others, and no size is too large for cuDNN, which counts in 32 bits.
bool suits(const Convolution& s) {
  double size = 1, count = 1, taps = 1;
  for (int d = 0; d < 3; d++) {
    const int64_t span = s.size[d] + 2 * (int64_t)s.padding[d] - ((int64_t)s.kernel[d] - 1) * s.dilation[d] - 1;
    if (span < 0 || span / s.stride[d] + 1 != s.count[d]) return false;
    size *= s.size[d], count *= s.count[d], taps *= s.kernel[d];
  }
  const double x = (double)s.batch * s.groups * s.channels * size, y = (double)s.batch * s.groups * s.outputs * count;
  const double weight = (double)s.groups * s.outputs * s.channels * taps;
  if (x <= 0 || y <= 0 || weight <= 0 || x > INT32_MAX || y > INT32_MAX || weight > INT32_MAX) return false;
  return libraryOptions[SMALL_PROBLEMS] || y * s.channels * taps >= SMALL;
}

// The status of the first call that fails.
struct Calls {
  int status = SUCCESS;
  const char* name = nullptr;
  bool operator()(const char* call, int result) {
    if (status == SUCCESS && result != SUCCESS) status = result, name = call;
    return status == SUCCESS;
  }
};

// The descriptor of a contiguous tensor [batch, channels, ...sizes], without the axes before `first`.
bool describe(Calls& calls, void** desc, int type, int64_t batch, int64_t channels, const int* sizes, int first) {
  const int axes = 5 - first;
  int all[5] = {(int)batch, (int)channels}, strides[5];
  for (int d = first; d < 3; d++) all[2 + d - first] = sizes[d];
  strides[axes - 1] = 1;
  for (int d = axes - 2; d >= 0; d--) strides[d] = strides[d + 1] * all[d + 1];
  return calls("cudnnCreateTensorDescriptor", dnn.tensorCreate(desc)) &&
         calls("cudnnSetTensorNdDescriptor", dnn.tensorSet(*desc, type, axes, all, strides));
}

bool makeDescriptors(Calls& calls, Plan& plan, const Problem& p) {
  const Convolution& s = p.shape;
  const int type = DATA_TYPES[p.type], compute = DATA_TYPES[p.type == (int64_t)Element::float64];
  // A plane, where the first axis is one in name only.
  const int first = s.size[0] == 1 && s.count[0] == 1 && s.kernel[0] == 1 && s.padding[0] == 0;
  const int axes = 3 - first;
  int filter[5] = {(int)(s.groups * s.outputs), (int)s.channels};
  for (int d = first; d < 3; d++) filter[2 + d - first] = s.kernel[d];
  return describe(calls, &plan.x, type, s.batch, s.groups * s.channels, s.size, first) &&
         describe(calls, &plan.y, type, s.batch, s.groups * s.outputs, s.count, first) &&
         calls("cudnnCreateFilterDescriptor", dnn.filterCreate(&plan.weight)) &&
         calls("cudnnSetFilterNdDescriptor", dnn.filterSet(plan.weight, type, NCHW, axes + 2, filter)) &&
         calls("cudnnCreateConvolutionDescriptor", dnn.convolutionCreate(&plan.convolution)) &&
         calls("cudnnSetConvolutionNdDescriptor",
               dnn.convolutionSet(plan.convolution, axes, s.padding + first, s.stride + first, s.dilation + first, CROSS_CORRELATION,
                                  compute)) &&
         calls("cudnnSetConvolutionGroupCount", dnn.convolutionGroups(plan.convolution, (int)s.groups)) &&
         calls("cudnnSetConvolutionMathType", dnn.convolutionMath(plan.convolution, (int)p.math));
}

// The descriptors of a pass's operands and of its result, in order.
struct Order {
  void *a, *b, *result;
};
Order orderOf(const Plan& plan, int64_t pass) {
  if (pass == (int64_t)Pass::forward) return {plan.x, plan.weight, plan.y};
  if (pass == (int64_t)Pass::data) return {plan.weight, plan.y, plan.x};
  return {plan.x, plan.y, plan.weight};
}

// Whether what is launched is recorded as a graph: then nothing can be timed.
bool recording() {
#if CUDA_EMULATOR
  return false;
#else
  cudaStreamCaptureStatus status;
  return cudaStreamIsCapturing(current.stream, &status) != cudaSuccess || status != cudaStreamCaptureStatusNone;
#endif
}

void prepare(Plan& plan, void* handle, const Problem& p) {
  Calls calls;
  Performance results[CANDIDATES] = {};
  int found = 0;
  if (makeDescriptors(calls, plan, p)) {
    const Order order = orderOf(plan, p.pass);
    const Find find = (p.benchmark ? dnn.benchmark : dnn.heuristics)[p.pass];
    calls(p.benchmark ? "cudnnFindConvolutionAlgorithm" : "cudnnGetConvolutionAlgorithm_v7",
          find(handle, order.a, order.b, plan.convolution, order.result, CANDIDATES, &found, results));
  }
  for (int i = 0; i < found && calls.status == SUCCESS && !plan.served; i++) {
    const Performance& result = results[i];
    if (result.status != SUCCESS || result.memory > MOST_WORKSPACE) continue;
    if (p.deterministic && result.determinism != DETERMINISTIC) continue;
    if (p.math == FMA_MATH && result.math != FMA_MATH && result.math != DEFAULT_MATH) continue;
    plan.algorithm = result.algorithm;
    plan.workspace = result.memory;
    plan.served = true;
  }
  if (plan.served) return;
  if (calls.status != SUCCESS) noteRefusal(CUDNN, calls.name, calls.status);
  release(plan);
}

}  // namespace

bool libraryConvolution(Pass pass, Element type, const void* a, const void* b, void* result, const Convolution& shape) {
  if (!libraryOptions[USE_CUDNN] || !suits(shape) || !opened()) return false;
  Handle& own = ofContext<Handle>();
  if (!own.handle) {
    if (own.failed) return false;
    Calls calls;
    if (calls("cudnnCreate", dnn.create(&own.handle))) calls("cudnnSetStream", dnn.setStream(own.handle, current.stream));
    if ((own.failed = calls.status != SUCCESS)) {
      own.handle = nullptr;
      noteRefusal(CUDNN, calls.name, calls.status);
      return false;
    }
  }
  Problem p;
  memset((void*)&p, 0, sizeof p);
  p.shape = shape, p.pass = (int64_t)pass, p.type = (int64_t)type;
  // Without leave to round to tf32, only the ordinary units multiply float32 numbers.
  p.math = type == Element::float32 ? (libraryOptions[CUDNN_TF32] ? DEFAULT_MATH : FMA_MATH)
           : type == Element::float64 ? DEFAULT_MATH
                                      : TENSOR_OP_MATH;
  p.deterministic = libraryOptions[CUDNN_DETERMINISTIC], p.benchmark = libraryOptions[CUDNN_BENCHMARK] && !recording();
  if (own.plans.size() >= REMEMBERED) {
    for (auto& [problem, plan] : own.plans) release(plan);
    own.plans.clear();
  }
  const auto [place, isNew] = own.plans.try_emplace(p);
  Plan& plan = place->second;
  if (isNew) prepare(plan, own.handle, p);
  if (!plan.served) return false;
  void* workspace = plan.workspace > 0 ? libraryWorkspace(plan.workspace) : nullptr;
  if (plan.workspace > 0 && !workspace) return false;
  const Order order = orderOf(plan, p.pass);
  const float one = 1, zero = 0;
  const double one64 = 1, zero64 = 0;
  const bool wide = type == Element::float64;
  const int status = dnn.run[p.pass](own.handle, wide ? (const void*)&one64 : &one, order.a, a, order.b, b, plan.convolution,
                                     plan.algorithm, workspace, plan.workspace, wide ? (const void*)&zero64 : &zero, order.result, result);
  if (status == SUCCESS) return true;
  noteRefusal(CUDNN, "cudnnConvolution", status);
  release(plan);
  return false;
}
