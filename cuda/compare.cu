// Comparisons of two operands, broadcast (the parameters are those of binary.cuh): y, in bytes of 0 and 1.
#include "binary.cuh"

#define COMPARISON(Name, ...)                                                         \
  struct Name {                                                                       \
    template <class T> DEVICE uint8_t operator()(T a, T b) const { return __VA_ARGS__; } \
  };

COMPARISON(Equal, a == b)
COMPARISON(Unequal, a != b)
COMPARISON(Less, a < b)
COMPARISON(LessOrEqual, a <= b)

#define COMPARE(name, F)                                                                                          \
  KERNEL(name, binary<F, float, uint8_t>), KERNEL(name##_f64, binary<F, double, uint8_t>),                        \
      KERNEL(name##_i64, binary<F, int64_t, uint8_t>), KERNEL(name##_i32, binary<F, int32_t, uint8_t>),           \
      KERNEL(name##_u8, binary<F, uint8_t, uint8_t>)

FAMILY(compare, COMPARE(eq, Equal), COMPARE(ne, Unequal), COMPARE(lt, Less), COMPARE(le, LessOrEqual))
