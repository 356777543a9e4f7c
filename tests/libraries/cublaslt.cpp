// Stands in for cuBLASLt.
#include "fake.h"

namespace {
constexpr int OK = 0, NOT_INITIALIZED = 1, INVALID = 7, FAILED = 13, NOT_SUPPORTED = 15;
constexpr int R_32F = 0, R_16F = 2, R_16BF = 14;

struct Desc {
  int compute, scale;
  int32_t opA = 0, opB = 0, biasType = -1;
  uint32_t epilogue = 1;
  const void* bias = nullptr;
};
struct Layout {
  int type;
  uint64_t rows, columns;
  int64_t ld;
  int32_t batches = 1;
  int64_t stride = 0;
};
struct Preference {
  uint64_t workspace = 0;
  uint32_t reductions = 7, alignment[4] = {256, 256, 256, 256};
};
struct Algorithm {
  uint64_t magic, workspace, alignment[4], unused[2];
};
struct Heuristic {
  Algorithm algorithm;
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
};
static_assert(sizeof(Heuristic) == 64 + 8 + 4 + 4 + 16, "as documented");
constexpr uint64_t MAGIC = 0x6c6f67616c67;

int sizeOf(int type) { return type == R_32F ? 4 : 2; }
float load(const void* p, int type, int64_t i) {
  if (type == R_16F) return ((const __half*)p)[i];
  if (type == R_16BF) return ((const __nv_bfloat16*)p)[i];
  return ((const float*)p)[i];
}
void store(void* p, int type, int64_t i, float value) {
  if (type == R_16F) ((__half*)p)[i] = __half(value);
  else if (type == R_16BF) ((__nv_bfloat16*)p)[i] = __nv_bfloat16(value);
  else ((float*)p)[i] = value;
}
template <class T> int take(T& place, const void* value, size_t bytes) {
  if (bytes != sizeof(T) || !value) return INVALID;
  memcpy(&place, value, bytes);
  return OK;
}
bool alike(const Layout& a, const Layout& b) { return a.rows == b.rows && a.columns == b.columns && a.type == b.type; }

// Sizes of op(A) op(B) = D, or an error.
int sizes(const Desc& d, const Layout& a, const Layout& b, const Layout& c, const Layout& r, int64_t& m, int64_t& n, int64_t& k) {
  m = d.opA ? a.columns : a.rows, k = d.opA ? a.rows : a.columns, n = d.opB ? b.rows : b.columns;
  if ((int64_t)(d.opB ? b.columns : b.rows) != k || (int64_t)r.rows != m || (int64_t)r.columns != n || !alike(c, r)) return INVALID;
  for (const Layout* x : {&a, &b, &c, &r}) {
    if (x->ld < (int64_t)x->rows || x->batches != r.batches || x->type != a.type) return INVALID;
  }
  if (d.compute == 77 ? a.type != R_32F : d.compute != 68) return NOT_SUPPORTED;
  if (d.scale != R_32F || (d.epilogue != 1 && d.epilogue != 4)) return NOT_SUPPORTED;
  return d.epilogue == 4 && (!d.bias || (d.biasType != -1 && d.biasType != r.type)) ? NOT_SUPPORTED : OK;
}
}  // namespace

API size_t cublasLtGetVersion() { return 130100; }
API int cublasLtCreate(void** handle) {
  counts()["create"]++;
  if (wanted("create")) return NOT_INITIALIZED;
  *handle = new int(1);
  return OK;
}
API int cublasLtMatmulDescCreate(void** desc, int compute, int scale) {
  counts()["descriptors"]++;
  *desc = new Desc{compute, scale};
  return OK;
}
API int cublasLtMatmulDescDestroy(void* desc) {
  counts()["descriptors"]--;
  delete (Desc*)desc;
  return OK;
}
API int cublasLtMatmulDescSetAttribute(void* desc, int attribute, const void* value, size_t bytes) {
  Desc& d = *(Desc*)desc;
  switch (attribute) {
    case 3: return take(d.opA, value, bytes);
    case 4: return take(d.opB, value, bytes);
    case 7: return take(d.epilogue, value, bytes);
    case 8: return take(d.bias, value, bytes);
    case 26: return take(d.biasType, value, bytes);
  }
  return INVALID;
}
API int cublasLtMatrixLayoutCreate(void** layout, int type, uint64_t rows, uint64_t columns, int64_t ld) {
  counts()["descriptors"]++;
  *layout = new Layout{type, rows, columns, ld};
  return OK;
}
API int cublasLtMatrixLayoutDestroy(void* layout) {
  counts()["descriptors"]--;
  delete (Layout*)layout;
  return OK;
}
API int cublasLtMatrixLayoutSetAttribute(void* layout, int attribute, const void* value, size_t bytes) {
  Layout& x = *(Layout*)layout;
  return attribute == 5 ? take(x.batches, value, bytes) : attribute == 6 ? take(x.stride, value, bytes) : INVALID;
}
API int cublasLtMatmulPreferenceCreate(void** preference) {
  counts()["descriptors"]++;
  *preference = new Preference();
  return OK;
}
API int cublasLtMatmulPreferenceDestroy(void* preference) {
  counts()["descriptors"]--;
  delete (Preference*)preference;
  return OK;
}
API int cublasLtMatmulPreferenceSetAttribute(void* preference, int attribute, const void* value, size_t bytes) {
  Preference& p = *(Preference*)preference;
  if (attribute == 1) return take(p.workspace, value, bytes);
  if (attribute == 3) return take(p.reductions, value, bytes);
  return attribute >= 5 && attribute <= 8 ? take(p.alignment[attribute - 5], value, bytes) : INVALID;
}
API int cublasLtMatmulAlgoGetHeuristic(void* handle, void* desc, void* a, void* b, void* c, void* d, void* preference, int wantedCount,
                                       Heuristic* results, int* found) {
  counts()["heuristics"]++;
  int64_t m, n, k;
  if (!handle) return NOT_INITIALIZED;
  const int status = sizes(*(Desc*)desc, *(Layout*)a, *(Layout*)b, *(Layout*)c, *(Layout*)d, m, n, k);
  if (status != OK) return status;
  *found = 0;
  if (wanted("nothing")) return NOT_SUPPORTED;
  const Preference& p = *(Preference*)preference;
  if (p.reductions & 5) return INVALID;  // sums that would be rounded between
  if (wantedCount < 2) return INVALID;
  // One that does not go, and one that goes.
  results[0].state = NOT_SUPPORTED;
  results[1].state = OK;
  results[1].workspace = p.workspace / 32;
  results[1].algorithm = {MAGIC, p.workspace / 32, {p.alignment[0], p.alignment[1], p.alignment[2], p.alignment[3]}, {}};
  *found = 2;
  return OK;
}
API int cublasLtMatmul(void* handle, void* desc, const void* alpha, const void* a, void* aLayout, const void* b, void* bLayout,
                       const void* beta, const void* c, void* cLayout, void* d, void* dLayout, const Algorithm* algorithm,
                       void* workspace, size_t bytes, void*) {
  if (wanted("matmul")) return FAILED;
  const Desc& x = *(Desc*)desc;
  const Layout &la = *(Layout*)aLayout, &lb = *(Layout*)bLayout, &lc = *(Layout*)cLayout, &ld = *(Layout*)dLayout;
  int64_t m, n, k;
  if (!handle) return NOT_INITIALIZED;
  const int status = sizes(x, la, lb, lc, ld, m, n, k);
  if (status != OK) return status;
  if (algorithm->magic != MAGIC || bytes < algorithm->workspace || !workspace) return INVALID;
  memset(workspace, 0xff, algorithm->workspace);
  const void* operands[] = {a, b, c, d};
  for (int i = 0; i < 4; i++) {
    if ((uintptr_t)operands[i] % algorithm->alignment[i]) return INVALID;
  }
  for (int64_t t = 0; t < ld.batches; t++) {
    for (int64_t j = 0; j < n; j++) {
      for (int64_t i = 0; i < m; i++) {
        double sum = 0;
        for (int64_t p = 0; p < k; p++) {
          float u = load(a, la.type, t * la.stride + (x.opA ? p + i * la.ld : i + p * la.ld));
          float v = load(b, lb.type, t * lb.stride + (x.opB ? j + p * lb.ld : p + j * lb.ld));
          if (x.compute == 77) u = toTf32(u), v = toTf32(v);
          sum += (double)u * v;
        }
        float y = *(const float*)alpha * (float)sum;
        if (*(const float*)beta != 0) y += *(const float*)beta * load(c, lc.type, t * lc.stride + i + j * lc.ld);
        if (x.epilogue & 4) y += load(x.bias, ld.type, i);
        store(d, ld.type, t * ld.stride + i + j * ld.ld, y);
      }
    }
  }
  counts()["matmul"]++;
  if (x.compute == 77) counts()["tf32"]++;
  if (x.epilogue == 4) counts()["bias"]++;
  if (*(const float*)beta != 0) counts()["added"]++;
  if (ld.batches > 1) counts()["batched"]++;
  counts()[std::string("op ") + (x.opA ? "T" : "N") + (x.opB ? "T" : "N")]++;
  return sizeOf(ld.type) == 2 ? (counts()["half"]++, OK) : OK;
}
