// The grid: a thread of a block runs until it waits, then another does; a thread that never waits needs no stack of its own.
// Barriers and warp collectives check that all who take part come to the same place.
#include "internal.h"
#include <sys/mman.h>
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <random>
#include <string>
#include <vector>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define EMU_ASAN 1
#endif

// ---------------------------------------------------------------- context switch
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
  *--s = nullptr;
  *--s = (void*)entry;
  // entry sees rsp % 16 == 8, as after a call
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
  void** s = (void**)(((uintptr_t)top & ~(uintptr_t)15) - 160);
  memset(s, 0, 160);
  s[11] = (void*)entry;
  return s;
}
#else
#error "add emu_switch for this CPU"
#endif

namespace emu {

struct Fiber {
  void* sp;
  unsigned char* stack;
  // Where it begins: stacks lie a whole number of pages apart, and their uses must not all meet in the same lines of a cache.
  unsigned char* top;
};

Thread* cur;
Index blk;
dim3 blockDim_, gridDim_;
uint64_t blockEpoch;
unsigned char* dynShared;

#ifdef EMU_ASAN
constexpr size_t STACK = 256 << 10;
#else
constexpr size_t STACK = 64 << 10;
#endif

size_t environment(const char* name, size_t otherwise) {
  const char* text = getenv(name);
  return text ? (size_t)atoll(text) : otherwise;
}

static size_t stackSize() {
  static const size_t n = environment("EMU_STACK", STACK);
  return n;
}

static std::vector<Fiber*>& freeFibers = *new std::vector<Fiber*>;
// never destroyed: reachable at exit
std::vector<Thread> threads;
std::vector<Warp> warps;
static std::vector<unsigned> order;
static unsigned pos, live, arrived, barrierGen;
static const char* barrierFile;
static int barrierLine;
static long barrierSum, barrierAnd, barrierOr, barrierRes;
static Op barrierOp;
static std::function<void()>* body;
static void* mainSp;
static bool failed;
char message[512];
static const char* kernelName;
static size_t staticShared;
static std::mt19937 rng(1);
static int orderOf(const char* e) {
  if (!e) return 0;
  if (!strncmp(e, "reverse", 7)) return 1;
  if (!strncmp(e, "random", 6)) {
    rng.seed(e[6] == ':' ? (unsigned)atoi(e + 7) : 1u);
    return 2;
  }
  return 0;
}

static int& policy() {
  static int p = orderOf(getenv("EMU_ORDER"));
  return p;
}

#ifdef EMU_ASAN
static void* mainFake;
static const void* mainBottom;
static size_t mainSize;
#endif

static void fiberMain();
static Fiber* newFiber() {
  if (!freeFibers.empty()) {
    Fiber* f = freeFibers.back();
    freeFibers.pop_back();
#ifdef EMU_ASAN
    ASAN_UNPOISON_MEMORY_REGION(f->stack, stackSize());
    // frames that were left without returning
#endif

    f->sp = initialSp(f->top, fiberMain);
    return f;
  }
  static unsigned count = 0;
  Fiber* f = new Fiber;
  size_t n = stackSize();
  const int kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  unsigned char* m = (unsigned char*)mmap(nullptr, n + 4096, PROT_READ | PROT_WRITE, kind, -1, 0);
  if (m == MAP_FAILED) {
    fprintf(stderr, "cuda emulator: no memory for stacks\n");
    abort();
  }
  mprotect(m, 4096, PROT_NONE);
  f->stack = m + 4096;
  f->top = f->stack + n - count++ % 16 * 256;
  f->sp = initialSp(f->top, fiberMain);
  return f;
}

static inline bool runnable(const Thread& t) {
  return t.state == FRESH || t.state == READY || (t.state == AT_BARRIER && t.waitGen != barrierGen) ||
         (t.state == AT_WARP && t.warpDone);
}

// The first thread that can run of those from place `from` to `to`.
static Thread* nextOf(unsigned from, unsigned to) {
  for (unsigned p = from; p < to; p++) {
    Thread* t = &threads[order[p]];
    if (runnable(*t)) {
      pos = p;
      return t;
    }
  }
  return nullptr;
}

// One of the same warp while there is one, what it works with being near; then one of the warps after it.
static Thread* next() {
  const unsigned n = (unsigned)order.size(), begin = pos & ~31u, end = std::min(begin + 32, n);
  if (pos + 1 < end) {
    Thread* t = &threads[order[pos + 1]];
    if (runnable(*t)) {
      pos++;
      return t;
    }
  }
  Thread* t = nextOf(pos + 1, end);
  if (!t) t = nextOf(begin, pos + 1);
  if (!t) t = nextOf(end, n);
  return t ? t : nextOf(0, begin);
}

// switch from the fiber of `from` (may be null = finished for good) to `to`
static void jump(void** save, void* sp, bool leaving, const unsigned char* stack, size_t size) {
#ifdef EMU_ASAN
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(leaving ? nullptr : &fake, stack, size);
  emu_switch(save, sp);
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#else
  (void)leaving;
  (void)stack;
  (void)size;
  emu_switch(save, sp);
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
  if (t->state == FRESH) t->fiber = newFiber();
  else t->state = READY;
  cur = t;
  jump(save, t->fiber->sp, leaving, t->fiber->stack, stackSize());
}

static const char* stateName(const Thread& t) {
  return t.state == AT_BARRIER ? "__syncthreads" : t.state == AT_WARP ? "a warp intrinsic" : "?";
}

static void deadlock() {
  static char b[400];
  int used = 0, shown = 0, n = 0;
  b[0] = 0;
  // static: the stack is abandoned, nothing is destroyed
  for (auto& t : threads) {
    if (t.state == DONE || ++n > 3) continue;
    used += snprintf(b + used, sizeof b - (size_t)used, "%s thread (%u,%u,%u) at %s %s:%d", shown++ ? ";" : "", t.tid.x,
                     t.tid.y, t.tid.z, stateName(t), t.file, t.line);
  }
  fail("deadlock, %d threads wait:%s", n, b);
}

void yield() {
  Thread* me = cur;
  Thread* t = next();
  if (t == me) {
    me->state = READY;
    return;
  }
  if (!t) deadlock();
  enter(t, &me->fiber->sp, false);
  // back
}

static void finishThread() {
  cur->state = DONE;
  warps[cur->warp].gone |= 1u << cur->lane;
  live--;
  if (live && arrived == live) {
    arrived = 0;
    barrierGen++;
  }
  // exited threads do not take part in barriers
}

static void fiberMain() {
#ifdef EMU_ASAN
  const void* b;
  size_t n;
  static bool first = true;
  if (first) {
    first = false;
    __sanitizer_finish_switch_fiber(nullptr, &b, &n);
    mainBottom = b;
    mainSize = n;
  } else __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif

  Fiber* self = cur->fiber;
  for (;;) {
    cur->state = READY;
    (*body)();
    finishThread();
    if (!live) {
      freeFibers.push_back(self);
      toMain(true, &deadSp);
    }
    Thread* t = next();
    if (!t) deadlock();
    if (t->state == FRESH) {
      t->fiber = self;
      cur = t;
      continue;
    }
    // reuse this stack: no switch at all
    freeFibers.push_back(self);
    t->state = READY;
    cur = t;
    jump(&deadSp, t->fiber->sp, true, t->fiber->stack, stackSize());
  }
}

void fail(const char* fmt, ...) {
  char b[400];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(b, sizeof b, fmt, ap);
  va_end(ap);
  snprintf(message, sizeof message, "kernel %s block (%u,%u,%u) thread (%u,%u,%u): %s", kernelName, blk.x, blk.y, blk.z,
           cur->tid.x, cur->tid.y, cur->tid.z, b);
  failed = true;
  toMain(true, &deadSp);
  __builtin_unreachable();
}

// ---------------------------------------------------------------- barrier
static void release() {
  arrived = 0;
  barrierGen++;
  barrierRes = barrierOp == Op::add ? barrierSum : barrierOp == Op::and_ ? barrierAnd : barrierOr;
}

int syncThreadsReduce(int pred, Op op, const char* file, int line) {
  Thread* t = cur;
  t->file = file;
  t->line = line;
  if (arrived == 0) {
    barrierFile = file;
    barrierLine = line;
    barrierSum = barrierOr = 0;
    barrierAnd = 1;
    barrierOp = op;
  } else if (barrierLine != line || barrierFile != file) {
    fail("divergent barrier: this thread is at %s:%d, others at %s:%d", file, line, barrierFile, barrierLine);
  }
  barrierSum += pred != 0;
  barrierAnd &= pred != 0;
  barrierOr |= pred != 0;
  if (++arrived == live) {
    release();
    return (int)barrierRes;
  }
  t->state = AT_BARRIER;
  t->waitGen = barrierGen;
  yield();
  return (int)barrierRes;
}

void syncThreads(const char* file, int line) {
  syncThreadsReduce(0, Op::sync, file, line);
}

// ---------------------------------------------------------------- blocks

void sharedEnter(SharedVar& v, void* p, size_t n, const char* file, int line) {
  if (v.epoch == blockEpoch) return;
  v.epoch = blockEpoch;
  staticShared += n;
  if (staticShared > 48 * 1024) fail("%zu bytes of static shared memory, the limit is 49152 (%s:%d)", staticShared, file, line);
  memset(p, 0xff, n);  // not-a-number: shared memory starts undefined
}

static void setOrder(std::vector<unsigned>& o, unsigned n) {
  o.resize(n);
  for (unsigned i = 0; i < n; i++) o[i] = i;
  if (policy() == 1) std::reverse(o.begin(), o.end());
  if (policy() == 2) {
    std::vector<unsigned> w((n + 31) / 32);
    for (unsigned i = 0; i < w.size(); i++) w[i] = i;
    std::shuffle(w.begin(), w.end(), rng);
    unsigned k = 0;
    for (unsigned x : w) {
      unsigned b = k;
      for (unsigned i = x * 32; i < std::min(n, x * 32 + 32); i++) o[k++] = i;
      std::shuffle(o.begin() + b, o.begin() + k, rng);
    }
  }
}

void runGrid(const Launch& L, std::function<void()>& fn) {
  if (sticky != cudaSuccess) return;
  unsigned T = L.block.x * L.block.y * L.block.z;
  kernelName = L.name;
  body = &fn;
  blockDim_ = L.block;
  gridDim_ = L.grid;
  unsigned i = 0;
  static dim3 shape(0, 0, 0);
  if (threads.size() != T || shape.x != L.block.x || shape.y != L.block.y) {
    threads.assign(T, Thread());
    warps.resize((T + 31) / 32);
    shape = L.block;
    order.clear();
  }
  for (unsigned z = 0; z < L.block.z; z++) for (unsigned y = 0; y < L.block.y; y++) for (unsigned x = 0; x < L.block.x; x++, i++) {
    threads[i].tid = {x, y, z};
    threads[i].lane = i & 31;
    threads[i].warp = i >> 5;
  }
  unsigned char* smem = L.smem ? (unsigned char*)aligned_alloc(128, (L.smem + 127) / 128 * 128) : nullptr;
#ifdef EMU_ASAN
  if (smem && L.smem % 128) ASAN_POISON_MEMORY_REGION(smem + L.smem, 128 - L.smem % 128);
#endif

  if (const char* name = getenv("EMU_FAIL")) if (!strcmp(name, L.name)) {
    snprintf(message, sizeof message, "kernel %s fails, as EMU_FAIL asks", L.name);
    failed = true;
  }
  dynShared = smem;
  uint64_t nb = (uint64_t)L.grid.x * L.grid.y * L.grid.z;
  std::vector<unsigned> bo;
  if (policy()) setOrder(bo, (unsigned)nb);
  for (uint64_t q = 0; q < nb && !failed; q++) {
    uint64_t b = bo.empty() ? q : bo[q];
    blk = {(unsigned)(b % L.grid.x), (unsigned)(b / L.grid.x % L.grid.y), (unsigned)(b / L.grid.x / L.grid.y)};
    if (order.size() != T || policy() == 2) setOrder(order, T);
    for (auto& t : threads) t.state = FRESH;
    for (auto& w : warps) w = {0, 0};
    if (T % 32) warps.back().gone = ~0u << T % 32;
    dropCopies();
    live = T;
    arrived = 0;
    barrierGen++;
    blockEpoch++;
    staticShared = 0;
    if (smem) memset(smem, 0xff, L.smem);
    if (Thread* t = nextOf(0, T)) {
      t->fiber = newFiber();
      cur = t;
#ifdef EMU_ASAN
      __sanitizer_start_switch_fiber(&mainFake, t->fiber->stack, stackSize());
      emu_switch(&mainSp, t->fiber->sp);
      __sanitizer_finish_switch_fiber(mainFake, nullptr, nullptr);
#else
      emu_switch(&mainSp, t->fiber->sp);
#endif

    }
  }
  if (failed) {
    // abandon the block: give the stacks back
    for (auto& t : threads) {
      if (t.state == FRESH || t.state == DONE) continue;
      if (std::find(freeFibers.begin(), freeFibers.end(), t.fiber) == freeFibers.end()) freeFibers.push_back(t.fiber);
    }
    failed = false;
    sticky = cudaErrorLaunchFailure;
    fprintf(stderr, "cuda emulator: %s\n", message);
  }
#ifdef EMU_ASAN
  if (smem) ASAN_UNPOISON_MEMORY_REGION(smem, (L.smem + 127) / 128 * 128);
#endif

  free(smem);
}

void setPolicy(const char* name) {
  policy() = orderOf(name);
  order.clear();
}

}  // namespace emu
