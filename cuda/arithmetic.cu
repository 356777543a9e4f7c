// Arithmetic on two operands, broadcast: see binary.cuh for the loop and the meaning of the parameters.
#include "binary.cuh"

OPERATION2(Add, a + b)
OPERATION2(Sub, a - b)
OPERATION2(Mul, a* b)
OPERATION2(Div, a / b)
OPERATION2(Maximum, a != a || a > b ? a : b)
OPERATION2(Minimum, a != a || a < b ? a : b)

// Divisions of floats.
struct DivTrunc {
  template <class T> DEVICE T operator()(T a, T b) const { return std::trunc(a / b); }
};
// From an exact remainder: a / b itself may round up to a whole number.
struct DivFloor {
  DEVICE double operator()(double a, double b) const {
    if (b == 0) return a / b;
    const double rest = std::fmod(a, b);
    double quotient = (a - rest) / b;
    if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
    if (quotient == 0) return std::copysign(0.0, a / b);
    const double whole = std::floor(quotient);
    return quotient - whole > 0.5 ? whole + 1 : whole;
  }
};
// The remainder with the sign of b, as Python's.
struct Remainder {
  DEVICE double operator()(double a, double b) const {
    const double rest = std::fmod(a, b);
    return rest != 0 && (b < 0) != (rest < 0) ? rest + b : rest;
  }
};
struct Fmod {
  DEVICE double operator()(double a, double b) const { return std::fmod(a, b); }
};

// Divisions of whole numbers: by zero gives 0, which the operation refuses; the lowest number / -1 wraps.
enum Rounding { TRUNC, FLOOR, REMAINDER, FMOD };
template <Rounding R> struct Whole {
  DEVICE int64_t operator()(int64_t a, int64_t b) const {
    if (b == 0) return 0;
    if (b == -1) return R == TRUNC || R == FLOOR ? (int64_t)(0 - (uint64_t)a) : 0;
    const int64_t rest = a % b;
    if (R == FMOD) return rest;
    const bool other = rest != 0 && (b < 0) != (rest < 0);
    if (R == REMAINDER) return other ? rest + b : rest;
    return a / b - (R == FLOOR && other ? 1 : 0);
  }
};

// Through float64, and one rounding.
struct Power {
  template <class T> DEVICE T operator()(T a, T b) const { return (T)std::pow((double)a, (double)b); }
  // Modulo 2^64; for b < 0 the whole part of the quotient.
  DEVICE int64_t operator()(int64_t a, int64_t b) const {
    if (b < 0) return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
    uint64_t result = 1, base = (uint64_t)a;
    for (; b != 0; b >>= 1, base *= base) {
      if (b & 1) result *= base;
    }
    return (int64_t)result;
  }
};

// log(e^a + e^b), from the larger of the two.
struct Logaddexp {
  DEVICE double operator()(double a, double b) const {
    if (a == b && std::fabs(a) == INFINITY) return a;
    return Larger()(a, b) + std::log1p(std::exp(-std::fabs(a - b)));
  }
};
struct Logaddexp2 {
  DEVICE double operator()(double a, double b) const {
    constexpr double LN2 = 0.6931471805599453;
    if (a == b && std::fabs(a) == INFINITY) return a;
    return Larger()(a, b) + std::log1p(std::exp(-LN2 * std::fabs(a - b))) / LN2;
  }
};
struct Atan2 {
  DEVICE double operator()(double a, double b) const { return std::atan2(a, b); }
};
struct Hypot {
  DEVICE double operator()(double a, double b) const { return std::hypot(a, b); }
};
struct Xlogy {
  DEVICE double operator()(double a, double b) const { return b != b ? b : a == 0 ? 0 : a * std::log(b); }
};
struct Copysign {
  DEVICE double operator()(double a, double b) const { return std::copysign(a, b); }
};
struct Fmax {
  DEVICE double operator()(double a, double b) const { return std::fmax(a, b); }
};
struct Fmin {
  DEVICE double operator()(double a, double b) const { return std::fmin(a, b); }
};

OPERATION2(And, a& b)
OPERATION2(Or, a | b)
OPERATION2(Xor, a ^ b)
// The CPU's shifts take the lower bits of the distance.
OPERATION2(ShiftLeft, (T)((uint64_t)a << (b & 63)))
OPERATION2(ShiftRight, a >> (b & 63))

#define BINARY(name, F) \
  KERNEL(name, binary<F, float>), KERNEL(name##_f64, binary<F, double>)
#define BINARY_ALL(name, F)                                                                                            \
  BINARY(name, F), KERNEL(name##_i64, binary<F, int64_t>), KERNEL(name##_i32, binary<F, int32_t>), KERNEL(name##_u8, binary<F, uint8_t>)

// float32 and narrow elements: y = a + b, float32.
struct AddMixed {
  template <class T> DEVICE float operator()(float a, T b) const { return a + widen(b); }
};
template <class T>
static void addMixed(float* y, const float* a, const T* b, Size columns, Size aRow, Size aColumn, Size bRow, Size bColumn, Size begin,
                     Size end) {
  broadcastMap(columns, begin, end, AddMixed(), y, Operand<float>{a, aRow, aColumn}, Operand<T>{b, bRow, bColumn});
}

FAMILY(arithmetic, KERNEL_NARROW(add_mixed, addMixed), BINARY_ALL(add, Add), BINARY_ALL(sub, Sub), BINARY_ALL(mul, Mul), BINARY_ALL(maximum, Maximum),
       BINARY_ALL(minimum, Minimum), KERNEL_NARROW_OF(add, binary, Add), KERNEL_NARROW_OF(sub, binary, Sub),
       KERNEL_NARROW_OF(mul, binary, Mul), KERNEL_NARROW_OF(div, binary, Div), KERNEL_NARROW_OF(maximum, binary, Maximum),
       KERNEL_NARROW_OF(minimum, binary, Minimum), BINARY(div, Div), BINARY(div_trunc, DivTrunc), BINARY(pow, Power),
       KERNEL(pow_i64, binary<Power, int64_t>), KERNEL(div_trunc_i64, binary<Whole<TRUNC>, int64_t>),
       KERNEL(div_floor_f64, binary<DivFloor, double>), KERNEL(div_floor_i64, binary<Whole<FLOOR>, int64_t>),
       KERNEL(remainder_f64, binary<Remainder, double>), KERNEL(remainder_i64, binary<Whole<REMAINDER>, int64_t>),
       KERNEL(fmod_f64, binary<Fmod, double>), KERNEL(fmod_i64, binary<Whole<FMOD>, int64_t>),
       KERNEL(atan2_f64, binary<Atan2, double>), KERNEL(hypot_f64, binary<Hypot, double>),
       KERNEL(logaddexp_f64, binary<Logaddexp, double>), KERNEL(logaddexp2_f64, binary<Logaddexp2, double>),
       KERNEL(xlogy_f64, binary<Xlogy, double>), KERNEL(copysign_f64, binary<Copysign, double>),
       KERNEL(fmax_f64, binary<Fmax, double>), KERNEL(fmin_f64, binary<Fmin, double>),
       KERNEL(bitwise_and_i64, binary<And, int64_t>), KERNEL(bitwise_and_u8, binary<And, uint8_t>),
       KERNEL(bitwise_or_i64, binary<Or, int64_t>), KERNEL(bitwise_or_u8, binary<Or, uint8_t>),
       KERNEL(bitwise_xor_i64, binary<Xor, int64_t>), KERNEL(bitwise_xor_u8, binary<Xor, uint8_t>),
       KERNEL(bitwise_left_shift_i64, binary<ShiftLeft, int64_t>),
       KERNEL(bitwise_right_shift_i64, binary<ShiftRight, int64_t>))
