// Activation functions, y[i] = f(x[i]), and their gradients, dx[i] = dy[i] f'(x[i]), all contiguous. The parameters a, b, c
// are those of assembly/activation.ts and activation_grad.ts:
//
// - threshold: a threshold, b value          - hardtanh: a lowest, b highest
// - leaky_relu: a slope                      - softshrink, hardshrink: a lambda
// - softplus: a beta, b threshold            - logit: a lowest, b highest, c whether to clamp to them
// - elu: a expm1(c x) below 0, b x above; its gradient: a exp(c x) below 0, b above
//
// relu (threshold_grad), sigmoid and tanh take their gradients from the result, in the place of x.
#include "vector.cuh"

template <class F, class T> static void unary(T* y, const T* x, Size begin, Size end) {
  map(begin, end, applied<T>(F()), y, x);
}
template <class F, class T> static void unaryGrad(T* dx, const T* dy, const T* x, Size begin, Size end) {
  map(begin, end, applied<T>(F()), dx, dy, x);
}
// A function with its parameters.
template <class F, class T> struct With {
  T a, b, c;
  DEVICE T operator()(T x) const { return F()(x, a, b, c); }
  DEVICE T operator()(T dy, T x) const { return F()(dy, x, a, b, c); }
};
template <class F, class T> static void activation(T* y, const T* x, double a, double b, double c, Size begin, Size end) {
  using C = ComputedOf<T>;
  map(begin, end, applied<T>(With<F, C>{(C)a, (C)b, (C)c}), y, x);
}
template <class F, class T>
static void activationGrad(T* dx, const T* dy, const T* x, double a, double b, double c, Size begin, Size end) {
  using C = ComputedOf<T>;
  map(begin, end, applied<T>(With<F, C>{(C)a, (C)b, (C)c}), dx, dy, x);
}

template <class T> static DEVICE T sigmoid(T x) { return 1 / (1 + std::exp(-x)); }
// log(1 + e^x)
template <class T> static DEVICE T softplus(T x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x))); }

#define SQRT_HALF T(0.7071067811865476)
#define DENSITY T(0.3989422804014327)  // 1 / sqrt(2 pi)
// 2 sqrt(2 / pi), and that times 0.044715: gelu's tanh form is x sigmoid(A x + B x^3)
#define GELU_A T(1.5957691216057308)
#define GELU_B T(0.07135481627159826)

#define FUNCTION(Name, ...)                                                 \
  struct Name {                                                             \
    template <class T> DEVICE T operator()(T x) const { return __VA_ARGS__; } \
  };
#define GRADIENT(Name, ...)                                                        \
  struct Name {                                                                    \
    template <class T> DEVICE T operator()(T dy, T x) const { return __VA_ARGS__; } \
  };
#define FUNCTION3(Name, ...)                                                                              \
  struct Name {                                                                                           \
    template <class T> DEVICE T operator()(T x, T a, T b, T c) const { return (void)a, (void)b, (void)c, __VA_ARGS__; } \
  };
#define GRADIENT3(Name, ...)                                                                                     \
  struct Name {                                                                                                  \
    template <class T> DEVICE T operator()(T dy, T x, T a, T b, T c) const { return (void)a, (void)b, (void)c, __VA_ARGS__; } \
  };

FUNCTION(Relu, x < 0 ? 0 : x)
FUNCTION(Gelu, x*(T(0.5) * std::erfc(-SQRT_HALF * x)))
FUNCTION(GeluTanh, x* sigmoid(x*(GELU_A + GELU_B * x * x)))
FUNCTION(Silu, x* sigmoid(x))
FUNCTION(Hardsigmoid, (x < -3 ? 0 : x > 3 ? 6 : x + 3) / 6)
FUNCTION(Hardswish, x*((x < -3 ? 0 : x > 3 ? 6 : x + 3) / 6))
FUNCTION(Logsigmoid, -softplus(-x))
// With e = exp(-|x|), tanh(log(1 + exp(x))) is (1 + 2e) / (1 + 2e + 2e^2) or e (e + 2) / (e (e + 2) + 2).
struct Mish {
  template <class T> DEVICE T operator()(T x) const {
    const T e = std::exp(-std::fabs(x));
    return x >= 0 ? x * ((1 + 2 * e) / (1 + 2 * e + 2 * e * e)) : x * (e * (e + 2) / (e * (e + 2) + 2));
  }
};

GRADIENT(SigmoidGrad, dy*(x*(1 - x)))
GRADIENT(TanhGrad, dy*((1 - x) * (1 + x)))
GRADIENT(GeluGrad, dy*(T(0.5) * std::erfc(-SQRT_HALF * x) + x * (DENSITY * std::exp(T(-0.5) * x * x))))
GRADIENT(SiluGrad, dy*(sigmoid(x) * (1 + x * sigmoid(-x))))
GRADIENT(HardsigmoidGrad, x > -3 && x < 3 ? dy * T(0.1666666716337204) : 0)  // PyTorch's sixth, float32 in float64 too
GRADIENT(HardswishGrad, x < -3 ? 0 : x >= 3 ? dy : dy * (x / 3 + T(0.5)))
GRADIENT(LogsigmoidGrad, dy* sigmoid(-x))
struct GeluTanhGrad {
  template <class T> DEVICE T operator()(T dy, T x) const {
    const T v = x * (GELU_A + GELU_B * x * x);
    // Of -v: where it is large, s (1 - s) is 0 and the slope must not make it infinite.
    const T s = sigmoid(v), rest = sigmoid(-v);
    return dy * (rest == 0 || s == 0 ? s : s * (1 + x * rest * (GELU_A + 3 * GELU_B * x * x)));
  }
};
struct MishGrad {
  template <class T> DEVICE T operator()(T dy, T x) const {
    const T e = std::exp(-std::fabs(x));
    const T n = 2 * e + (x >= 0 ? 1 : e * e), d = n + (x >= 0 ? 2 * e * e : 2);
    return dy * ((n + 4 * x * (x >= 0 ? e * e : e) * (1 + e) / d) / d);
  }
};

FUNCTION3(Threshold, x <= a ? b : x)
FUNCTION3(Hardtanh, x < a ? (a > b ? b : a) : x > b ? b : x)
FUNCTION3(LeakyRelu, x > 0 ? x : x * a)
FUNCTION3(Elu, x <= 0 ? std::expm1(x * c) * a : x * b)
FUNCTION3(Softplus, x* a > b ? x : softplus(x * a) / a)
FUNCTION3(Softshrink, x > a ? x - a : x < -a ? x + a : 0)
FUNCTION3(Hardshrink, x >= -a && x <= a ? 0 : x)
struct Logit {
  template <class T> DEVICE T operator()(T x, T a, T b, T c) const {
    const T z = c == 0 ? x : x < a ? a : x > b ? b : x;
    return std::log(z / (1 - z));
  }
};

GRADIENT3(ThresholdGrad, x <= a ? 0 : dy)
GRADIENT3(HardtanhGrad, x <= a || x >= b ? 0 : dy)
GRADIENT3(LeakyReluGrad, x > 0 ? dy : dy * a)
GRADIENT3(EluGrad, dy*(x > 0 ? b : a * std::exp(x * c)))
GRADIENT3(SoftplusGrad, x* a > b ? dy : dy * sigmoid(x * a))
GRADIENT3(ShrinkGrad, x >= -a && x <= a ? 0 : dy)
GRADIENT3(LogitGrad, x < a || x > b ? (c == 0 ? T(NAN) : 0) : dy / (x * (1 - x)))

#define UNARY(name, F) KERNEL(name, unary<F, float>), KERNEL(name##_f64, unary<F, double>), KERNEL_NARROW_OF(name, unary, F)
#define UNARY_GRAD(name, F) \
  KERNEL(name, unaryGrad<F, float>), KERNEL(name##_f64, unaryGrad<F, double>), KERNEL_NARROW_OF(name, unaryGrad, F)
#define ACTIVATION(name, F) KERNEL(name, activation<F, float>), KERNEL(name##_f64, activation<F, double>)
#define ACTIVATION_GRAD(name, F) KERNEL(name, activationGrad<F, float>), KERNEL(name##_f64, activationGrad<F, double>)
#define BOTH_NARROW(name, F) KERNEL_NARROW_OF(name, activation, F), KERNEL_NARROW_OF(name##_grad, activationGrad, F##Grad)

FAMILY(activation, UNARY(relu, Relu), UNARY(gelu, Gelu), UNARY(gelu_tanh, GeluTanh), UNARY(silu, Silu), UNARY(mish, Mish),
       UNARY(hardswish, Hardswish), UNARY(hardsigmoid, Hardsigmoid), UNARY(logsigmoid, Logsigmoid),
       UNARY_GRAD(sigmoid_grad, SigmoidGrad), UNARY_GRAD(tanh_grad, TanhGrad), UNARY_GRAD(gelu_grad, GeluGrad),
       UNARY_GRAD(gelu_tanh_grad, GeluTanhGrad), UNARY_GRAD(silu_grad, SiluGrad), UNARY_GRAD(mish_grad, MishGrad),
       UNARY_GRAD(hardswish_grad, HardswishGrad), UNARY_GRAD(hardsigmoid_grad, HardsigmoidGrad),
       UNARY_GRAD(logsigmoid_grad, LogsigmoidGrad), ACTIVATION(threshold, Threshold), ACTIVATION(hardtanh, Hardtanh),
       ACTIVATION(leaky_relu, LeakyRelu), ACTIVATION(elu, Elu), ACTIVATION(softplus, Softplus),
       ACTIVATION(softshrink, Softshrink), ACTIVATION(hardshrink, Hardshrink), ACTIVATION(logit, Logit),
       ACTIVATION_GRAD(threshold_grad, ThresholdGrad), ACTIVATION_GRAD(hardtanh_grad, HardtanhGrad),
       ACTIVATION_GRAD(leaky_relu_grad, LeakyReluGrad), ACTIVATION_GRAD(elu_grad, EluGrad),
       ACTIVATION_GRAD(softplus_grad, SoftplusGrad), ACTIVATION_GRAD(shrink_grad, ShrinkGrad),
       ACTIVATION_GRAD(logit_grad, LogitGrad), BOTH_NARROW(threshold, Threshold), BOTH_NARROW(hardtanh, Hardtanh),
       BOTH_NARROW(leaky_relu, LeakyRelu), BOTH_NARROW(elu, Elu), BOTH_NARROW(softplus, Softplus))
