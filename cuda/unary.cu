// Functions of one variable: y[i] = f(x[i]) for i in [begin, end), both contiguous.
#include "vector.cuh"

template <class F, class T> static void unary(T* y, const T* x, Size begin, Size end) {
  map(begin, end, applied<T>(F()), y, x);
}

#define FUNCTION(Name, ...)                                                 \
  struct Name {                                                             \
    template <class T> DEVICE T operator()(T x) const { return __VA_ARGS__; } \
  };

FUNCTION(Neg, -x)
// Asked so that unsigned elements raise no warning.
template <class T> DEVICE bool below(T x, T y) { return x < y; }
FUNCTION(Abs, below(x, T(0)) ? -x : x == T(0) ? T(0) : x)
FUNCTION(Sign, T(below(T(0), x) - below(x, T(0))))
FUNCTION(Sqrt, std::sqrt(x))
FUNCTION(Rsqrt, 1 / std::sqrt(x))
FUNCTION(Reciprocal, 1 / x)
FUNCTION(Floor, std::floor(x))
FUNCTION(Ceil, std::ceil(x))
FUNCTION(Round, std::nearbyint(x))
FUNCTION(Trunc, std::trunc(x))
FUNCTION(Frac, x - std::trunc(x))
FUNCTION(Exp, std::exp(x))
FUNCTION(Exp2, std::exp2(x))
FUNCTION(Expm1, std::expm1(x))
FUNCTION(Log, std::log(x))
FUNCTION(Log1p, std::log1p(x))
FUNCTION(Log2, std::log2(x))
FUNCTION(Log10, std::log10(x))
FUNCTION(Sin, std::sin(x))
FUNCTION(Cos, std::cos(x))
FUNCTION(Tan, std::tan(x))
FUNCTION(Asin, std::asin(x))
FUNCTION(Acos, std::acos(x))
FUNCTION(Atan, std::atan(x))
FUNCTION(Sinh, std::sinh(x))
FUNCTION(Cosh, std::cosh(x))
FUNCTION(Tanh, std::tanh(x))
FUNCTION(Asinh, std::asinh(x))
FUNCTION(Acosh, std::acosh(x))
FUNCTION(Atanh, std::atanh(x))
FUNCTION(Sigmoid, 1 / (1 + std::exp(-x)))
FUNCTION(Erf, std::erf(x))
FUNCTION(Erfc, std::erfc(x))

#define UNARY(name, F) KERNEL(name, unary<F, float>), KERNEL(name##_f64, unary<F, double>)
#define UNARY_NARROW(name, F) UNARY(name, F), KERNEL_NARROW_OF(name, unary, F)
#define UNARY_ALL(name, F)                                                                                           \
  UNARY(name, F), KERNEL(name##_i64, unary<F, int64_t>), KERNEL(name##_i32, unary<F, int32_t>), KERNEL(name##_u8, unary<F, uint8_t>)

FAMILY(unary, UNARY_ALL(neg, Neg), KERNEL_NARROW_OF(neg, unary, Neg), UNARY_ALL(abs, Abs), KERNEL_NARROW_OF(abs, unary, Abs),
       UNARY_ALL(sign, Sign), UNARY_NARROW(sqrt, Sqrt), UNARY_NARROW(rsqrt, Rsqrt), UNARY_NARROW(reciprocal, Reciprocal),
       UNARY(floor, Floor), UNARY(ceil, Ceil), UNARY(round, Round), UNARY(trunc, Trunc), UNARY(frac, Frac), UNARY_NARROW(exp, Exp),
       UNARY(exp2, Exp2), UNARY(expm1, Expm1), UNARY_NARROW(log, Log), UNARY(log1p, Log1p), UNARY(log2, Log2), UNARY(log10, Log10),
       UNARY_NARROW(sin, Sin), UNARY_NARROW(cos, Cos), UNARY(tan, Tan), UNARY(asin, Asin), UNARY(acos, Acos), UNARY(atan, Atan),
       UNARY(sinh, Sinh), UNARY(cosh, Cosh), UNARY_NARROW(tanh, Tanh), UNARY(asinh, Asinh), UNARY(acosh, Acosh),
       UNARY(atanh, Atanh), UNARY_NARROW(sigmoid, Sigmoid), UNARY_NARROW(erf, Erf), UNARY(erfc, Erfc))
