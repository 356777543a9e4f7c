// Connectionist temporal classification: the likelihood of a label sequence, summed over all alignments.
//
// x: logarithms of probabilities [steps, batches, classes]; lengths (int64) [3, batches]: steps and labels of each batch, and
// where its labels begin in `targets` (int64); the op checks them all. A path goes through the states 0 .. 2n of a batch
// of n labels: blank, label, blank, ..., label, blank. alpha [batches, steps, states] (float64) is the logarithm of the sum
// over paths up to a step and state. A block does a batch of the batches [begin, end), its threads the states of a step.
//
// Graves, Fernandez, Gomez, Schmidhuber, "Connectionist Temporal Classification" (2006).
#include "common.cuh"

static int threadsFor(Size states) { return states <= 32 ? 32 : states <= 128 ? 128 : 256; }

// What is known of a batch.
struct Labels {
  const int64_t* labels;
  Size steps, last;
  int64_t blank, classes;
  DEVICE Labels(const int64_t* targets, const int64_t* lengths, Size batches, Size classes, Size blank, Size b)
      : labels(targets + lengths[2 * batches + b]), steps(lengths[b]), last(2 * lengths[batches + b]), blank(blank), classes(classes) {}
  // The class of a state. A label that is out of range counts as 0: the op's check, which may be known later, makes an error
  // of it.
  DEVICE int64_t of(Size state) const {
    const int64_t label = state & 1 ? labels[state >> 1] : blank;
    return label < 0 || label >= classes ? 0 : label;
  }
  // Whether a path may go from a state to the one after the next.
  DEVICE bool skips(Size state) const { return of(state + 2) != blank && of(state + 2) != of(state); }
};

// log(exp(a) + exp(b) + exp(c)).
static DEVICE double logSum(double a, double b, double c) {
  const double m = Larger()(Larger()(a, b), c);
  if (m == -INFINITY) return m;
  return m + std::log(std::exp(a - m) + std::exp(b - m) + std::exp(c - m));
}

template <class T>
static void ctc_loss(T* y, double* alpha, const T* x, const int64_t* targets, const int64_t* lengths, Size steps, Size batches,
                     Size classes, Size states, Size blank, Size begin, Size end) {
  forBlocks(begin, end, threadsFor(states), [=] DEVICE(Size b) {
    const Labels labels(targets, lengths, batches, classes, blank, b);
    double* a = alpha + b * steps * states;
    for (Size t = 0; t < labels.steps; t++, a += states) {
      const T* p = x + (t * batches + b) * classes;
      const double* before = a - states;
      for (Size s = threadIdx.x; s <= labels.last; s += blockDim.x) {
        const double v = t == 0 ? (s < 2 ? 0 : -INFINITY)
                                : logSum(before[s], s > 0 ? before[s - 1] : -INFINITY,
                                         s > 1 && labels.skips(s - 2) ? before[s - 2] : -INFINITY);
        a[s] = v + (double)p[labels.of(s)];
      }
      __syncthreads();
    }
    if (threadIdx.x != 0) return;
    double likelihood = labels.last == 0 ? 0 : -INFINITY;
    if (labels.steps > 0) {
      const double* tail = a - states + labels.last;
      likelihood = logSum(tail[0], labels.last > 0 ? tail[-1] : -INFINITY, -INFINITY);
    }
    y[b] = (T)-likelihood;
  });
}

// dx = dy (exp(x) - the part of all paths that is in a state of the class), where x counts as a result of log_softmax, as in
// PyTorch. Where no path fits, y is infinite and the gradient NaN, or 0 if `zeroInfinity`. In the working space, each batch
// has three rows [states]: the sums over paths from a step on, of this step and of the next, and what follows each label.
template <class T>
static void ctc_loss_grad(T* dx, Scratch, const T* dy, const T* y, const double* alpha, const T* x, const int64_t* targets,
                          const int64_t* lengths, Size steps, Size batches, Size classes, Size states, Size blank, Size zeroInfinity,
                          Size begin, Size end) {
  double* room = (double*)current.workspace;
  forBlocks(begin, end, threadsFor(states), [=] DEVICE(Size b) {
    const Labels labels(targets, lengths, batches, classes, blank, b);
    const double g = (double)dy[b];
    const bool impossible = (double)y[b] == INFINITY;
    for (Size t = 0; t < steps; t++) {
      T* to = dx + (t * batches + b) * classes;
      if (t < labels.steps && !impossible) continue;
      const T fill = t < labels.steps && !zeroInfinity ? T(NAN) : T(0);
      for (Size c = threadIdx.x; c < classes; c += blockDim.x) to[c] = fill;
    }
    if (impossible) return;
    // Of states of one class, the first adds up the parts of all: where the next one is, and whether one came before.
    double* rows = room + 3 * (b - begin) * states;
    int32_t* links = (int32_t*)(rows + 2 * states);
    for (Size s = 1 + 2 * threadIdx.x; s < labels.last; s += 2 * blockDim.x) {
      Size next = s + 2, before = s - 2;
      while (next < labels.last && labels.of(next) != labels.of(s)) next += 2;
      while (before > 0 && labels.of(before) != labels.of(s)) before -= 2;
      links[s] = next < labels.last ? (int32_t)next : 0;
      links[s - 1] = before > 0;
    }
    for (Size t = labels.steps - 1; t >= 0; t--) {
      const T* from = x + (t * batches + b) * classes;
      T* to = dx + (t * batches + b) * classes;
      const double* a = alpha + (b * steps + t) * states;
      double *now = rows + (t & 1) * states, *next = rows + (1 - (t & 1)) * states;
      // What all paths add up to in this step, rather than the loss, which was rounded: parts then sum to 1.
      double most = -INFINITY, total = 0, blanks = 0;
      const auto path = [=](Size s) { return now[s] == -INFINITY ? now[s] : now[s] - (double)from[labels.of(s)] + a[s]; };
      for (Size s = threadIdx.x; s <= labels.last; s += blockDim.x) {
        const double v = t == labels.steps - 1
                             ? (s + 1 >= labels.last ? 0 : -INFINITY)
                             : logSum(next[s], s < labels.last ? next[s + 1] : -INFINITY,
                                      s + 2 <= labels.last && labels.skips(s) ? next[s + 2] : -INFINITY);
        now[s] = v + (double)from[labels.of(s)];
        most = Larger()(most, path(s));
      }
      most = blockReduce(most, -(double)INFINITY, Larger());
      for (Size s = threadIdx.x; s <= labels.last; s += blockDim.x) {
        const double part = std::exp(path(s) - most);
        total += part;
        if (labels.of(s) == labels.blank) blanks += part;
      }
      total = blockSum(total);
      blanks = blockSum(blanks);
      for (Size c = threadIdx.x; c < classes; c += blockDim.x) {
        to[c] = (T)(g * (std::exp((double)from[c]) - (c == labels.blank ? blanks / total : 0)));
      }
      __syncthreads();
      for (Size s = 1 + 2 * threadIdx.x; s < labels.last; s += 2 * blockDim.x) {
        const int64_t label = labels.of(s);
        if (label == labels.blank || links[s - 1]) continue;
        double part = 0;
        for (Size k = s; k; k = links[k]) part += std::exp(path(k) - most);
        to[label] = (T)(g * (std::exp((double)from[label]) - part / total));
      }
      __syncthreads();
    }
  });
}

FAMILY(ctc, KERNEL_FLOATS(ctc_loss, ctc_loss), KERNEL_FLOATS(ctc_loss_grad, ctc_loss_grad))
