/**
 * Special functions in float64, for kernels to call. Errors of a few units in the last place, except near the zeros of
 * lgamma and digamma, where the error is absolute.
 */

const PI: f64 = 3.141592653589793;
const LN2: f64 = 0.6931471805599453;

/** The polynomial with `count` coefficients at `table`, lowest first. */
function polynomial(table: usize, count: i32, x: f64): f64 {
  let y: f64 = 0;
  for (let i = count - 1; i >= 0; i--) y = y * x + load<f64>(table + (<usize> i << 3));
  return y;
}

/** -1 to the power of a whole number. */
function parity(n: f64): f64 {
  return 2 * nearest<f64>(0.5 * n) == n ? 1 : -1;
}

/** sin(pi x): the argument is reduced exactly. */
function sinPi(x: f64): f64 {
  const n = nearest<f64>(x);
  return parity(n) * NativeMath.sin(PI * (x - n));
}

/** cos(pi x). */
function cosPi(x: f64): f64 {
  const n = nearest<f64>(x);
  return parity(n) * NativeMath.cos(PI * (x - n));
}

/** 1 / (1 + exp(-x)). */
export function sigmoidOf(x: f64): f64 {
  const e = NativeMath.exp(-NativeMath.abs(x));
  return (x >= 0 ? 1 : e) / (1 + e);
}

/** 2 to the power of x. */
export function exp2Of(x: f64): f64 {
  if (!(x > -1080 && x < 1025)) return x != x ? x : x < 0 ? 0 : Infinity;
  const n = nearest<f64>(x), half = <i64> n >> 1;
  const first = reinterpret<f64>((half + 1023) << 52);
  const second = reinterpret<f64>((<i64> n - half + 1023) << 52);
  return NativeMath.exp((x - n) * LN2) * first * second;
}

/** Logarithm to base 2, exact for powers of two. */
export function log2Of(x: f64): f64 {
  return NativeMath.log2(x);
}

// erf(x) / x as a polynomial in x^2, |x| <= 1: interpolation at Chebyshev nodes.
// deno-fmt-ignore
const ERF = memory.data<f64>([
  1.1283791670955126, -0.3761263890318375, 0.11283791670954879, -0.026866170645076792,
  0.0052239776248180145, -0.000854832698083379, 0.0001205533111164271, -1.4925595266831182e-05,
  1.6461000484121368e-06, -1.6350312701054695e-07, 1.4659775274047436e-08, -1.1372848856791674e-09,
  5.957176147748911e-11,
], 8);
// exp(x^2) erfc(x) (x + 3.75) as a polynomial in (x - 3.75) / (x + 3.75), 1 <= x <= 28; the same way.
// deno-fmt-ignore
const ERFC = memory.data<f64>([
  1.0919229095627891, -0.9587415766529096, 0.7363189252217518, -0.4904702912076721,
  0.27906204903376614, -0.13195540117882465, 0.049118778615916035, -0.012535880034942671,
  0.0009863380677334816, 0.0007948230296360451, -0.0003486467251704941, 1.0594456010401073e-05,
  3.747083721793781e-05, -8.90576635111691e-06, -3.285683359156999e-06, 1.6599225901820464e-06,
  2.6987068157089947e-07, -2.667145433684496e-07, -1.2097466505219571e-08, 3.729854848107893e-08,
  -6.299552911613729e-09,
], 8);

/** erfc(x) for x >= 1. */
function erfcAboveOne(x: f64): f64 {
  if (x > 28) return 0;
  const t = 1 / (x + 3.75);
  // exp(-x^2) in two factors: the square of the 26 high bits is exact.
  const high = reinterpret<f64>(reinterpret<u64>(x) & 0xfffffffff8000000);
  const e = NativeMath.exp(-high * high) * NativeMath.exp(-(x - high) * (x + high));
  return e * polynomial(ERFC, 21, (x - 3.75) * t) * t;
}

/** The error function. */
export function erfOf(x: f64): f64 {
  const a = NativeMath.abs(x);
  if (a <= 1) return x * polynomial(ERF, 13, x * x);
  if (a != a) return x;
  return copysign<f64>(1 - erfcAboveOne(a), x);
}

/** 1 - erf(x), without the subtraction where it would cancel. */
export function erfcOf(x: f64): f64 {
  if (x >= 1) return erfcAboveOne(x);
  if (x > -1) return 1 - erfOf(x);
  return x != x ? x : 2 - erfcAboveOne(-x);
}

// Mike Giles, Approximating the erfinv function (2011): the single-precision branches, as first guess.
// deno-fmt-ignore
const ERFINV_CENTRE = memory.data<f64>([
  1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087, -4.39150654e-06,
  -3.5233877e-06, 3.43273939e-07, 2.81022636e-08,
], 8);
// deno-fmt-ignore
const ERFINV_TAIL = memory.data<f64>([
  2.83297682, 1.00167406, 0.00943887047, -0.0076224613, 0.00573950773, -0.00367342844,
  0.00134934322, 0.000100950558, -0.000200214257,
], 8);

/** The inverse of erf: a first guess and three of Halley's steps, near 1 on erfc. */
export function erfinvOf(y: f64): f64 {
  const a = NativeMath.abs(y);
  if (!(a < 1)) return a == 1 ? copysign<f64>(Infinity, y) : NaN;
  const w = -NativeMath.log((1 - a) * (1 + a));
  let x = w < 5
    ? a * polynomial(ERFINV_CENTRE, 9, w - 2.5)
    : a * polynomial(ERFINV_TAIL, 9, NativeMath.sqrt(w) - 3);
  for (let i = 0; i < 3; i++) {
    const error = a < 0.5 ? erfOf(x) - a : (1 - a) - erfcOf(x);
    // 2 / sqrt(pi) exp(-x^2) is the slope of erf.
    const step = error / (1.1283791670955126 * NativeMath.exp(-x * x));
    x -= step / (1 + x * step);
  }
  return copysign<f64>(x, y);
}

/** log |gamma(x)|: Stirling's series above 8, the recurrence below, the reflection formula below 0. */
export function lgammaOf(x: f64): f64 {
  if (x != x) return x;
  if (NativeMath.abs(x) == Infinity) return Infinity;
  if (x <= 0 && x == NativeMath.floor(x)) return Infinity;
  if (x < 0) return NativeMath.log(PI / NativeMath.abs(sinPi(x))) - lgammaOf(1 - x);
  let product: f64 = 1;
  while (x < 8) {
    product *= x;
    x += 1;
  }
  const r = 1 / x, r2 = r * r;
  let series = 1.0 / 156 * r2 - 691.0 / 360360;
  series = series * r2 + 1.0 / 1188;
  series = series * r2 - 1.0 / 1680;
  series = series * r2 + 1.0 / 1260;
  series = series * r2 - 1.0 / 360;
  series = series * r2 + 1.0 / 12;
  const y = (x - 0.5) * NativeMath.log(x) - x + 0.9189385332046728 + series * r;
  return y - NativeMath.log(product);
}

/** The derivative of lgamma: the asymptotic series above 10, the recurrence below, the reflection formula below 0. */
export function digammaOf(x: f64): f64 {
  if (x == 0) return copysign<f64>(Infinity, -x);
  if (x < 0) {
    if (x == NativeMath.trunc(x)) return NaN;
    return digammaOf(1 - x) - PI * cosPi(x) / sinPi(x);
  }
  let y: f64 = 0;
  while (x < 10) {
    y -= 1 / x;
    x += 1;
  }
  const r2 = 1 / (x * x);
  let series = 691.0 / 32760 - r2 / 12;
  series = 1.0 / 132 - series * r2;
  series = 1.0 / 240 - series * r2;
  series = 1.0 / 252 - series * r2;
  series = 1.0 / 120 - series * r2;
  series = 1.0 / 12 - series * r2;
  return x == Infinity ? x : y + NativeMath.log(x) - 0.5 / x - series * r2;
}

/** Hurwitz's zeta function, the sum of (q + k)^-s over k >= 0, for q > 0: nine terms and the Euler-Maclaurin formula. */
function zetaOf(s: f64, q: f64): f64 {
  let sum: f64 = 0;
  while (q < 10) {
    sum += NativeMath.pow(q, -s);
    q += 1;
  }
  const last = NativeMath.pow(q, -s), r2 = 1 / (q * q);
  sum += last * q / (s - 1) + 0.5 * last;
  // B_2k / (2k)! * s (s + 1) ... (s + 2k - 2) * q^(-s - 2k + 1)
  let term = last * s / q;
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
  sum += term / 74724249600;
  return sum;
}

/** The n-th derivative of digamma: (-1)^(n + 1) n! zeta(n + 1, x). */
export function polygammaOf(n: f64, x: f64): f64 {
  if (n == 0) return digammaOf(x);
  if (x != x) return x;
  const s = n + 1, odd = NativeMath.floor(0.5 * n) * 2 != n;
  let factorial: f64 = odd ? 1 : -1;
  for (let i: f64 = 2; i <= n && factorial != Infinity; i += 1) factorial *= i;
  if (x == Infinity) return 0;
  if (x == -Infinity) return NaN;
  if (x > 0) return factorial * zetaOf(s, x);
  // The terms below 0 are those of a zeta function too, mirrored.
  const f = x - NativeMath.floor(x);
  if (f == 0) return odd ? Infinity : NaN;
  const mirrored = zetaOf(s, NativeMath.ceil(x) - x) - zetaOf(s, 1 - x);
  return factorial * (zetaOf(s, f) + (odd ? mirrored : -mirrored));
}

/** sin(pi x) / (pi x). */
export function sincOf(x: f64): f64 {
  return x == 0 ? 1 : sinPi(x) / (PI * x);
}

/** The derivative of sinc: (cos(pi x) - sinc(x)) / x. */
export function sincDerivativeOf(x: f64): f64 {
  if (NativeMath.abs(x) > 0.05) return (cosPi(x) - sincOf(x)) / x;
  const y = (PI * x) * (PI * x);
  return -PI * PI / 3 * x * (1 - y / 10 * (1 - y / 28 * (1 - y / 54)));
}

/** exp(x) / sqrt(2 pi x) and the asymptotic series of the Bessel function whose order squared, times 4, is `mu`. */
function besselAbove(x: f64, mu: f64): f64 {
  let term: f64 = 1, sum: f64 = 1;
  for (let k: f64 = 1; k < 40; k += 1) {
    term *= -(mu - (2 * k - 1) * (2 * k - 1)) / (8 * x * k);
    sum += term;
    if (NativeMath.abs(term) < 1e-17) break;
  }
  const e = NativeMath.exp(0.5 * x);
  return e / NativeMath.sqrt(2 * PI * x) * sum * e;
}

/** The modified Bessel function of the first kind, order 0. */
export function i0Of(x: f64): f64 {
  const a = NativeMath.abs(x), t = 0.25 * x * x;
  if (a > 40) return a == Infinity ? a : besselAbove(a, 0);
  let term: f64 = 1, sum: f64 = 1;
  for (let k: f64 = 1; term > sum * 1e-17; k += 1) {
    term *= t / (k * k);
    sum += term;
  }
  return x != x ? x : sum;
}

/** The modified Bessel function of the first kind, order 1: the derivative of i0. */
export function i1Of(x: f64): f64 {
  const a = NativeMath.abs(x), t = 0.25 * x * x;
  if (a > 40) return a == Infinity ? x : copysign<f64>(besselAbove(a, 4), x);
  let term: f64 = 1, sum: f64 = 1;
  for (let k: f64 = 1; term > sum * 1e-17; k += 1) {
    term *= t / (k * (k + 1));
    sum += term;
  }
  return x != x ? x : 0.5 * x * sum;
}
