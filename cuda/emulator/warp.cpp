// Warp collectives: a lane waits until all that its mask names are there; the last one works out everybody's result.
#include <algorithm>

#include "internal.h"

namespace emu {

// The elements of a register, as the tensor cores read them.
struct Bf16 {
  static constexpr int packed = 2;
  static float at(uint32_t x, int h) { return __uint_as_float(x >> (16 * h) << 16); }
};
struct F16 {
  static constexpr int packed = 2;
  static float at(uint32_t x, int h) {
    __half value;
    value.bits = (uint16_t)(x >> (16 * h));
    return value;
  }
};
struct Tf32 {
  static constexpr int packed = 1;
  static float at(uint32_t x, int) { return __uint_as_float(x & ~0x1fffu); }
};

// d [16, 8] += a [16, K] b [K, 8], the fragments lying as the PTX manual draws them for mma.m16n8k8 of tf32 and
// mma.m16n8k16 of 16-bit elements: a register has one element or two, of neighbouring columns of a, or rows of b.
template <class E> static void mmaOf(Thread* w) {
  using Four = float __attribute__((vector_size(16)));
  constexpr int packed = E::packed, K = 8 * packed;
  alignas(16) float a[16][K], b[K][8], d[16][8];
  for (int l = 0; l < 32; l++) {
    const uint32_t *ra = (const uint32_t*)w[l].p0, *rb = (const uint32_t*)w[l].p1;
    const float* rd = (const float*)w[l].p2;
    const int g = l >> 2, t = l & 3;
#pragma GCC unroll 2
    for (int h = 0; h < packed; h++) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) a[g + (i & 1) * 8][t * packed + h + (i >> 1) * 4 * packed] = E::at(ra[i], h);
#pragma GCC unroll 2
      for (int i = 0; i < 2; i++) b[t * packed + h + i * 4 * packed][g] = E::at(rb[i], h);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) d[g + (i >> 1) * 8][t * 2 + (i & 1)] = rd[i];
  }
  for (int row = 0; row < 16; row++) {
    Four *sums = (Four*)d[row], left = sums[0], right = sums[1];
    for (int k = 0; k < K; k++) {
      left += a[row][k] * *(const Four*)&b[k][0];
      right += a[row][k] * *(const Four*)&b[k][4];
    }
    sums[0] = left;
    sums[1] = right;
  }
  for (int l = 0; l < 32; l++) {
    float* rd = (float*)w[l].p2;
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) rd[i] = d[(l >> 2) + (i >> 1) * 8][(l & 3) * 2 + (i & 1)];
  }
}

static void compute(Thread* w, unsigned mask, Op op) {
  // w = lane 0 of the warp
  auto in = [&](int l) {
    unsigned v;
    memcpy(&v, w[l].in, 4);
    return v;
  };
  auto all = [&](unsigned v) {
    for (int l = 0; l < 32; l++) if (mask >> l & 1) memcpy(w[l].out, &v, 4);
  };
  unsigned r = 0;
  switch (op) {
    case Op::shfl: for (int l = 0; l < 32; l++) if (mask >> l & 1) {
      int s = w[l].src;
      if (s < 0 || s > 31 || !(mask >> s & 1)) {
        cur = &w[l];
        fail("shuffle reads lane %d, which is not in the mask 0x%08x (%s:%d)", s, mask, w[l].file, w[l].line);
      }
      if (w[l].size == 4) memcpy(w[l].out, w[s].in, 4);
      else memcpy(w[l].out, w[s].in, w[l].size);
    }
    return;
    case Op::ballot: for (int l = 0; l < 32; l++) if ((mask >> l & 1) && in(l)) r |= 1u << l;
    return all(r);
    case Op::any: for (int l = 0; l < 32; l++) if (mask >> l & 1) r |= in(l);
    return all(r);
    case Op::all: r = 1;
    for (int l = 0; l < 32; l++) if (mask >> l & 1) r &= in(l);
    return all(r);
    case Op::sync: return;
    case Op::add: for (int l = 0; l < 32; l++) if (mask >> l & 1) r += in(l);
    return all(r);
    case Op::max_: {
      int m = INT32_MIN;
      for (int l = 0; l < 32; l++) if (mask >> l & 1) m = std::max(m, (int)in(l));
      return all((unsigned)m);
    }
    case Op::min_: {
      int m = INT32_MAX;
      for (int l = 0; l < 32; l++) if (mask >> l & 1) m = std::min(m, (int)in(l));
      return all((unsigned)m);
    }
    case Op::and_: r = ~0u;
    for (int l = 0; l < 32; l++) if (mask >> l & 1) r &= in(l);
    return all(r);
    case Op::or_: for (int l = 0; l < 32; l++) if (mask >> l & 1) r |= in(l);
    return all(r);
    case Op::xor_: for (int l = 0; l < 32; l++) if (mask >> l & 1) r ^= in(l);
    return all(r);
    case Op::match: for (int l = 0; l < 32; l++) if (mask >> l & 1) {
      unsigned m = 0;
      for (int k = 0; k < 32; k++) if ((mask >> k & 1) && in(k) == in(l)) m |= 1u << k;
      memcpy(w[l].out, &m, 4);
    }
    return;
    case Op::mma:
      return w[0].i0 == (int)Fragment::tf32 ? mmaOf<Tf32>(w) : w[0].i0 == (int)Fragment::bf16 ? mmaOf<Bf16>(w) : mmaOf<F16>(w);
    case Op::ldmatrix: {
      int n = w[0].i0 & 15;
      bool tr = w[0].i0 >> 4;
      for (int l = 0; l < 32; l++) {
        uint32_t* d = (uint32_t*)w[l].p2;
        int g = l >> 2, t = l & 3;
        for (int i = 0; i < n; i++) {
          uint16_t e[2];
          for (int h = 0; h < 2; h++) {
            int row = tr ? t * 2 + h : g, col = tr ? g : t * 2 + h;
            e[h] = ((const uint16_t*)w[i * 8 + row].p0)[col];
          }
          d[i] = (uint32_t)e[0] | (uint32_t)e[1] << 16;
        }
      }
      return;
    }
  }
}

[[noreturn]] static void diverge(const Thread* t, const Thread* other) {
  fail("divergent warp intrinsic: lane %u is at %s:%d, lane %u at %s:%d", t->lane, t->file, t->line, other->lane, other->file,
       other->line);
}

void warpCollective(const char* file, int line) {
  Thread* t = cur;
  t->file = file;
  t->line = line;
  unsigned mask = t->mask;
  Thread* w = t - t->lane;
  Warp& warp = warps[t->warp];
  if (mask == ~0u && !warp.gone) {
    // The whole warp, as nearly always: it is enough to count.
    if (++warp.arrived < 32) {
      t->state = AT_WARP;
      t->warpDone = false;
      yield();
      return;
    }
    warp.arrived = 0;
    for (unsigned l = 0; l < 32; l++) {
      if (w[l].op != t->op || w[l].line != line) diverge(t, &w[l]);
    }
    compute(w, mask, t->op);
    for (unsigned l = 0; l < 32; l++) w[l].warpDone = true;
    return;
  }
  if (!(mask >> t->lane & 1)) {
    fail("lane %u calls a warp intrinsic with mask 0x%08x that does not name it (%s:%d)", t->lane, mask, file, line);
  }
  size_t left = threads.size() - (size_t)(w - threads.data());
  for (unsigned l = 0; l < 32; l++) if (mask >> l & 1) {
    if (l >= left) fail("mask 0x%08x names lane %u, which the block does not have (%s:%d)", mask, l, file, line);
    if (w[l].state == DONE) fail("mask 0x%08x names lane %u, which has exited (%s:%d)", mask, l, file, line);
    if (&w[l] == t) continue;
    if (w[l].state != AT_WARP || w[l].warpDone) {
      t->state = AT_WARP;
      t->warpDone = false;
      yield();
      return;
    }
    if (w[l].op != t->op || w[l].mask != mask || w[l].line != line) diverge(t, &w[l]);
  }
  compute(w, mask, t->op);
  for (unsigned l = 0; l < 32; l++) if ((mask >> l & 1) && &w[l] != t) w[l].warpDone = true;
}

void mma(Fragment kind, float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], const char* file, int line) {
  Thread* t = cur;
  t->op = Op::mma;
  t->mask = ~0u;
  t->i0 = (int)kind;
  t->p0 = a;
  t->p1 = b;
  t->p2 = d;
  warpCollective(file, line);
}

void ldmatrix(uint32_t* r, int n, bool tr, const void* p, const char* file, int line) {
  Thread* t = cur;
  if ((uintptr_t)p & 15) fail("ldmatrix: the address of a row is not a multiple of 16 (%s:%d)", file, line);
  t->op = Op::ldmatrix;
  t->mask = ~0u;
  t->i0 = n | (tr ? 16 : 0);
  t->p0 = p;
  t->p2 = r;
  warpCollective(file, line);
}

struct CpQueue {
  struct Entry {
    void* dst;
    const void* src;
    int size, bytes, group;
  };
  std::vector<Entry> pending;
  int groups = 0;
};

static std::vector<CpQueue> cpQueues;
static bool cpUsed;
static CpQueue& cpQueue() {
  if (cpQueues.size() < threads.size()) cpQueues.resize(threads.size());
  cpUsed = true;
  return cpQueues[cur->warp * 32 + cur->lane];
}

// f of the size as a constant: with those that copies have, memset and memcpy are an instruction.
template <class F> static void withSize(int size, F f) {
  if (size == 16) f(std::integral_constant<size_t, 16>());
  else if (size == 8) f(std::integral_constant<size_t, 8>());
  else f(std::integral_constant<size_t, 4>());
}

void cpAsync(void* d, const void* s, int size, int bytes) {
  if (size != 4 && size != 8 && size != 16) fail("cp.async of %d bytes", size);
  const uintptr_t rest = (uintptr_t)size - 1;
  if (((uintptr_t)d & rest) || (bytes && ((uintptr_t)s & rest))) fail("cp.async: an address is not a multiple of %d", size);
  if (bytes < 0 || bytes > size) fail("cp.async of %d bytes of %d", bytes, size);
  CpQueue& q = cpQueue();
  q.pending.push_back({d, s, size, bytes, q.groups});
  // the data arrives at the wait
  withSize(size, [&](auto n) { memset(d, 0xff, n); });
}

void cpAsyncCommit() {
  cpQueue().groups++;
}

void cpAsyncWait(int keep) {
  CpQueue& q = cpQueue();
  size_t k = 0;
  for (auto& c : q.pending) {
    if (c.group >= q.groups - keep) {
      q.pending[k++] = c;
    } else if (c.bytes == c.size) {
      withSize(c.size, [&](auto n) { memcpy(c.dst, c.src, n); });
    } else {
      withSize(c.size, [&](auto n) { memset(c.dst, 0, n); });
      memcpy(c.dst, c.src, (size_t)c.bytes);
    }
  }
  q.pending.resize(k);
}

void dropCopies() {
  if (!cpUsed) return;
  for (auto& queue : cpQueues) {
    queue.pending.clear();
    queue.groups = 0;
  }
  cpUsed = false;
}

}  // namespace emu
