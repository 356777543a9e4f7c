// Steps of the optimizers that are used now and then; parameters, options and step as in optimizer.cu.
#include "common.cuh"

static DEVICE float fused(float a, float b, float c) { return fmaf(a, b, c); }
static DEVICE double fused(double a, double b, double c) { return a * b + c; }

// The momentum of NAdam at step t.
static DEVICE double momentumAt(double t, const double* options) { return options[1] * (1 - 0.5 * std::pow(0.96, t * options[5])); }

// Counts a step of NAdam, and multiplies a, the product of the momenta.
static void nadam_advance(float* a, float*, float* step, const double* options, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size) {
    const float t = *step + 1;
    *step = t;
    *a *= (float)momentumAt((double)t, options);
  });
}

// After a step of ASGD: counts it, and sets the rate a and the averaging weight b of the next.
static void asgd_advance(float* a, float* b, float* step, const double* options, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size) {
    const float t = *step + 1;
    const double rate = options[0], rest = (double)t - options[3];
    *step = t;
    *a = (float)(rate / std::pow(1 + options[1] * rate * (double)t, options[2]));
    *b = (float)(1 / (rest > 1 ? rest : 1));
  });
}

// NAdam; c is the product of the momenta so far. Options: rate, beta1, beta2, eps, decay, momentumDecay.
template <class T>
static void nadam(T* p, const T* grad, T* a, T* b, const float* c, const float* step, const double* options, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) {
    const double t = (double)*step, beta1 = options[1], beta2 = options[2];
    const double mu = momentumAt(t, options), next = momentumAt(t + 1, options);
    const double product = (double)*c, productNext = (double)(*c * (float)mu * (float)next);
    const T rateG = (T)(-options[0] * (1 - mu) / (1 - product)), rateM = (T)(-options[0] * next / (1 - productNext));
    const T correction = (T)(1 - std::pow(beta2, t)), w = p[i], g = fused(w, (T)options[4], grad[i]);
    const T m = fused(g, (T)(1 - beta1), a[i] * (T)beta1), v = fused(g * (T)(1 - beta2), g, b[i] * (T)beta2);
    a[i] = m;
    b[i] = v;
    const T denominator = std::sqrt(v / correction) + (T)options[3];
    p[i] = w + g * rateG / denominator + m * rateM / denominator;
  });
}

// RAdam: Adam whose adaptive rate waits until its variance is known. Options: rate, beta1, beta2, eps, decay.
template <class T>
static void radam(T* p, const T* grad, T* a, T* b, T*, const float* step, const double* options, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) {
    const double t = (double)*step, beta1 = options[1], beta2 = options[2], power = std::pow(beta2, t);
    const double longest = 2 / (1 - beta2) - 1, length = longest - 2 * t * power / (1 - power);
    const T w = p[i], g = fused(w, (T)options[4], grad[i]);
    const T m = fused(g, (T)(1 - beta1), a[i] * (T)beta1), v = fused(g * (T)(1 - beta2), g, b[i] * (T)beta2);
    a[i] = m;
    b[i] = v;
    T change = m / (T)(1 - std::pow(beta1, t)) * (T)options[0];
    if (length > 5) {
      const double rectify = std::sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length));
      change = change * ((T)std::sqrt(1 - power) / (std::sqrt(v) + (T)options[3])) * (T)rectify;
    }
    p[i] = w - change;
  });
}

// Rprop: b is the step size of each element, a the gradient before. Options: shrink, grow, smallest, largest, maximize.
template <class T>
static void rprop(T* p, const T* grad, T* a, T* b, T*, const float*, const double* options, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) {
    const T g = options[4] != 0 ? -grad[i] : grad[i], turn = g * a[i];
    const T factor = (T)(turn > 0 ? options[1] : turn < 0 ? options[0] : 1.0);
    const T length = Smaller()(Larger()(b[i] * factor, (T)options[2]), (T)options[3]), used = turn < 0 ? T(0) : g;
    a[i] = used;
    b[i] = length;
    p[i] += used > 0 ? -length : used < 0 ? length : T(0);
  });
}

// Averaged SGD: a is the running average of p, b the rate and c the averaging weight. Options: rate, lambda, alpha, t0, decay,
// maximize.
template <class T>
static void asgd(T* p, const T* grad, T* a, const float* b, const float* c, const float*, const double* options, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) {
    const double rate = (double)*b, weight = (double)*c;
    const T w = p[i], g = fused(w, (T)options[4], grad[i] * (T)(options[5] != 0 ? -1 : 1));
    const T now = fused(g, (T)-rate, w * (T)(1 - options[1] * rate));
    p[i] = now;
    a[i] = weight == 1 ? now : a[i] + (now - a[i]) * (T)weight;
  });
}

FAMILY(optimizer_rare, KERNEL(nadam_advance, nadam_advance), KERNEL(asgd_advance, asgd_advance), KERNEL_FLOATS(nadam, nadam),
       KERNEL_FLOATS(radam, radam), KERNEL_FLOATS(rprop, rprop), KERNEL_FLOATS(asgd, asgd))
