// The runtime: memory, streams, events and graphs, under the names of CUDA's.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <map>
#include <set>

#include "internal.h"

namespace emu {

std::recursive_mutex mu;
cudaError_t sticky = cudaSuccess;
static std::map<const void*, int>& sharedLimit() {
  static std::map<const void*, int> m;
  return m;
}

cudaError_t raiseSharedLimit(const void* f, int n) {
  std::lock_guard<std::recursive_mutex> l(mu);
  if (n > 232448) return cudaErrorInvalidValue;
  sharedLimit()[f] = n;
  return cudaSuccess;
}

static thread_local cudaError_t last = cudaSuccess;
static cudaError_t err(cudaError_t e) {
  if (e != cudaSuccess) last = e;
  return e;
}

// ---------------------------------------------------------------- streams, events, graphs
struct Graph {
  std::vector<std::function<void()>> nodes;
};

struct Event {
  bool recorded = false;
  Stream* stream = nullptr;
  uint64_t ticket = 0;
  double time = 0;
};

struct Stream {
  std::deque<std::function<void()>> q;
  uint64_t pushed = 0, done = 0;
  Graph* capture = nullptr;
  bool relaxed = false;
};

static Stream& nullStream() {
  static Stream s;
  return s;
}

static std::set<Stream*>& streams() {
  static std::set<Stream*> s{&nullStream()};
  return s;
}

static bool asyncMode() {
  static const bool on = environment("EMU_ASYNC", 0) != 0;
  return on;
}

static void drain(Stream* s, uint64_t upto = ~0ull) {
  while (!s->q.empty() && s->done < upto) {
    auto f = std::move(s->q.front());
    s->q.pop_front();
    f();
    s->done++;
  }
}

static void drainAll() {
  for (auto* s : streams()) drain(s);
}

static void push(Stream* s, std::function<void()> f) {
  if (!s) s = &nullStream();
  if (s->capture) {
    s->capture->nodes.push_back(std::move(f));
    return;
  }
  s->pushed++;
  s->q.push_back(std::move(f));
  if (!asyncMode()) drain(s);
}

// A stream whose capture forbids what a host thread may do to others meanwhile.
static Stream* capturing() {
  for (auto* s : streams()) if (s->capture && !s->relaxed) return s;
  return nullptr;
}

cudaError_t enqueueLaunch(const Launch& L, Stream* s, std::function<void()> fn) {
  std::lock_guard<std::recursive_mutex> g(mu);
  uint64_t T = (uint64_t)L.block.x * L.block.y * L.block.z;
  if (!T || T > 1024 || L.block.z > 64) return err(cudaErrorInvalidConfiguration);
  if (!L.grid.x || !L.grid.y || !L.grid.z) return err(cudaErrorInvalidConfiguration);
  if (L.grid.x > 0x7fffffffu || L.grid.y > 65535 || L.grid.z > 65535) return err(cudaErrorInvalidConfiguration);
  auto it = sharedLimit().find(L.fn);
  size_t lim = it == sharedLimit().end() ? 49152 : (size_t)it->second;
  if (L.smem > lim) return err(cudaErrorInvalidValue);
  if (sticky != cudaSuccess) return err(sticky);
  push(s, [L, fn = std::move(fn)]() mutable { runGrid(L, fn); });
  return asyncMode() ? cudaSuccess : err(sticky);
}

static size_t memoryLimit() {
  static const size_t n = environment("EMU_MEMORY", (size_t)2 << 30);
  return n;
}

static int deviceCount() {
  static const int n = (int)environment("EMU_DEVICES", 1);
  return n;
}

static thread_local int currentDevice;
static std::map<uintptr_t, size_t>& device() {
  static std::map<uintptr_t, size_t> m;
  return m;
}

static bool isDevice(const void* p, size_t n, bool* over) {
  auto& m = device();
  auto it = m.upper_bound((uintptr_t)p);
  *over = false;
  if (it == m.begin()) return false;
  --it;
  if ((uintptr_t)p >= it->first + std::max<size_t>(it->second, 1)) return false;
  *over = (uintptr_t)p + n > it->first + it->second;
  return true;
}

cudaError_t mallocDevice(void** p, size_t n, Stream*) {
  std::lock_guard<std::recursive_mutex> g(mu);
  if (!p) return err(cudaErrorInvalidValue);
  if (!n) {
    *p = nullptr;
    return cudaSuccess;
  }
  size_t used = 0;
  for (auto& [address, bytes] : device()) used += bytes;
  if (n > memoryLimit() || used + n > memoryLimit()) return err(cudaErrorMemoryAllocation);
  void* m = nullptr;
  if (posix_memalign(&m, 256, n)) return err(cudaErrorMemoryAllocation);
  memset(m, 0xff, n);
  device()[(uintptr_t)m] = n;
  *p = m;
  return cudaSuccess;
}

cudaError_t mallocHost(void** p, size_t n) {
  *p = malloc(n);
  return *p ? cudaSuccess : cudaErrorMemoryAllocation;
}

static cudaError_t checkCopy(void* d, const void* s, size_t n, cudaMemcpyKind k) {
  bool od, os;
  bool dd = isDevice(d, n, &od), sd = isDevice(s, n, &os);
  if (od || os) return cudaErrorInvalidValue;
  bool wd = k == cudaMemcpyHostToDevice || k == cudaMemcpyDeviceToDevice;
  bool ws = k == cudaMemcpyDeviceToHost || k == cudaMemcpyDeviceToDevice;
  if (k != cudaMemcpyDefault && (wd != dd || ws != sd)) return cudaErrorInvalidValue;
  return cudaSuccess;
}
}  // namespace emu

using namespace emu;
#define LOCK std::lock_guard<std::recursive_mutex> lock_(mu)
extern "C" __attribute__((visibility("default"))) void emu_order(const char* name) {
  LOCK;
  setPolicy(name);
}

extern "C" const char* emu_last_message() {
  return message;
}

extern "C" void emu_reset() {
  LOCK;
  sticky = cudaSuccess;
  last = cudaSuccess;
  message[0] = 0;
  for (auto* s : streams()) {
    s->q.clear();
    s->capture = nullptr;
  }
}

extern "C" size_t emu_live_allocations() {
  LOCK;
  return device().size();
}

const char* cudaGetErrorName(cudaError_t e) {
  switch (e) {
    case cudaSuccess: return "cudaSuccess";
    case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration: return "cudaErrorInvalidConfiguration";
    case cudaErrorLaunchFailure: return "cudaErrorLaunchFailure";
    case cudaErrorInsufficientDriver: return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice: return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
    default: return "cudaError";
  }
}

const char* cudaGetErrorString(cudaError_t e) {
  return e == cudaErrorLaunchFailure && message[0] ? message : cudaGetErrorName(e);
}

cudaError_t cudaGetLastError() {
  auto e = last;
  last = cudaSuccess;
  return e;
}

cudaError_t cudaPeekAtLastError() {
  return last;
}

static int driverVersion() {
  return (int)environment("EMU_DRIVER", 13000);
}

cudaError_t cudaGetDeviceCount(int* n) {
  if (driverVersion() < 13000) {
    *n = 0;
    return err(cudaErrorInsufficientDriver);
  }
  *n = deviceCount();
  return *n > 0 ? cudaSuccess : err(cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int d) {
  if (d < 0 || d >= deviceCount()) return err(cudaErrorInvalidDevice);
  currentDevice = d;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* d) {
  *d = currentDevice;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* v) {
  *v = driverVersion();
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* v) {
  *v = 13000;
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t* f, size_t* t) {
  LOCK;
  size_t used = 0;
  for (auto& [address, bytes] : device()) used += bytes;
  *t = memoryLimit();
  *f = *t - used;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) {
  memset(p, 0, sizeof *p);
  strcpy(p->name, "CUDA emulator (CPU)");
  p->totalGlobalMem = memoryLimit();
  p->sharedMemPerBlock = 49152;
  p->sharedMemPerBlockOptin = 232448;
  p->major = 8;
  p->multiProcessorCount = 2;
  p->maxThreadsPerMultiProcessor = 2048;
  p->warpSize = 32;
  p->maxThreadsPerBlock = 1024;
  p->l2CacheSize = 1 << 20;
  p->regsPerBlock = 65536;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp p;
  cudaGetDeviceProperties(&p, device);
  *value = attribute == cudaDevAttrMultiProcessorCount         ? p.multiProcessorCount
           : attribute == cudaDevAttrComputeCapabilityMajor ? p.major
                                                            : (int)p.sharedMemPerBlockOptin;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  LOCK;
  if (capturing()) return err(cudaErrorStreamCaptureUnsupported);
  drainAll();
  return err(sticky);
}

cudaError_t cudaFree(void* p) {
  LOCK;
  if (!p) return cudaSuccess;
  if (capturing()) return err(cudaErrorStreamCaptureUnsupported);
  drainAll();
  if (!device().erase((uintptr_t)p)) return err(cudaErrorInvalidValue);
  free(p);
  return err(sticky);
}

cudaError_t cudaFreeAsync(void* p, cudaStream_t s) {
  LOCK;
  if (!p) return cudaSuccess;
  if (!device().count((uintptr_t)p)) return err(cudaErrorInvalidValue);
  push(s, [p] { device().erase((uintptr_t)p); free(p); });
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* p) {
  free(p);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* d, const void* s, size_t n, cudaMemcpyKind k, cudaStream_t st) {
  LOCK;
  if (!n) return cudaSuccess;
  auto e = checkCopy(d, s, n, k);
  if (e) return err(e);
  push(st, [=] { memmove(d, s, n); });
  return err(sticky);
}

cudaError_t cudaMemcpy(void* d, const void* s, size_t n, cudaMemcpyKind k) {
  LOCK;
  if (capturing()) return err(cudaErrorStreamCaptureUnsupported);
  auto e = cudaMemcpyAsync(d, s, n, k, nullptr);
  if (e) return e;
  drainAll();
  return err(sticky);
}

cudaError_t cudaMemsetAsync(void* d, int v, size_t n, cudaStream_t st) {
  LOCK;
  bool o;
  if (n && (!isDevice(d, n, &o) || o)) return err(cudaErrorInvalidValue);
  push(st, [=] { memset(d, v, n); });
  return err(sticky);
}

cudaError_t cudaMemset(void* d, int v, size_t n) {
  LOCK;
  auto e = cudaMemsetAsync(d, v, n, nullptr);
  drainAll();
  return e;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* s, unsigned) {
  LOCK;
  *s = new Stream;
  streams().insert(*s);
  return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t* s) {
  return cudaStreamCreateWithFlags(s, 0);
}

cudaError_t cudaStreamDestroy(cudaStream_t s) {
  LOCK;
  if (!s || !streams().count(s)) return err(cudaErrorInvalidResourceHandle);
  drain(s);
  streams().erase(s);
  delete s;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t s) {
  LOCK;
  if (!s) s = &nullStream();
  if (s->capture) return err(cudaErrorStreamCaptureUnsupported);
  drain(s);
  return err(sticky);
}

cudaError_t cudaStreamQuery(cudaStream_t s) {
  LOCK;
  if (!s) s = &nullStream();
  if (s->capture) return err(cudaErrorStreamCaptureUnsupported);
  if (asyncMode() && !s->q.empty()) {
    drain(s, s->done + 1);
    return cudaErrorNotReady;
  }
  return err(sticky);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* e, unsigned) {
  *e = new Event;
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* e) {
  return cudaEventCreateWithFlags(e, 0);
}

cudaError_t cudaEventDestroy(cudaEvent_t e) {
  LOCK;
  drainAll();
  delete e;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s) {
  LOCK;
  if (!s) s = &nullStream();
  e->recorded = true;
  e->stream = s;
  push(s, [e] {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    e->time = std::chrono::duration<double, std::milli>(now).count();
  });
  e->ticket = s->pushed;
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t e) {
  LOCK;
  if (e->recorded) drain(e->stream, e->ticket);
  return err(sticky);
}

cudaError_t cudaEventQuery(cudaEvent_t e) {
  LOCK;
  return e->recorded && e->stream->done < e->ticket ? cudaErrorNotReady : cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t a, cudaEvent_t b) {
  LOCK;
  if (!a->recorded || !b->recorded) return err(cudaErrorInvalidResourceHandle);
  if (cudaEventQuery(a) || cudaEventQuery(b)) return cudaErrorNotReady;
  *ms = (float)(b->time - a->time);
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned) {
  LOCK;
  if (!e->recorded) return cudaSuccess;
  Stream* es = e->stream;
  uint64_t t = e->ticket;
  push(s, [es, t] { drain(es, t); });
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode mode) {
  LOCK;
  if (!s) return err(cudaErrorStreamCaptureUnsupported);
  if (s->capture) return err(cudaErrorInvalidValue);
  s->capture = new Graph;
  s->relaxed = mode == cudaStreamCaptureModeRelaxed;
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t* g) {
  LOCK;
  if (!s || !s->capture) return err(cudaErrorInvalidValue);
  *g = s->capture;
  s->capture = nullptr;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* x, cudaGraph_t g, unsigned long long) {
  *x = new Graph(*g);
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t x, cudaStream_t s) {
  LOCK;
  for (auto& n : x->nodes) push(s, n);
  return err(sticky);
}

cudaError_t cudaGraphDestroy(cudaGraph_t g) {
  delete g;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t g) {
  LOCK;
  drainAll();
  delete g;
  return cudaSuccess;
}
