// Copies between layouts and between dtypes, and triangles of matrices.
//
// A copy goes over up to four axes of sizes [n0, n1, n2, n3], each with a stride (in elements) on either side; n0 is implied
// by the range of rows, a row being one index of the first three axes.
#include "common.cuh"

template <class T>
static void copy(T* y, const T* x, Size n1, Size n2, Size n3, Size y0, Size y1, Size y2, Size y3, Size x0, Size x1, Size x2,
                 Size x3, Size begin, Size end) {
  forEach(begin * n3, end * n3, [=] DEVICE(Size i) {
    const Size i3 = i % n3, row = i / n3, i2 = row % n2, rest = row / n2, i1 = rest % n1, i0 = rest / n1;
    y[i0 * y0 + i1 * y1 + i2 * y2 + i3 * y3] = x[i0 * x0 + i1 * x1 + i2 * x2 + i3 * x3];
  });
}

// One element in another type. Floats go to whole numbers through 64 bits, which saturate.
template <class U, class T> static DEVICE U convert(T x) {
  if constexpr ((T)0.5f == (T)0 || (U)0.5f != (U)0) return (U)x;
  else return x != x ? (U)0 : x >= (T)9223372036854775808.0 ? (U)INT64_MAX : x <= (T)-9223372036854775808.0 ? (U)INT64_MIN : (U)(int64_t)x;
}

template <class T, class U> static void castTo(void* y, const void* x, Size begin, Size end) {
  const T* from = (const T*)x;
  U* to = (U*)y;
  forEach(begin, end, [=] DEVICE(Size i) { to[i] = convert<U>(from[i]); });
}

template <class T> static void castFrom(void* y, const void* x, Size to, Size begin, Size end) {
  const T* from = (const T*)x;
  switch (to) {
    case 0: {
      uint8_t* bits = (uint8_t*)y;
      forEach(begin, end, [=] DEVICE(Size i) { bits[i] = from[i] != (T)0; });
      break;
    }
    case 1: return castTo<T, uint8_t>(y, x, begin, end);
    case 2: return castTo<T, int8_t>(y, x, begin, end);
    case 3: return castTo<T, int16_t>(y, x, begin, end);
    case 4: return castTo<T, int32_t>(y, x, begin, end);
    case 5: return castTo<T, int64_t>(y, x, begin, end);
    case 6: {
      __half* half = (__half*)y;
      forEach(begin, end, [=] DEVICE(Size i) { half[i] = __float2half((float)from[i]); });
      break;
    }
    case 7: {
      __nv_bfloat16* brain = (__nv_bfloat16*)y;
      forEach(begin, end, [=] DEVICE(Size i) { brain[i] = __float2bfloat16((float)from[i]); });
      break;
    }
    case 8: return castTo<T, float>(y, x, begin, end);
    default: return castTo<T, double>(y, x, begin, end);
  }
}

// y[i] = x[i] in another dtype; `from` and `to` are dtypes' ids. float16 and bfloat16 go to and from float32 only.
static void cast(void* y, const void* x, Size from, Size to, Size begin, Size end) {
  switch (from) {
    case 0:
    case 1: return castFrom<uint8_t>(y, x, to, begin, end);
    case 2: return castFrom<int8_t>(y, x, to, begin, end);
    case 3: return castFrom<int16_t>(y, x, to, begin, end);
    case 4: return castFrom<int32_t>(y, x, to, begin, end);
    case 5: return castFrom<int64_t>(y, x, to, begin, end);
    case 6: {
      const __half* half = (const __half*)x;
      float* single = (float*)y;
      forEach(begin, end, [=] DEVICE(Size i) { single[i] = __half2float(half[i]); });
      break;
    }
    case 7: {
      const __nv_bfloat16* brain = (const __nv_bfloat16*)x;
      float* single = (float*)y;
      forEach(begin, end, [=] DEVICE(Size i) { single[i] = __bfloat162float(brain[i]); });
      break;
    }
    case 8: return castFrom<float>(y, x, to, begin, end);
    default: return castFrom<double>(y, x, to, begin, end);
  }
}

FAMILY(copy, KERNEL(copy_b1, copy<uint8_t>), KERNEL(copy_b2, copy<uint16_t>), KERNEL(copy_b4, copy<uint32_t>),
       KERNEL(copy_b8, copy<uint64_t>), KERNEL(cast, cast))
