// float16 and bfloat16: 16 bits in memory, computed with as float32.
#pragma once
#include "common.cuh"

inline DEVICE float widen(__half x) { return __half2float(x); }
inline DEVICE float widen(__nv_bfloat16 x) { return __bfloat162float(x); }
template <class T> DEVICE T widen(T x) { return x; }

template <class T> DEVICE T narrow(float x);
template <> inline DEVICE float narrow<float>(float x) { return x; }
template <> inline DEVICE __half narrow<__half>(float x) { return __float2half(x); }
template <> inline DEVICE __nv_bfloat16 narrow<__nv_bfloat16>(float x) { return __float2bfloat16(x); }

// Two neighbours in a register, the first of them the lower half.
DEVICE inline uint32_t pair(float low, float high, __nv_bfloat16) {
  const __nv_bfloat162 two = __floats2bfloat162_rn(low, high);
  uint32_t bits;
  memcpy(&bits, &two, 4);
  return bits;
}
DEVICE inline uint32_t pair(float low, float high, __half) {
  const __half2 two = __floats2half2_rn(low, high);
  uint32_t bits;
  memcpy(&bits, &two, 4);
  return bits;
}

// The type that elements of type T are computed with in.
template <class T> struct Computed {
  using type = T;
  static constexpr bool narrow = false;
};
template <> struct Computed<__half> {
  using type = float;
  static constexpr bool narrow = true;
};
template <> struct Computed<__nv_bfloat16> : Computed<__half> {};
template <class T> using ComputedOf = typename Computed<T>::type;

template <> struct Sum<__half> {
  using type = double;
};
template <> struct Sum<__nv_bfloat16> {
  using type = double;
};

// An operation of float32 on narrow elements.
template <class F> struct Widened {
  F f;
  template <class T, class... X> DEVICE T operator()(T x, X... rest) const { return narrow<T>(f(widen(x), widen(rest)...)); }
};

// f, as it is applied to elements of type T.
template <class T, class F> auto applied(F f) {
  if constexpr (Computed<T>::narrow) return Widened<F>{f};
  else return f;
}

// The same function template for narrow types.
#define KERNEL_NARROW(name, ...) KERNEL(name##_f16, __VA_ARGS__<__half>), KERNEL(name##_bf16, __VA_ARGS__<__nv_bfloat16>)
// The same of function templates f<F, T>.
#define KERNEL_NARROW_OF(name, f, F) KERNEL(name##_f16, f<F, __half>), KERNEL(name##_bf16, f<F, __nv_bfloat16>)
