// cuda_emulator.cpp - fibers, block scheduler, warp collectives, streams, graphs and memory of the CPU emulator.
// Environment: EMU_ORDER=forward|reverse|random[:seed]   order of threads and blocks (default forward)
//              EMU_ASYNC=1   stream work runs only when something waits for it (finds missing synchronisation)
//              EMU_FAIL=kernel  that kernel fails when it runs   EMU_DRIVER=version  of the driver, as 12020; 0 is none
//              EMU_DEVICES=n  devices (default 1)          EMU_MEMORY=bytes  memory of all devices together (default 8 GiB)
//              EMU_STACK=bytes  stack of one emulated thread (default 64 KiB; 256 KiB under AddressSanitizer)
#include "emulator.h"
#include <sys/mman.h>
#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define EMU_ASAN 1
#endif

// ------------------------------------------------------------------ context switch
#if defined(__x86_64__)
extern "C" void emu_switch(void** saveSp, void* loadSp);
asm(R"(.text
.type emu_switch,@function
emu_switch:
  pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15
  movq %rsp,(%rdi)
  movq %rsi,%rsp
  popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp
  ret
.size emu_switch,.-emu_switch
)");
static void* initialSp(void* top, void (*entry)()) {
  void** s = (void**)((uintptr_t)top & ~(uintptr_t)15);
  *--s = nullptr; *--s = (void*)entry;          // entry sees rsp % 16 == 8, as after a call
  for (int i = 0; i < 6; i++) *--s = nullptr;
  return s;
}
#elif defined(__aarch64__)
extern "C" void emu_switch(void** saveSp, void* loadSp);
asm(R"(.text
.type emu_switch,%function
emu_switch:
  sub sp,sp,#160
  stp x19,x20,[sp,#0]; stp x21,x22,[sp,#16]; stp x23,x24,[sp,#32]; stp x25,x26,[sp,#48]; stp x27,x28,[sp,#64]; stp x29,x30,[sp,#80]
  stp d8,d9,[sp,#96]; stp d10,d11,[sp,#112]; stp d12,d13,[sp,#128]; stp d14,d15,[sp,#144]
  mov x9,sp; str x9,[x0]; mov sp,x1
  ldp x19,x20,[sp,#0]; ldp x21,x22,[sp,#16]; ldp x23,x24,[sp,#32]; ldp x25,x26,[sp,#48]; ldp x27,x28,[sp,#64]; ldp x29,x30,[sp,#80]
  ldp d8,d9,[sp,#96]; ldp d10,d11,[sp,#112]; ldp d12,d13,[sp,#128]; ldp d14,d15,[sp,#144]
  add sp,sp,#160
  ret
)");
static void* initialSp(void* top, void (*entry)()) {
  void** s = (void**)(((uintptr_t)top & ~(uintptr_t)15) - 160); memset(s, 0, 160); s[11] = (void*)entry; return s;
}
#else
#error "add emu_switch for this CPU"
#endif

namespace emu {
enum : uint8_t { FRESH, READY, AT_BARRIER, AT_WARP, DONE };
struct Fiber { void* sp; unsigned char* stack; };

Thread* cur; Index blk; dim3 blockDim_, gridDim_; uint64_t blockEpoch; unsigned char* dynShared;

static std::recursive_mutex mu;
static size_t stackSize() {
  static size_t n = [] { const char* e = getenv("EMU_STACK");
#ifdef EMU_ASAN
    size_t d = 256 << 10;
#else
    size_t d = 64 << 10;
#endif
    return e ? (size_t)atol(e) : d; }();
  return n;
}
static std::vector<Fiber*>& freeFibers = *new std::vector<Fiber*>;   // never destroyed: reachable at exit
static std::vector<Thread> threads; static std::vector<unsigned> order; static unsigned pos, live, arrived, barrierGen;
static const char* barrierFile; static int barrierLine; static long barrierSum, barrierAnd, barrierOr, barrierRes; static Op barrierOp;
static std::function<void()>* body; static void* mainSp; static bool failed; static char message[512]; static const char* kernelName;
static size_t staticShared; static std::vector<std::pair<void*, size_t>> sharedVars;
static std::mt19937 rng(1);
static int orderOf(const char* e) { if (!e) return 0; if (!strncmp(e, "reverse", 7)) return 1;
  if (!strncmp(e, "random", 6)) { rng.seed(e[6] == ':' ? (unsigned)atoi(e + 7) : 1u); return 2; } return 0; }
static int& policy() { static int p = orderOf(getenv("EMU_ORDER")); return p; }

#ifdef EMU_ASAN
static void* mainFake; static const void* mainBottom; static size_t mainSize;
#endif
static void fiberMain();
static Fiber* newFiber() {
  if (!freeFibers.empty()) {
    Fiber* f = freeFibers.back(); freeFibers.pop_back();
#ifdef EMU_ASAN
    ASAN_UNPOISON_MEMORY_REGION(f->stack, stackSize());   // frames that were left without returning
#endif
    f->sp = initialSp(f->stack + stackSize(), fiberMain); return f;
  }
  Fiber* f = new Fiber; size_t n = stackSize();
  unsigned char* m = (unsigned char*)mmap(nullptr, n + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (m == MAP_FAILED) { fprintf(stderr, "cuda emulator: no memory for stacks\n"); abort(); }
  mprotect(m, 4096, PROT_NONE); f->stack = m + 4096; f->sp = initialSp(f->stack + n, fiberMain); return f;
}
static inline bool runnable(const Thread& t) { return t.state == FRESH || t.state == READY || (t.state == AT_BARRIER && t.waitGen != barrierGen) || (t.state == AT_WARP && t.warpDone); }
static Thread* next() {
  unsigned n = (unsigned)order.size();
  for (unsigned i = 1; i <= n; i++) { unsigned p = pos + i; if (p >= n) p -= n; Thread* t = &threads[order[p]]; if (runnable(*t)) { pos = p; return t; } }
  return nullptr;
}
// switch from the fiber of `from` (may be null = finished for good) to `to`
static void jump(void** save, void* sp, bool leaving, const unsigned char* stack, size_t size) {
#ifdef EMU_ASAN
  void* fake = nullptr; __sanitizer_start_switch_fiber(leaving ? nullptr : &fake, stack, size);
  emu_switch(save, sp);
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#else
  (void)leaving; (void)stack; (void)size; emu_switch(save, sp);
#endif
}
static void* deadSp;
static void toMain(bool leaving, void** save) {
#ifdef EMU_ASAN
  jump(save, mainSp, leaving, (const unsigned char*)mainBottom, mainSize);
#else
  jump(save, mainSp, leaving, nullptr, 0);
#endif
}
static void enter(Thread* t, void** save, bool leaving) {
  if (t->state == FRESH) { t->fiber = newFiber(); }
  t->state = t->state == FRESH ? FRESH : READY; cur = t;
  jump(save, t->fiber->sp, leaving, t->fiber->stack, stackSize());
}
static const char* stateName(const Thread& t) { return t.state == AT_BARRIER ? "__syncthreads" : t.state == AT_WARP ? "a warp intrinsic" : "?"; }
static void deadlock() {
  static char b[400]; int used = 0, shown = 0, n = 0; b[0] = 0;       // static: the stack is abandoned, nothing is destroyed
  for (auto& t : threads) if (t.state != DONE && ++n && shown < 3) used += snprintf(b + used, sizeof b - (size_t)used, "%s thread (%u,%u,%u) at %s %s:%d", shown++ ? ";" : "", t.tid.x, t.tid.y, t.tid.z, stateName(t), t.file, t.line);
  fail("deadlock, %d threads wait:%s", n, b);
}
static void yield() {
  Thread* me = cur; Thread* t = next();
  if (t == me) { me->state = READY; return; }
  if (!t) deadlock();
  enter(t, &me->fiber->sp, false);
  // back
}
static void finishThread() {
  cur->state = DONE; live--;
  if (live && arrived == live) { arrived = 0; barrierGen++; }        // exited threads do not take part in barriers
}
static void fiberMain() {
#ifdef EMU_ASAN
  const void* b; size_t n; static bool first = true;
  if (first) { first = false; __sanitizer_finish_switch_fiber(nullptr, &b, &n); mainBottom = b; mainSize = n; } else __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
  Fiber* self = cur->fiber;
  for (;;) {
    cur->state = READY; (*body)(); finishThread();
    if (!live) { freeFibers.push_back(self); toMain(true, &deadSp); }
    Thread* t = next();
    if (!t) deadlock();
    if (t->state == FRESH) { t->fiber = self; cur = t; continue; }     // reuse this stack: no switch at all
    freeFibers.push_back(self); t->state = READY; cur = t;
    jump(&deadSp, t->fiber->sp, true, t->fiber->stack, stackSize());
  }
}
void fail(const char* fmt, ...) {
  char b[400]; va_list ap; va_start(ap, fmt); vsnprintf(b, sizeof b, fmt, ap); va_end(ap);
  snprintf(message, sizeof message, "kernel %s block (%u,%u,%u) thread (%u,%u,%u): %s", kernelName, blk.x, blk.y, blk.z, cur->tid.x, cur->tid.y, cur->tid.z, b);
  failed = true; toMain(true, &deadSp); __builtin_unreachable();
}

// ------------------------------------------------------------------ barrier
static void release() { arrived = 0; barrierGen++; barrierRes = barrierOp == Op::add ? barrierSum : barrierOp == Op::and_ ? barrierAnd : barrierOr; }
int syncThreadsReduce(int pred, Op op, const char* file, int line) {
  Thread* t = cur; t->file = file; t->line = line;
  if (arrived == 0) { barrierFile = file; barrierLine = line; barrierSum = barrierOr = 0; barrierAnd = 1; barrierOp = op; }
  else if (barrierLine != line || barrierFile != file) fail("divergent barrier: this thread is at %s:%d, others at %s:%d", file, line, barrierFile, barrierLine);
  barrierSum += pred != 0; barrierAnd &= pred != 0; barrierOr |= pred != 0;
  if (++arrived == live) { release(); return (int)barrierRes; }
  t->state = AT_BARRIER; t->waitGen = barrierGen; yield(); return (int)barrierRes;
}
void syncThreads(const char* file, int line) { syncThreadsReduce(0, Op::sync, file, line); }

// ------------------------------------------------------------------ warp collectives: the last lane to arrive computes all results
static float bf(uint16_t b) { uint32_t u = (uint32_t)b << 16; float f; memcpy(&f, &u, 4); return f; }
static void compute(Thread* w, unsigned mask, Op op) {   // w = lane 0 of the warp
  auto in = [&](int l) { unsigned v; memcpy(&v, w[l].in, 4); return v; };
  auto all = [&](unsigned v) { for (int l = 0; l < 32; l++) if (mask >> l & 1) memcpy(w[l].out, &v, 4); };
  unsigned r = 0;
  switch (op) {
    case Op::shfl: for (int l = 0; l < 32; l++) if (mask >> l & 1) { int s = w[l].src; if (s < 0 || s > 31 || !(mask >> s & 1)) { cur = &w[l]; fail("shuffle reads lane %d, which is not in the mask 0x%08x (%s:%d)", s, mask, w[l].file, w[l].line); } memcpy(w[l].out, w[s].in, w[l].size); } return;
    case Op::ballot: for (int l = 0; l < 32; l++) if ((mask >> l & 1) && in(l)) r |= 1u << l; return all(r);
    case Op::any: for (int l = 0; l < 32; l++) if (mask >> l & 1) r |= in(l); return all(r);
    case Op::all: r = 1; for (int l = 0; l < 32; l++) if (mask >> l & 1) r &= in(l); return all(r);
    case Op::sync: return;
    case Op::add: for (int l = 0; l < 32; l++) if (mask >> l & 1) r += in(l); return all(r);
    case Op::max_: { int m = INT32_MIN; for (int l = 0; l < 32; l++) if (mask >> l & 1) m = std::max(m, (int)in(l)); return all((unsigned)m); }
    case Op::min_: { int m = INT32_MAX; for (int l = 0; l < 32; l++) if (mask >> l & 1) m = std::min(m, (int)in(l)); return all((unsigned)m); }
    case Op::and_: r = ~0u; for (int l = 0; l < 32; l++) if (mask >> l & 1) r &= in(l); return all(r);
    case Op::or_: for (int l = 0; l < 32; l++) if (mask >> l & 1) r |= in(l); return all(r);
    case Op::xor_: for (int l = 0; l < 32; l++) if (mask >> l & 1) r ^= in(l); return all(r);
    case Op::match: for (int l = 0; l < 32; l++) if (mask >> l & 1) { unsigned m = 0; for (int k = 0; k < 32; k++) if ((mask >> k & 1) && in(k) == in(l)) m |= 1u << k; memcpy(w[l].out, &m, 4); } return;
    case Op::mma: {
      float A[16][16], B[16][8];
      for (int l = 0; l < 32; l++) {
        const uint32_t* a = (const uint32_t*)w[l].p0; const uint32_t* b = (const uint32_t*)w[l].p1; int g = l >> 2, t = l & 3;
        for (int i = 0; i < 4; i++) for (int h = 0; h < 2; h++) A[g + (i & 1) * 8][t * 2 + h + (i >> 1) * 8] = bf((uint16_t)(a[i] >> (16 * h)));
        for (int i = 0; i < 2; i++) for (int h = 0; h < 2; h++) B[t * 2 + h + i * 8][g] = bf((uint16_t)(b[i] >> (16 * h)));
      }
      for (int l = 0; l < 32; l++) { float* d = (float*)w[l].p2; int g = l >> 2, t = l & 3;
        for (int i = 0; i < 4; i++) { int row = g + (i >> 1) * 8, col = t * 2 + (i & 1); float s = d[i]; for (int k = 0; k < 16; k++) s += A[row][k] * B[k][col]; d[i] = s; } }
      return;
    }
    case Op::ldmatrix: {
      int n = w[0].i0 & 15; bool tr = w[0].i0 >> 4;
      for (int l = 0; l < 32; l++) { uint32_t* d = (uint32_t*)w[l].p2; int g = l >> 2, t = l & 3;
        for (int i = 0; i < n; i++) { uint16_t e[2];
          for (int h = 0; h < 2; h++) { int row = tr ? t * 2 + h : g, col = tr ? g : t * 2 + h; e[h] = ((const uint16_t*)w[i * 8 + row].p0)[col]; }
          d[i] = (uint32_t)e[0] | (uint32_t)e[1] << 16; } }
      return;
    }
  }
}
void warpCollective(const char* file, int line) {
  Thread* t = cur; t->file = file; t->line = line; unsigned mask = t->mask;
  if (!(mask >> t->lane & 1)) fail("lane %u calls a warp intrinsic with mask 0x%08x that does not name it (%s:%d)", t->lane, mask, file, line);
  Thread* w = t - t->lane; size_t left = threads.size() - (size_t)(w - threads.data());
  for (unsigned l = 0; l < 32; l++) if (mask >> l & 1) {
    if (l >= left) fail("mask 0x%08x names lane %u, which the block does not have (%s:%d)", mask, l, file, line);
    if (w[l].state == DONE) fail("mask 0x%08x names lane %u, which has exited (%s:%d)", mask, l, file, line);
    if (&w[l] == t) continue;
    if (w[l].state != AT_WARP || w[l].warpDone) { t->state = AT_WARP; t->warpDone = false; yield(); return; }
    if (w[l].op != t->op || w[l].mask != mask || w[l].line != line) fail("divergent warp intrinsic: lane %u is at %s:%d, lane %u at %s:%d", t->lane, file, line, l, w[l].file, w[l].line);
  }
  compute(w, mask, t->op);
  for (unsigned l = 0; l < 32; l++) if ((mask >> l & 1) && &w[l] != t) w[l].warpDone = true;
}
void mmaBf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) { Thread* t = cur; t->op = Op::mma; t->mask = ~0u; t->p0 = a; t->p1 = b; t->p2 = d; warpCollective("mma.sync", 0); }
void ldmatrix(uint32_t* r, int n, bool tr, const void* p) {
  Thread* t = cur; if ((uintptr_t)p & 15) fail("ldmatrix row address is not 16-byte aligned");
  t->op = Op::ldmatrix; t->mask = ~0u; t->i0 = n | (tr ? 16 : 0); t->p0 = p; t->p2 = r; warpCollective("ldmatrix", 0); }
struct CpQueue { struct Entry { void* dst; const void* src; int bytes, group; }; std::vector<Entry> pending; int groups = 0; };
static std::vector<CpQueue> cpQueues; static bool cpUsed;
static CpQueue& cpQueue() { if (cpQueues.size() < threads.size()) cpQueues.resize(threads.size()); cpUsed = true; return cpQueues[(size_t)(cur - threads.data())]; }
void cpAsync16(void* d, const void* s, int n) {
  if (((uintptr_t)d & 15) || (n && ((uintptr_t)s & 15))) fail("cp.async address is not 16-byte aligned");
  if (n < 0 || n > 16) fail("cp.async of %d bytes", n);
  CpQueue& q = cpQueue(); q.pending.push_back({d, s, n, q.groups}); memset(d, 0xff, 16);   // the data arrives at the wait
}
void cpAsyncCommit() { cpQueue().groups++; }
void cpAsyncWait(int keep) {
  CpQueue& q = cpQueue(); size_t k = 0;
  for (auto& c : q.pending) { if (c.group < q.groups - keep) { memset(c.dst, 0, 16); memcpy(c.dst, c.src, (size_t)c.bytes); } else q.pending[k++] = c; }
  q.pending.resize(k);
}
void sharedEnter(SharedVar& v, void* p, size_t n, const char* file, int line) {
  if (v.epoch == blockEpoch) return;
  v.epoch = blockEpoch; staticShared += n;
  if (staticShared > 48 * 1024) fail("%zu bytes of static shared memory, the limit is 49152 (%s:%d)", staticShared, file, line);
  memset(p, 0xff, n);                                                   // NaN: shared memory starts undefined
}

// ------------------------------------------------------------------ grid
static std::map<const void*, int>& sharedLimit() { static std::map<const void*, int> m; return m; }
cudaError_t raiseSharedLimit(const void* f, int n) { std::lock_guard<std::recursive_mutex> l(mu); if (n > 232448) return cudaErrorInvalidValue; sharedLimit()[f] = n; return cudaSuccess; }
static cudaError_t sticky = cudaSuccess; static thread_local cudaError_t last = cudaSuccess;
static cudaError_t err(cudaError_t e) { if (e != cudaSuccess) last = e; return e; }
static void setOrder(std::vector<unsigned>& o, unsigned n) {
  o.resize(n); for (unsigned i = 0; i < n; i++) o[i] = i;
  if (policy() == 1) std::reverse(o.begin(), o.end());
  if (policy() == 2) { std::vector<unsigned> w((n + 31) / 32); for (unsigned i = 0; i < w.size(); i++) w[i] = i; std::shuffle(w.begin(), w.end(), rng); unsigned k = 0;
    for (unsigned x : w) { unsigned b = k; for (unsigned i = x * 32; i < std::min(n, x * 32 + 32); i++) o[k++] = i; std::shuffle(o.begin() + b, o.begin() + k, rng); } }
}
static void runGrid(const Launch& L, std::function<void()>& fn) {
  if (sticky != cudaSuccess) return;
  unsigned T = L.block.x * L.block.y * L.block.z; kernelName = L.name; body = &fn; blockDim_ = L.block; gridDim_ = L.grid;
  unsigned i = 0; static dim3 shape(0, 0, 0);
  if (threads.size() != T || shape.x != L.block.x || shape.y != L.block.y) { threads.assign(T, Thread()); shape = L.block; order.clear(); }
  for (unsigned z = 0; z < L.block.z; z++) for (unsigned y = 0; y < L.block.y; y++) for (unsigned x = 0; x < L.block.x; x++, i++) { threads[i].tid = {x, y, z}; threads[i].lane = i & 31; threads[i].warp = i >> 5; }
  unsigned char* smem = L.smem ? (unsigned char*)aligned_alloc(128, (L.smem + 127) / 128 * 128) : nullptr;
#ifdef EMU_ASAN
  if (smem && L.smem % 128) ASAN_POISON_MEMORY_REGION(smem + L.smem, 128 - L.smem % 128);
#endif
  if (const char* name = getenv("EMU_FAIL")) if (!strcmp(name, L.name)) { snprintf(message, sizeof message, "kernel %s fails, as EMU_FAIL asks", L.name); failed = true; }
  dynShared = smem; uint64_t nb = (uint64_t)L.grid.x * L.grid.y * L.grid.z;
  std::vector<unsigned> bo; if (policy()) setOrder(bo, (unsigned)nb);
  for (uint64_t q = 0; q < nb && !failed; q++) {
    uint64_t b = bo.empty() ? q : bo[q]; blk = {(unsigned)(b % L.grid.x), (unsigned)(b / L.grid.x % L.grid.y), (unsigned)(b / L.grid.x / L.grid.y)};
    if (order.size() != T || policy() == 2) setOrder(order, T);
    for (auto& t : threads) t.state = FRESH;
    if (cpUsed) { for (auto& c : cpQueues) { c.pending.clear(); c.groups = 0; } cpUsed = false; }
    live = T; arrived = 0; barrierGen++; blockEpoch++; staticShared = 0; pos = T - 1; if (smem) memset(smem, 0xff, L.smem);
    Thread* t = next();
    if (t) {
      t->fiber = newFiber(); cur = t;
#ifdef EMU_ASAN
      __sanitizer_start_switch_fiber(&mainFake, t->fiber->stack, stackSize()); emu_switch(&mainSp, t->fiber->sp); __sanitizer_finish_switch_fiber(mainFake, nullptr, nullptr);
#else
      emu_switch(&mainSp, t->fiber->sp);
#endif
    }
  }
  if (failed) {                                    // abandon the block: give the stacks back
    for (auto& t : threads) if (t.state == READY || t.state == AT_BARRIER || t.state == AT_WARP) if (std::find(freeFibers.begin(), freeFibers.end(), t.fiber) == freeFibers.end()) freeFibers.push_back(t.fiber);
    failed = false; sticky = cudaErrorLaunchFailure; fprintf(stderr, "cuda emulator: %s\n", message);
  }
#ifdef EMU_ASAN
  if (smem) ASAN_UNPOISON_MEMORY_REGION(smem, (L.smem + 127) / 128 * 128);
#endif
  free(smem);
}

// ------------------------------------------------------------------ streams, events, graphs
struct Graph { std::vector<std::function<void()>> nodes; };
struct Event { bool recorded = false; Stream* stream = nullptr; uint64_t ticket = 0; double time = 0; };
struct Stream { std::deque<std::function<void()>> q; uint64_t pushed = 0, done = 0; Graph* capture = nullptr; bool invalid = false; };
static Stream& nullStream() { static Stream s; return s; }
static std::set<Stream*>& streams() { static std::set<Stream*> s{&nullStream()}; return s; }
static bool asyncMode() { static bool a = getenv("EMU_ASYNC") && atoi(getenv("EMU_ASYNC")); return a; }
static void drain(Stream* s, uint64_t upto = ~0ull) { while (!s->q.empty() && s->done < upto) { auto f = std::move(s->q.front()); s->q.pop_front(); f(); s->done++; } }
static void drainAll() { for (auto* s : streams()) drain(s); }
static void push(Stream* s, std::function<void()> f) {
  if (!s) s = &nullStream();
  if (s->capture) { s->capture->nodes.push_back(std::move(f)); return; }
  s->pushed++; s->q.push_back(std::move(f)); if (!asyncMode()) drain(s);
}
static Stream* capturing() { for (auto* s : streams()) if (s->capture) return s; return nullptr; }
cudaError_t enqueueLaunch(const Launch& L, Stream* s, std::function<void()> fn) {
  std::lock_guard<std::recursive_mutex> g(mu);
  uint64_t T = (uint64_t)L.block.x * L.block.y * L.block.z;
  if (!T || T > 1024 || L.block.z > 64 || !L.grid.x || !L.grid.y || !L.grid.z || L.grid.x > 0x7fffffffu || L.grid.y > 65535 || L.grid.z > 65535) return err(cudaErrorInvalidConfiguration);
  auto it = sharedLimit().find(L.fn); size_t lim = it == sharedLimit().end() ? 49152 : (size_t)it->second;
  if (L.smem > lim) return err(cudaErrorInvalidValue);
  if (sticky != cudaSuccess) return err(sticky);
  push(s, [L, fn = std::move(fn)]() mutable { runGrid(L, fn); });
  return asyncMode() ? cudaSuccess : err(sticky);
}
static size_t memoryLimit() { static size_t n = [] { const char* e = getenv("EMU_MEMORY"); return e ? (size_t)atoll(e) : (size_t)8 << 30; }(); return n; }
static int deviceCount() { static int n = [] { const char* e = getenv("EMU_DEVICES"); return e ? atoi(e) : 1; }(); return n; }
static thread_local int currentDevice;
static std::map<uintptr_t, size_t>& device() { static std::map<uintptr_t, size_t> m; return m; }
static bool isDevice(const void* p, size_t n, bool* over) {
  auto& m = device(); auto it = m.upper_bound((uintptr_t)p); *over = false; if (it == m.begin()) return false; --it;
  if ((uintptr_t)p >= it->first + std::max<size_t>(it->second, 1)) return false;
  *over = (uintptr_t)p + n > it->first + it->second; return true;
}
cudaError_t mallocDevice(void** p, size_t n, Stream*) {
  std::lock_guard<std::recursive_mutex> g(mu); if (!p) return err(cudaErrorInvalidValue); if (!n) { *p = nullptr; return cudaSuccess; }
  size_t used = 0; for (auto& [address, bytes] : device()) used += bytes;
  if (n > memoryLimit() || used + n > memoryLimit()) return err(cudaErrorMemoryAllocation);
  void* m = nullptr; if (posix_memalign(&m, 256, n)) return err(cudaErrorMemoryAllocation);
  memset(m, 0xff, n); device()[(uintptr_t)m] = n; *p = m; return cudaSuccess;
}
cudaError_t mallocHost(void** p, size_t n) { *p = malloc(n); return *p ? cudaSuccess : cudaErrorMemoryAllocation; }
static cudaError_t checkCopy(void* d, const void* s, size_t n, cudaMemcpyKind k) {
  bool od, os; bool dd = isDevice(d, n, &od), sd = isDevice(s, n, &os); if (od || os) return cudaErrorInvalidValue;
  bool wd = k == cudaMemcpyHostToDevice || k == cudaMemcpyDeviceToDevice, ws = k == cudaMemcpyDeviceToHost || k == cudaMemcpyDeviceToDevice;
  if (k != cudaMemcpyDefault && (wd != dd || ws != sd)) return cudaErrorInvalidValue;
  return cudaSuccess;
}
}  // namespace emu
using namespace emu;
#define LOCK std::lock_guard<std::recursive_mutex> lock_(mu)
extern "C" __attribute__((visibility("default"))) void emu_order(const char* name) { LOCK; policy() = orderOf(name); order.clear(); }
extern "C" const char* emu_last_message() { return message; }
extern "C" void emu_reset() { LOCK; sticky = cudaSuccess; last = cudaSuccess; message[0] = 0; for (auto* s : streams()) { s->q.clear(); s->capture = nullptr; } }
extern "C" size_t emu_live_allocations() { LOCK; return device().size(); }
const char* cudaGetErrorName(cudaError_t e) { switch (e) { case cudaSuccess: return "cudaSuccess"; case cudaErrorInvalidValue: return "cudaErrorInvalidValue"; case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation"; case cudaErrorInvalidConfiguration: return "cudaErrorInvalidConfiguration"; case cudaErrorLaunchFailure: return "cudaErrorLaunchFailure"; case cudaErrorInsufficientDriver: return "cudaErrorInsufficientDriver"; case cudaErrorNoDevice: return "cudaErrorNoDevice"; case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice"; default: return "cudaError"; } }
const char* cudaGetErrorString(cudaError_t e) { return e == cudaErrorLaunchFailure && message[0] ? message : cudaGetErrorName(e); }
cudaError_t cudaGetLastError() { auto e = last; last = cudaSuccess; return e; }
cudaError_t cudaPeekAtLastError() { return last; }
static int driverVersion() { const char* e = getenv("EMU_DRIVER"); return e ? atoi(e) : 13000; }
cudaError_t cudaGetDeviceCount(int* n) { if (driverVersion() < 13000) { *n = 0; return err(cudaErrorInsufficientDriver); } *n = deviceCount(); return *n > 0 ? cudaSuccess : err(cudaErrorNoDevice); }
cudaError_t cudaSetDevice(int d) { if (d < 0 || d >= deviceCount()) return err(cudaErrorInvalidDevice); currentDevice = d; return cudaSuccess; }
cudaError_t cudaGetDevice(int* d) { *d = currentDevice; return cudaSuccess; }
cudaError_t cudaDriverGetVersion(int* v) { *v = driverVersion(); return cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int* v) { *v = 13000; return cudaSuccess; }
cudaError_t cudaMemGetInfo(size_t* f, size_t* t) { LOCK; size_t used = 0; for (auto& [address, bytes] : device()) used += bytes; *t = memoryLimit(); *f = *t - used; return cudaSuccess; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) { memset(p, 0, sizeof *p); strcpy(p->name, "CUDA emulator (CPU)"); p->totalGlobalMem = memoryLimit(); p->sharedMemPerBlock = 49152; p->sharedMemPerBlockOptin = 232448; p->major = 9; p->multiProcessorCount = 2; p->warpSize = 32; p->maxThreadsPerBlock = 1024; p->l2CacheSize = 1 << 20; p->regsPerBlock = 65536; return cudaSuccess; }
cudaError_t cudaDeviceSynchronize() { LOCK; if (capturing()) return err(cudaErrorStreamCaptureUnsupported); drainAll(); return err(sticky); }
cudaError_t cudaFree(void* p) { LOCK; if (!p) return cudaSuccess; if (capturing()) return err(cudaErrorStreamCaptureUnsupported); drainAll(); if (!device().erase((uintptr_t)p)) return err(cudaErrorInvalidValue); free(p); return err(sticky); }
cudaError_t cudaFreeAsync(void* p, cudaStream_t s) { LOCK; if (!p) return cudaSuccess; if (!device().count((uintptr_t)p)) return err(cudaErrorInvalidValue); push(s, [p] { device().erase((uintptr_t)p); free(p); }); return cudaSuccess; }
cudaError_t cudaFreeHost(void* p) { free(p); return cudaSuccess; }
cudaError_t cudaMemcpyAsync(void* d, const void* s, size_t n, cudaMemcpyKind k, cudaStream_t st) { LOCK; if (!n) return cudaSuccess; auto e = checkCopy(d, s, n, k); if (e) return err(e); push(st, [=] { memmove(d, s, n); }); return err(sticky); }
cudaError_t cudaMemcpy(void* d, const void* s, size_t n, cudaMemcpyKind k) { LOCK; if (capturing()) return err(cudaErrorStreamCaptureUnsupported); auto e = cudaMemcpyAsync(d, s, n, k, nullptr); if (e) return e; drainAll(); return err(sticky); }
cudaError_t cudaMemsetAsync(void* d, int v, size_t n, cudaStream_t st) { LOCK; bool o; if (n && (!isDevice(d, n, &o) || o)) return err(cudaErrorInvalidValue); push(st, [=] { memset(d, v, n); }); return err(sticky); }
cudaError_t cudaMemset(void* d, int v, size_t n) { LOCK; auto e = cudaMemsetAsync(d, v, n, nullptr); drainAll(); return e; }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* s, unsigned) { LOCK; *s = new Stream; streams().insert(*s); return cudaSuccess; }
cudaError_t cudaStreamCreate(cudaStream_t* s) { return cudaStreamCreateWithFlags(s, 0); }
cudaError_t cudaStreamDestroy(cudaStream_t s) { LOCK; if (!s || !streams().count(s)) return err(cudaErrorInvalidResourceHandle); drain(s); streams().erase(s); delete s; return cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t s) { LOCK; if (!s) s = &nullStream(); if (s->capture) return err(cudaErrorStreamCaptureUnsupported); drain(s); return err(sticky); }
cudaError_t cudaStreamQuery(cudaStream_t s) { LOCK; if (!s) s = &nullStream(); if (asyncMode() && !s->q.empty()) { drain(s, s->done + 1); return cudaErrorNotReady; } return err(sticky); }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* e, unsigned) { *e = new Event; return cudaSuccess; }
cudaError_t cudaEventCreate(cudaEvent_t* e) { return cudaEventCreateWithFlags(e, 0); }
cudaError_t cudaEventDestroy(cudaEvent_t e) { LOCK; drainAll(); delete e; return cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s) { LOCK; if (!s) s = &nullStream(); e->recorded = true; e->stream = s; push(s, [e] { e->time = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count(); }); e->ticket = s->pushed; return cudaSuccess; }
cudaError_t cudaEventSynchronize(cudaEvent_t e) { LOCK; if (e->recorded) drain(e->stream, e->ticket); return err(sticky); }
cudaError_t cudaEventQuery(cudaEvent_t e) { LOCK; return e->recorded && e->stream->done < e->ticket ? cudaErrorNotReady : cudaSuccess; }
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t a, cudaEvent_t b) { LOCK; if (!a->recorded || !b->recorded) return err(cudaErrorInvalidResourceHandle); if (cudaEventQuery(a) || cudaEventQuery(b)) return cudaErrorNotReady; *ms = (float)(b->time - a->time); return cudaSuccess; }
cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned) { LOCK; if (!e->recorded) return cudaSuccess; Stream* es = e->stream; uint64_t t = e->ticket; push(s, [es, t] { drain(es, t); }); return cudaSuccess; }
cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode) { LOCK; if (!s) return err(cudaErrorStreamCaptureUnsupported); if (s->capture) return err(cudaErrorInvalidValue); s->capture = new Graph; return cudaSuccess; }
cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t* g) { LOCK; if (!s || !s->capture) return err(cudaErrorInvalidValue); *g = s->capture; s->capture = nullptr; return cudaSuccess; }
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* x, cudaGraph_t g, unsigned long long) { *x = new Graph(*g); return cudaSuccess; }
cudaError_t cudaGraphLaunch(cudaGraphExec_t x, cudaStream_t s) { LOCK; for (auto& n : x->nodes) push(s, n); return err(sticky); }
cudaError_t cudaGraphDestroy(cudaGraph_t g) { delete g; return cudaSuccess; }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t g) { LOCK; drainAll(); delete g; return cudaSuccess; }
