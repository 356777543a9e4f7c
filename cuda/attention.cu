// Attention: o = softmax(scale q k^T + mask) v for each of batch * heads: q [queries, width], k [keys, width],
// v [keys, valueWidth] -> o [queries, valueWidth], and norms [2, queries], the rows' greatest scores and one over their sums of
// exponentials.
//
// The scores are never whole in memory: Milakov and Gimelshein, "Online normalizer calculation for softmax" (2018), and
// Dao et al., "FlashAttention" (2022). A warp does a query, and for the gradients of k and v a key: 32 scores at a time, one
// in each lane; then the lanes share the columns of the result. float16 and bfloat16 without a mask go to tensor cores
// (flash.cuh).
//
// Strides are in elements; the last axis of all but the mask is contiguous. The mask is what is added to the scores.
#include "flash.cuh"

template <class T> struct Scores {
  Size heads, queries, keys, width, columns;
  Rows q, k, v, o;
  const T* mask;
  Size maskBatch, maskHead, maskRow, maskColumn, causal;
  float scale;

  // The score of one query and one key; -infinity where the query does not see it.
  DEVICE float operator()(Size b, Size h, Size i, Size j, const T* query, const T* key) const {
    if (causal && j > i) return -INFINITY;
    float sum = 0;
    for (Size c = 0; c < width; c++) sum += widen(query[c]) * widen(key[c]);
    sum *= scale;
    return mask ? sum + widen(mask[b * maskBatch + h * maskHead + i * maskRow + j * maskColumn]) : sum;
  }
};

#define SIZES                                                                                                                      \
  Size heads, Size queries, Size keys, Size width, Size valueWidth, Size qBatch, Size qHead, Size qRow, Size kBatch, Size kHead,   \
      Size kRow, Size vBatch, Size vHead, Size vRow, Size oBatch, Size oHead, Size oRow, Size maskBatch, Size maskHead,            \
      Size maskRow, Size maskColumn, Size causal, double scale, Scratch, Size begin, Size end
#define SCORES                                                                                                                     \
  Scores<T> {                                                                                                                      \
    heads, queries, keys, width, valueWidth, {qBatch, qHead, qRow}, {kBatch, kHead, kRow}, {vBatch, vHead, vRow},                  \
        {oBatch, oHead, oRow}, mask, maskBatch, maskHead, maskRow, maskColumn, causal, (float)scale                                \
  }

#define FLASH(items)                                                                                                               \
  Flash {                                                                                                                          \
    items, heads, (int)queries, (int)keys, (int)width, (int)valueWidth, {qBatch, qHead, qRow}, {kBatch, kHead, kRow},              \
        {vBatch, vHead, vRow}, {oBatch, oHead, oRow}, causal != 0, (float)scale                                                    \
  }

// Columns of a result that a lane sums at a time: a warp goes through the keys once for each 32 times so many.
constexpr int COLUMNS = 4;
constexpr unsigned ALL = 0xffffffffu;

static DEVICE float warpSum(float x) {
  for (int d = 16; d > 0; d >>= 1) x += __shfl_xor_sync(ALL, x, d);
  return x;
}
static DEVICE float warpMax(float x) {
  for (int d = 16; d > 0; d >>= 1) x = fmaxf(x, __shfl_xor_sync(ALL, x, d));
  return x;
}

template <class T> static void attention(T* o, float* norms, const T* q, const T* k, const T* v, const T* mask, SIZES) {
  if constexpr (Computed<T>::narrow) {
    if (!mask && begin == 0 && flashForward(o, norms, q, k, v, FLASH(end / ((queries + 63) / 64)))) return;
  }
  constexpr Size BLOCK = 64;  // the range counts blocks of queries
  const Scores<T> s = SCORES;
  const Size blocks = (queries + BLOCK - 1) / BLOCK;
  forBlocks(begin * BLOCK, end * BLOCK, 32, [=] DEVICE(Size at) {
    const Size item = at / BLOCK / blocks, i = at / BLOCK % blocks * BLOCK + at % BLOCK, b = item / s.heads, h = item % s.heads;
    if (i >= s.queries) return;
    const int lane = threadIdx.x;
    const T* query = q + s.q(b, h, i);
    const Size seen = s.causal && i + 1 < s.keys ? i + 1 : s.keys;
    for (Size c0 = 0; c0 < s.columns; c0 += 32 * COLUMNS) {
      float most = -INFINITY, sum = 0, result[COLUMNS] = {};
      for (Size j0 = 0; j0 < seen; j0 += 32) {
        const Size j = j0 + lane;
        const float score = j < seen ? s(b, h, i, j, query, k + s.k(b, h, j)) : -INFINITY;
        const float before = most;
        most = warpMax(fmaxf(most, score));
        // Nothing was seen yet: no maximum to subtract.
        const float base = most == -INFINITY ? 0 : most, factor = expf(before - base), weight = expf(score - base);
        sum = sum * factor + warpSum(weight);
        for (int r = 0; r < COLUMNS; r++) result[r] *= factor;
        const int count = seen - j0 < 32 ? (int)(seen - j0) : 32;
        for (int t = 0; t < count; t++) {
          const float w = __shfl_sync(ALL, weight, t);
          const T* value = v + s.v(b, h, j0 + t);
          for (int r = 0; r < COLUMNS; r++) {
            const Size c = c0 + r * 32 + lane;
            if (c < s.columns) result[r] += w * widen(value[c]);
          }
        }
      }
      for (int r = 0; r < COLUMNS; r++) {
        const Size c = c0 + r * 32 + lane;
        if (c < s.columns) o[s.o(b, h, i) + c] = narrow<T>(result[r] / sum);
      }
      if (lane == 0 && c0 == 0) {
        norms[2 * item * s.queries + i] = most == -INFINITY ? 0 : most;
        norms[(2 * item + 1) * s.queries + i] = 1 / sum;
      }
    }
  });
}

// With p = exp(scores - greatest) / sum and delta = sum over columns of g * o: ds = p * (g v^T - delta),
//     dq = scale ds k      dk = scale ds^T q      dv = p^T g
template <class T>
static void attention_grad(T* dq, T* dk, T* dv, const T* g, const T* q, const T* k, const T* v, const T* o, const float* norms, const T* mask, Size dqBatch, Size dqHead, Size dqRow, Size dkBatch,
                           Size dkHead, Size dkRow, Size dvBatch, Size dvHead, Size dvRow, Size gBatch, Size gHead, Size gRow, SIZES) {
  const Scores<T> s = SCORES;
  const Rows rowsOfDq{dqBatch, dqHead, dqRow}, rowsOfDk{dkBatch, dkHead, dkRow}, rowsOfDv{dvBatch, dvHead, dvRow};
  const Rows rowsOfG{gBatch, gHead, gRow};
  if constexpr (Computed<T>::narrow) {
    if (!mask && begin == 0 && flashBackward(dq, dk, dv, g, q, k, v, o, norms, FLASH(end), rowsOfDq, rowsOfDk, rowsOfDv, rowsOfG)) return;
  }

  // ds of one query and one key, and p.
  const auto slope = [=] DEVICE(Size b, Size h, Size i, Size j, float& p) -> float {
    const T* query = q + s.q(b, h, i);
    const T* grad = g + rowsOfG(b, h, i);
    const T* value = v + s.v(b, h, j);
    const T* result = o + s.o(b, h, i);
    const float* norm = norms + 2 * (b * s.heads + h) * s.queries + i;
    p = expf(s(b, h, i, j, query, k + s.k(b, h, j)) - norm[0]) * norm[s.queries];
    float sum = 0;
    for (Size c = 0; c < s.columns; c++) sum += widen(grad[c]) * (widen(value[c]) - widen(result[c]));
    return p * sum;
  };

  forBlocks(begin * queries, end * queries, 32, [=] DEVICE(Size at) {
    const Size item = at / s.queries, i = at % s.queries, b = item / s.heads, h = item % s.heads;
    const int lane = threadIdx.x;
    const Size seen = s.causal && i + 1 < s.keys ? i + 1 : s.keys;
    for (Size c0 = 0; c0 < s.width; c0 += 32 * COLUMNS) {
      float result[COLUMNS] = {};
      for (Size j0 = 0; j0 < seen; j0 += 32) {
        const Size j = j0 + lane;
        float p = 0;
        const float ds = j < seen ? slope(b, h, i, j, p) : 0;
        const int count = seen - j0 < 32 ? (int)(seen - j0) : 32;
        for (int t = 0; t < count; t++) {
          const float w = __shfl_sync(ALL, ds, t);
          const T* key = k + s.k(b, h, j0 + t);
          for (int r = 0; r < COLUMNS; r++) {
            const Size c = c0 + r * 32 + lane;
            if (c < s.width) result[r] += w * widen(key[c]);
          }
        }
      }
      for (int r = 0; r < COLUMNS; r++) {
        const Size c = c0 + r * 32 + lane;
        if (c < s.width) dq[rowsOfDq(b, h, i) + c] = narrow<T>(result[r] * s.scale);
      }
    }
  });

  forBlocks(begin * keys, end * keys, 32, [=] DEVICE(Size at) {
    const Size item = at / s.keys, j = at % s.keys, b = item / s.heads, h = item % s.heads;
    const int lane = threadIdx.x;
    const Size widest = s.width > s.columns ? s.width : s.columns;
    for (Size c0 = 0; c0 < widest; c0 += 32 * COLUMNS) {
      float ofKey[COLUMNS] = {}, ofValue[COLUMNS] = {};
      for (Size i0 = s.causal ? j / 32 * 32 : 0; i0 < s.queries; i0 += 32) {
        const Size i = i0 + lane;
        float p = 0;
        const float ds = i < s.queries ? slope(b, h, i, j, p) : 0;
        const int count = s.queries - i0 < 32 ? (int)(s.queries - i0) : 32;
        for (int t = 0; t < count; t++) {
          const float w = __shfl_sync(ALL, ds, t), weight = __shfl_sync(ALL, p, t);
          const T* query = q + s.q(b, h, i0 + t);
          const T* grad = g + rowsOfG(b, h, i0 + t);
          for (int r = 0; r < COLUMNS; r++) {
            const Size c = c0 + r * 32 + lane;
            if (c < s.width) ofKey[r] += w * widen(query[c]);
            if (c < s.columns) ofValue[r] += weight * widen(grad[c]);
          }
        }
      }
      for (int r = 0; r < COLUMNS; r++) {
        const Size c = c0 + r * 32 + lane;
        if (c < s.width) dk[rowsOfDk(b, h, j) + c] = narrow<T>(ofKey[r] * s.scale);
        if (c < s.columns) dv[rowsOfDv(b, h, j) + c] = narrow<T>(ofValue[r]);
      }
    }
  });
}

FAMILY(attention, KERNEL(attention, attention<float>), KERNEL(attention_grad, attention_grad<float>), KERNEL_NARROW(attention, attention),
       KERNEL_NARROW(attention_grad, attention_grad))
