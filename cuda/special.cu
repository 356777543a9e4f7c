// Special functions, in float64 whatever the elements' type. Errors of a few units in the last place, except near the zeros of
// lgamma and digamma, where the error is absolute. The formulas are those of assembly/special.ts.
#include "common.cuh"

constexpr double PI = 3.141592653589793;

// The polynomial with these coefficients, lowest first.
static DEVICE double horner(double, double c) { return c; }
template <class... C> static DEVICE double horner(double x, double c, C... higher) { return horner(x, higher...) * x + c; }

// -1 to the power of a whole number.
static DEVICE double parity(double n) { return 2 * std::nearbyint(0.5 * n) == n ? 1 : -1; }

// sin(pi x) and cos(pi x): the argument is reduced exactly.
static DEVICE double sinPi(double x) {
  const double n = std::nearbyint(x);
  return parity(n) * std::sin(PI * (x - n));
}
static DEVICE double cosPi(double x) {
  const double n = std::nearbyint(x);
  return parity(n) * std::cos(PI * (x - n));
}

// The inverse of erf: Mike Giles' approximation (2011) in its single-precision branches as first guess, and three of Halley's
// steps, near 1 on erfc.
static DEVICE double erfinvOf(double y) {
  const double a = std::fabs(y);
  if (!(a < 1)) return a == 1 ? std::copysign((double)INFINITY, y) : (double)NAN;
  const double w = -std::log((1 - a) * (1 + a));
  double x = w < 5 ? a * horner(w - 2.5, 1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087, -4.39150654e-06,
                                -3.5233877e-06, 3.43273939e-07, 2.81022636e-08)
                   : a * horner(std::sqrt(w) - 3, 2.83297682, 1.00167406, 0.00943887047, -0.0076224613, 0.00573950773,
                                -0.00367342844, 0.00134934322, 0.000100950558, -0.000200214257);
  for (int i = 0; i < 3; i++) {
    const double error = a < 0.5 ? std::erf(x) - a : (1 - a) - std::erfc(x);
    // 2 / sqrt(pi) exp(-x^2) is the slope of erf.
    const double step = error / (1.1283791670955126 * std::exp(-x * x));
    x -= step / (1 + x * step);
  }
  return std::copysign(x, y);
}

// log |gamma(x)|: Stirling's series above 8, the recurrence below, the reflection formula below 0.
static DEVICE double lgammaOf(double x) {
  if (x != x) return x;
  if (std::fabs(x) == INFINITY || (x <= 0 && x == std::floor(x))) return INFINITY;
  const bool mirrored = x < 0;
  const double reflection = mirrored ? std::log(PI / std::fabs(sinPi(x))) : 0;
  if (mirrored) x = 1 - x;
  double product = 1;
  for (; x < 8; x += 1) product *= x;
  const double r = 1 / x;
  const double series = horner(r * r, 1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360, 1.0 / 156);
  const double y = (x - 0.5) * std::log(x) - x + 0.9189385332046728 + series * r - std::log(product);
  return mirrored ? reflection - y : y;
}

// The derivative of lgamma: the asymptotic series above 10, the recurrence below, the reflection formula below 0.
static DEVICE double digammaOf(double x) {
  if (x == 0) return std::copysign((double)INFINITY, -x);
  double y = 0;
  if (x < 0) {
    if (x == std::trunc(x)) return NAN;
    y = -PI * cosPi(x) / sinPi(x);
    x = 1 - x;
  }
  for (; x < 10; x += 1) y -= 1 / x;
  const double r2 = 1 / (x * x);
  const double series = horner(r2, 1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132, -691.0 / 32760, 1.0 / 12);
  return x == INFINITY ? x : y + std::log(x) - 0.5 / x - series * r2;
}

// Hurwitz's zeta function, the sum of (q + k)^-s over k >= 0, for q > 0: nine terms and the Euler-Maclaurin formula.
static DEVICE double zetaOf(double s, double q) {
  double sum = 0;
  for (; q < 10; q += 1) sum += std::pow(q, -s);
  const double last = std::pow(q, -s), r2 = 1 / (q * q);
  sum += last * q / (s - 1) + 0.5 * last;
  // B_2k / (2k)! * s (s + 1) ... (s + 2k - 2) * q^(-s - 2k + 1)
  double term = last * s / q;
  sum += term / 12;
  term *= (s + 1) * (s + 2) * r2;
  sum -= term / 720;
  term *= (s + 3) * (s + 4) * r2;
  sum += term / 30240;
  term *= (s + 5) * (s + 6) * r2;
  sum -= term / 1209600;
  term *= (s + 7) * (s + 8) * r2;
  sum += term / 47900160;
  term *= (s + 9) * (s + 10) * r2;
  sum -= term * 691 / 1307674368000;
  term *= (s + 11) * (s + 12) * r2;
  return sum + term / 74724249600;
}

// The n-th derivative of digamma: (-1)^(n + 1) n! zeta(n + 1, x).
static DEVICE double polygammaOf(double n, double x) {
  if (n == 0) return digammaOf(x);
  if (x != x) return x;
  const double s = n + 1;
  const bool odd = std::floor(0.5 * n) * 2 != n;
  double factorial = odd ? 1 : -1;
  for (double i = 2; i <= n && std::fabs(factorial) != INFINITY; i += 1) factorial *= i;
  if (std::fabs(x) == INFINITY) return x > 0 ? 0.0 : (double)NAN;
  if (x > 0) return factorial * zetaOf(s, x);
  // The terms below 0 are those of a zeta function too, mirrored.
  const double f = x - std::floor(x);
  if (f == 0) return odd ? (double)INFINITY : (double)NAN;
  const double mirrored = zetaOf(s, std::ceil(x) - x) - zetaOf(s, 1 - x);
  return factorial * (zetaOf(s, f) + (odd ? mirrored : -mirrored));
}

// sin(pi x) / (pi x).
static DEVICE double sincOf(double x) { return x == 0 ? 1 : sinPi(x) / (PI * x); }

// The derivative of sinc: (cos(pi x) - sinc(x)) / x.
static DEVICE double sincDerivativeOf(double x) {
  if (std::fabs(x) > 0.05) return (cosPi(x) - sincOf(x)) / x;
  const double y = (PI * x) * (PI * x);
  return -PI * PI / 3 * x * (1 - y / 10 * (1 - y / 28 * (1 - y / 54)));
}

// The modified Bessel function of the first kind, of order 0 or 1, for x >= 0: exp(x) / sqrt(2 pi x) and the asymptotic series
// above 40, the power series below.
static DEVICE double besselOf(double x, int order) {
  if (!(x < INFINITY)) return x;
  double term = 1, sum = 1;
  if (x > 40) {
    for (double k = 1; k < 40 && std::fabs(term) >= 1e-17; k += 1) {
      term *= -(4.0 * order - (2 * k - 1) * (2 * k - 1)) / (8 * x * k);
      sum += term;
    }
    const double e = std::exp(0.5 * x);
    return e / std::sqrt(2 * PI * x) * sum * e;
  }
  for (double k = 1; term > sum * 1e-17; k += 1) {
    term *= 0.25 * x * x / (k * (k + order));
    sum += term;
  }
  return order ? 0.5 * x * sum : sum;
}

#define FUNCTION(name, ...)                                                                         \
  template <class T> static void name(T* y, const T* from, Size begin, Size end) {                  \
    forEach(begin, end, [=] DEVICE(Size i) {                                                        \
      const double x = (double)from[i];                                                             \
      y[i] = (T)(__VA_ARGS__);                                                                      \
    });                                                                                             \
  }

FUNCTION(erfinv_, erfinvOf(x))
FUNCTION(lgamma_, lgammaOf(x))
FUNCTION(digamma_, digammaOf(x))
FUNCTION(sinc_, sincOf(x))
FUNCTION(sincDerivative, sincDerivativeOf(x))
FUNCTION(i0_, besselOf(std::fabs(x), 0))
FUNCTION(i1_, std::copysign(besselOf(std::fabs(x), 1), x))

// The other two parameters of an activation are not used.
template <class T> static void polygamma(T* y, const T* x, double n, double, double, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) { y[i] = (T)polygammaOf(n, (double)x[i]); });
}

FAMILY(special, KERNEL_FLOATS(erfinv, erfinv_), KERNEL_FLOATS(lgamma, lgamma_), KERNEL_FLOATS(digamma, digamma_),
       KERNEL_FLOATS(sinc, sinc_), KERNEL_FLOATS(sinc_derivative, sincDerivative), KERNEL_FLOATS(i0, i0_), KERNEL_FLOATS(i1, i1_),
       KERNEL_FLOATS(polygamma, polygamma))
