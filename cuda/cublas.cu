// Matrix products by cuBLASLt, where it was found. Its matrices are stored by columns: a matrix stored by rows is, to it, the
// transpose, so c = a b is computed as c' = b' a', and nothing is copied.
//
// A problem's algorithm is the one that cuBLASLt's heuristics put first, asked for once and kept: equal calls give equal bits.
#include "gemm.cuh"
#include "library.cuh"

namespace {

// Numbers and functions as NVIDIA documents them (https://docs.nvidia.com/cuda/cublas/).
constexpr int SUCCESS = 0;
constexpr int R_32F = 0, R_16F = 2, R_16BF = 14;
constexpr int COMPUTE_32F = 68, COMPUTE_32F_FAST_TF32 = 77;
constexpr int32_t OP_N = 0, OP_T = 1;
constexpr int DESC_TRANSA = 3, DESC_TRANSB = 4, DESC_EPILOGUE = 7, DESC_BIAS_POINTER = 8, DESC_BIAS_DATA_TYPE = 26;
constexpr int LAYOUT_BATCH_COUNT = 5, LAYOUT_BATCH_STRIDE = 6;
constexpr int PREFER_WORKSPACE = 1, PREFER_REDUCTIONS = 3, PREFER_ALIGNMENT_A = 5;  // B, C and D follow
constexpr uint32_t EPILOGUE_DEFAULT = 1, EPILOGUE_BIAS = 4;
// Parts of a sum are added in float32, in order.
constexpr uint32_t REDUCE_IN_COMPUTE_TYPE = 2;

struct Algorithm {
  uint64_t data[8];
};
struct Heuristic {
  Algorithm algorithm;
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
};

struct {
  int (*create)(void** handle);
  int (*descCreate)(void** desc, int compute, int scale);
  int (*descSet)(void* desc, int attribute, const void* value, size_t bytes);
  int (*descDestroy)(void* desc);
  int (*layoutCreate)(void** layout, int type, uint64_t rows, uint64_t columns, int64_t ld);
  int (*layoutSet)(void* layout, int attribute, const void* value, size_t bytes);
  int (*layoutDestroy)(void* layout);
  int (*preferenceCreate)(void** preference);
  int (*preferenceSet)(void* preference, int attribute, const void* value, size_t bytes);
  int (*preferenceDestroy)(void* preference);
  int (*heuristics)(void* handle, void* desc, void* a, void* b, void* c, void* d, void* preference, int wanted, Heuristic* results,
                    int* found);
  int (*matmul)(void* handle, void* desc, const void* alpha, const void* a, void* aLayout, const void* b, void* bLayout,
                const void* beta, const void* c, void* cLayout, void* d, void* dLayout, const Algorithm* algorithm, void* workspace,
                size_t bytes, cudaStream_t stream);
} lt;

bool opened() {
#define FUNCTION(member, name) {"cublasLt" name, (void**)&lt.member}
  static const LibraryFunction functions[] = {
      FUNCTION(create, "Create"),
      FUNCTION(descCreate, "MatmulDescCreate"),
      FUNCTION(descSet, "MatmulDescSetAttribute"),
      FUNCTION(descDestroy, "MatmulDescDestroy"),
      FUNCTION(layoutCreate, "MatrixLayoutCreate"),
      FUNCTION(layoutSet, "MatrixLayoutSetAttribute"),
      FUNCTION(layoutDestroy, "MatrixLayoutDestroy"),
      FUNCTION(preferenceCreate, "MatmulPreferenceCreate"),
      FUNCTION(preferenceSet, "MatmulPreferenceSetAttribute"),
      FUNCTION(preferenceDestroy, "MatmulPreferenceDestroy"),
      FUNCTION(heuristics, "MatmulAlgoGetHeuristic"),
      FUNCTION(matmul, "Matmul"),
  };
#undef FUNCTION
  static const bool there = openLibrary(CUBLASLT, functions, (int)(sizeof functions / sizeof *functions));
  return there;
}

// Bytes that algorithms may use: NVIDIA advises as many for H100.
constexpr size_t WORKSPACE_BYTES = WORKSPACE;
// Products of fewer multiplications are quicker by the kernels here.
constexpr double SMALL = 1 << 18;
// Problems that a context remembers.
constexpr size_t REMEMBERED = 4096;
constexpr int CANDIDATES = 8;

// An operand as cuBLASLt sees it: stored by columns, `ld` elements from one to the next.
struct Stored {
  int64_t rows, columns, ld;
  int32_t op;
};

// A matrix [rows, columns] of any strides, to be used transposed; false where neither its rows nor its columns lie in one piece.
bool storedOf(Stored& x, Size rows, Size columns, Size row, Size column) {
  if ((column == 1 || columns == 1) && (row >= columns || rows == 1)) {
    x = {columns, rows, rows == 1 ? columns : row, OP_N};
    return true;
  }
  if ((row == 1 || rows == 1) && (column >= rows || columns == 1)) {
    x = {rows, columns, columns == 1 ? rows : column, OP_T};
    return true;
  }
  return false;
}

// All that an algorithm hangs on: numbers only, so that it can be compared as bytes.
struct Problem {
  Stored first, second;
  int64_t batches, m, n, firstBatch, secondBatch, addedLd, biased, type, alignments;
  bool operator<(const Problem& other) const { return memcmp(this, &other, sizeof *this) < 0; }
};

// What was prepared for a problem; `served` is false where cuBLASLt has nothing for it.
struct Plan {
  bool served = false;
  void *desc = nullptr, *first = nullptr, *second = nullptr, *added = nullptr, *result = nullptr;
  Algorithm algorithm;
};

struct Handle {
  void* handle = nullptr;
  std::map<Problem, Plan> plans;
};

// The largest power of two, up to 16, that an address is a multiple of.
uint32_t alignmentOf(const void* address) {
  const uintptr_t low = (uintptr_t)address & 15;
  return low ? (uint32_t)(low & (~low + 1)) : 16;
}

int typeOf(int64_t type) {
  return type == (int64_t)GemmType::bfloat16 ? R_16BF : type == (int64_t)GemmType::float16 ? R_16F : R_32F;
}

void release(Plan& plan) {
  if (plan.desc) lt.descDestroy(plan.desc);
  for (void* layout : {plan.first, plan.second, plan.added, plan.result}) {
    if (layout) lt.layoutDestroy(layout);
  }
  plan = Plan();
}

// The status of the first call that fails.
struct Calls {
  int status = SUCCESS;
  const char* name = nullptr;
  void operator()(const char* call, int result) {
    if (status == SUCCESS && result != SUCCESS) status = result, name = call;
  }
};

void makeLayout(Calls& calls, void** layout, int type, int64_t rows, int64_t columns, int64_t ld, int32_t batches, int64_t stride) {
  calls("cublasLtMatrixLayoutCreate", lt.layoutCreate(layout, type, (uint64_t)rows, (uint64_t)columns, ld));
  if (!*layout || batches == 1) return;
  calls("cublasLtMatrixLayoutSetAttribute", lt.layoutSet(*layout, LAYOUT_BATCH_COUNT, &batches, sizeof batches));
  calls("cublasLtMatrixLayoutSetAttribute", lt.layoutSet(*layout, LAYOUT_BATCH_STRIDE, &stride, sizeof stride));
}

// Descriptors and an algorithm for a problem; `bias` is there for its alignment.
void prepare(Plan& plan, void* handle, const Problem& p, const void* bias) {
  Calls calls;
  const int type = typeOf(p.type);
  const int32_t batches = (int32_t)p.batches;
  calls("cublasLtMatmulDescCreate",
        lt.descCreate(&plan.desc, p.type == (int64_t)GemmType::tf32 ? COMPUTE_32F_FAST_TF32 : COMPUTE_32F, R_32F));
  makeLayout(calls, &plan.first, type, p.first.rows, p.first.columns, p.first.ld, batches, p.firstBatch);
  makeLayout(calls, &plan.second, type, p.second.rows, p.second.columns, p.second.ld, batches, p.secondBatch);
  makeLayout(calls, &plan.added, type, p.n, p.m, p.addedLd, batches, p.m * p.addedLd);
  makeLayout(calls, &plan.result, type, p.n, p.m, p.n, batches, p.m * p.n);
  if (calls.status == SUCCESS) {
    const auto set = [&](int attribute, const auto& value) {
      calls("cublasLtMatmulDescSetAttribute", lt.descSet(plan.desc, attribute, &value, sizeof value));
    };
    set(DESC_TRANSA, p.first.op);
    set(DESC_TRANSB, p.second.op);
    set(DESC_EPILOGUE, p.biased ? EPILOGUE_BIAS : EPILOGUE_DEFAULT);
    if (p.biased) {
      set(DESC_BIAS_POINTER, bias);
      set(DESC_BIAS_DATA_TYPE, (int32_t)type);
    }
  }
  void* preference = nullptr;
  calls("cublasLtMatmulPreferenceCreate", lt.preferenceCreate(&preference));
  Heuristic results[CANDIDATES] = {};
  int found = 0;
  if (calls.status == SUCCESS) {
    const auto prefer = [&](int attribute, const auto& value) {
      calls("cublasLtMatmulPreferenceSetAttribute", lt.preferenceSet(preference, attribute, &value, sizeof value));
    };
    prefer(PREFER_WORKSPACE, (uint64_t)WORKSPACE_BYTES);
    prefer(PREFER_REDUCTIONS, REDUCE_IN_COMPUTE_TYPE);
    for (int i = 0; i < 4; i++) prefer(PREFER_ALIGNMENT_A + i, (uint32_t)(p.alignments >> 8 * i & 255));
    calls("cublasLtMatmulAlgoGetHeuristic",
          lt.heuristics(handle, plan.desc, plan.first, plan.second, plan.added, plan.result, preference, CANDIDATES, results, &found));
  }
  if (preference) lt.preferenceDestroy(preference);
  for (int i = 0; i < found && calls.status == SUCCESS && !plan.served; i++) {
    if (results[i].state != SUCCESS || results[i].workspace > WORKSPACE_BYTES) continue;
    plan.algorithm = results[i].algorithm;
    plan.served = true;
  }
  if (plan.served) return;
  if (calls.status != SUCCESS) noteRefusal(CUBLASLT, calls.name, calls.status);
  release(plan);
}

bool multiply(const Gemm& g) {
  if (!libraryOptions[USE_CUBLASLT] || g.m <= 0 || g.n <= 0 || g.k <= 0 || g.batches <= 0 || g.batches > INT32_MAX) return false;
  if (!libraryOptions[SMALL_PROBLEMS] && (double)g.batches * g.m * g.n * g.k < SMALL) return false;
  Problem p;
  memset((void*)&p, 0, sizeof p);
  if (!storedOf(p.first, g.k, g.n, g.bRow, g.bColumn) || !storedOf(p.second, g.m, g.k, g.aRow, g.aColumn)) return false;
  if (g.bias && g.biasRow != 0 && g.biasRow < g.n && g.m * g.batches > 1) return false;
  if (g.batches > 1 && (g.aBatch < 0 || g.bBatch < 0)) return false;
  if (!opened()) return false;
  Handle& own = ofContext<Handle>();
  if (!own.handle) {
    const int status = lt.create(&own.handle);
    if (status != SUCCESS) {
      own.handle = nullptr;
      noteRefusal(CUBLASLT, "cublasLtCreate", status);
      return false;
    }
  }

  // A bias of its own for each row is the matrix that the product is added to.
  const bool matrixBias = g.bias && g.biasRow != 0;
  const void* added = matrixBias ? g.bias : g.c;
  p.batches = g.batches, p.m = g.m, p.n = g.n, p.type = (int64_t)g.type;
  p.firstBatch = g.batches > 1 ? g.bBatch : 0, p.secondBatch = g.batches > 1 ? g.aBatch : 0;
  p.addedLd = matrixBias && g.m * g.batches > 1 ? g.biasRow : g.n;
  p.biased = (g.bias && !matrixBias) * (int64_t)alignmentOf(g.bias);
  p.alignments = alignmentOf(g.b) | alignmentOf(g.a) << 8 | alignmentOf(added) << 16 | (int64_t)alignmentOf(g.c) << 24;
  if (own.plans.size() >= REMEMBERED) {
    for (auto& [problem, plan] : own.plans) release(plan);
    own.plans.clear();
  }
  const auto [place, isNew] = own.plans.try_emplace(p);
  Plan& plan = place->second;
  if (isNew) prepare(plan, own.handle, p, g.bias);
  if (!plan.served) return false;
  Calls calls;
  if (p.biased) calls("cublasLtMatmulDescSetAttribute", lt.descSet(plan.desc, DESC_BIAS_POINTER, &g.bias, sizeof g.bias));
  const float one = 1, beta = matrixBias ? 1 : 0;
  if (calls.status == SUCCESS) {
    calls("cublasLtMatmul", lt.matmul(own.handle, plan.desc, &one, g.b, plan.first, g.a, plan.second, &beta, added, plan.added, g.c,
                                      plan.result, &plan.algorithm, current.workspace, WORKSPACE_BYTES, current.stream));
  }
  if (calls.status != SUCCESS) {
    noteRefusal(CUBLASLT, calls.name, calls.status);
    release(plan);
    return false;
  }
  return true;
}

// Negative results become 0 and NaN stays, which cuBLASLt's epilogue does not promise.
template <class T> void rectify(T* c, Size count) {
  forEach(0, count, [=] DEVICE(Size i) {
    if ((float)c[i] < 0) c[i] = T(0.0f);
  });
}

bool serve(const Gemm& g) {
  if (!multiply(g)) return false;
  if (!g.relu) return true;
  const Size count = g.batches * g.m * g.n;
  if (g.type == GemmType::bfloat16) rectify((__nv_bfloat16*)g.c, count);
  else if (g.type == GemmType::float16) rectify((__half*)g.c, count);
  else rectify((float*)g.c, count);
  return true;
}

[[maybe_unused]] const bool registered = (libraryGemm = serve, true);

}  // namespace
