// Three operands with broadcasting: y = op(a, b, c); see binary.cuh.
#include "binary.cuh"

// b where a, a condition in bytes, is not 0, else c.
struct Where {
  template <class T> DEVICE T operator()(uint8_t a, T b, T c) const { return a ? b : c; }
};
// a + c (b - a), from the nearer end: exact at both.
struct Lerp {
  template <class T> DEVICE T operator()(T a, T b, T c) const { return c < (T)0.5 ? a + c * (b - a) : b + (c - 1) * (b - a); }
};
struct Addcmul {
  template <class T> DEVICE T operator()(T a, T b, T c) const { return a + b * c; }
};
// Not-a-number stays: no comparison with it is true.
struct Clamp {
  template <class T> DEVICE T operator()(T a, T b, T c) const {
    const T raised = a < b || b != b ? b : a;
    return raised > c || c != c ? c : raised;
  }
};

#define TERNARY(name, F) KERNEL(name, ternary<F, float>), KERNEL(name##_f64, ternary<F, double>)

FAMILY(pointwise, KERNEL(where_b1, ternary<Where, uint8_t, uint8_t>), KERNEL(where_b2, ternary<Where, uint16_t, uint8_t>),
       KERNEL(where_b4, ternary<Where, uint32_t, uint8_t>), KERNEL(where_b8, ternary<Where, uint64_t, uint8_t>),
       KERNEL_NARROW_OF(lerp, ternary, Lerp), KERNEL_NARROW_OF(addcmul, ternary, Addcmul), KERNEL_NARROW_OF(clamp, ternary, Clamp),
       TERNARY(lerp, Lerp), TERNARY(addcmul, Addcmul), TERNARY(clamp, Clamp), KERNEL(clamp_i64, ternary<Clamp, int64_t>))
