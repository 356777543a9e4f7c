// Steps of recurrent cells: from both products, of the input (x) and of the state before (s), to the next state. All are
// [batch, gates * hidden], contiguous; rows [begin, end) of the batch are done.
//
//     LSTM  c' = f c + i g, h' = o tanh(c');  i, f, o = sigmoid(x + s), g = tanh(x + s)
//     GRU   h' = n + z (h - n);  r, z = sigmoid(x + s), n = tanh(x + r s)
//
// The gates' values are kept for the gradients, which are computed from them alone.
#include "common.cuh"

template <class T> static DEVICE T sigmoid(T x) { return 1 / (1 + std::exp(-x)); }
// Gradients of sigmoid and tanh from their results.
template <class T> static DEVICE T throughSigmoid(T dy, T y) { return dy * (y * (1 - y)); }
template <class T> static DEVICE T throughTanh(T dy, T y) { return dy * ((1 - y) * (1 + y)); }

template <class T>
static void lstm_cell(T* h, T* next, T* gates, const T* x, const T* s, const T* c, Size hidden, Size begin, Size end) {
  forEach(begin * hidden, end * hidden, [=] DEVICE(Size r) {
    const Size q = r / hidden * 4 * hidden + r % hidden;
    const T i = sigmoid(x[q] + s[q]), f = sigmoid(x[q + hidden] + s[q + hidden]);
    const T g = std::tanh(x[q + 2 * hidden] + s[q + 2 * hidden]), o = sigmoid(x[q + 3 * hidden] + s[q + 3 * hidden]);
    const T cell = i * g + f * c[r];
    gates[q] = i, gates[q + hidden] = f, gates[q + 2 * hidden] = g, gates[q + 3 * hidden] = o;
    next[r] = cell;
    h[r] = o * std::tanh(cell);
  });
}

// Either of dh and dNext may be left out.
template <class T>
static void lstm_cell_grad(T* dGates, T* dc, const T* dh, const T* dNext, const T* gates, const T* c, const T* next, Size hidden,
                           Size begin, Size end) {
  forEach(begin * hidden, end * hidden, [=] DEVICE(Size r) {
    const Size q = r / hidden * 4 * hidden + r % hidden;
    const T i = gates[q], f = gates[q + hidden], g = gates[q + 2 * hidden], o = gates[q + 3 * hidden];
    const T t = std::tanh(next[r]), dy = dh ? dh[r] : T(0), d = (dNext ? dNext[r] : T(0)) + throughTanh(dy * o, t);
    dGates[q] = throughSigmoid(d * g, i);
    dGates[q + hidden] = throughSigmoid(d * c[r], f);
    dGates[q + 2 * hidden] = throughTanh(d * i, g);
    dGates[q + 3 * hidden] = throughSigmoid(dy * t, o);
    dc[r] = d * f;
  });
}

template <class T> static void gru_cell(T* y, T* gates, const T* x, const T* s, const T* h, Size hidden, Size begin, Size end) {
  forEach(begin * hidden, end * hidden, [=] DEVICE(Size at) {
    const Size q = at / hidden * 3 * hidden + at % hidden;
    const T r = sigmoid(x[q] + s[q]), z = sigmoid(x[q + hidden] + s[q + hidden]);
    const T n = std::tanh(x[q + 2 * hidden] + r * s[q + 2 * hidden]);
    gates[q] = r, gates[q + hidden] = z, gates[q + 2 * hidden] = n;
    y[at] = n + z * (h[at] - n);
  });
}

template <class T>
static void gru_cell_grad(T* dx, T* ds, T* dh, const T* dy, const T* gates, const T* s, const T* h, Size hidden, Size begin, Size end) {
  forEach(begin * hidden, end * hidden, [=] DEVICE(Size at) {
    const Size q = at / hidden * 3 * hidden + at % hidden;
    const T r = gates[q], z = gates[q + hidden], n = gates[q + 2 * hidden], d = dy[at];
    const T dn = throughTanh(d * (1 - z), n), dz = throughSigmoid(d * (h[at] - n), z);
    const T dr = throughSigmoid(dn * s[q + 2 * hidden], r);
    dx[q] = ds[q] = dr;
    dx[q + hidden] = ds[q + hidden] = dz;
    dx[q + 2 * hidden] = dn;
    ds[q + 2 * hidden] = dn * r;
    dh[at] = d * z;
  });
}

FAMILY(recurrent, KERNEL_FLOATS(lstm_cell, lstm_cell), KERNEL_FLOATS(lstm_cell_grad, lstm_cell_grad),
       KERNEL_FLOATS(gru_cell, gru_cell), KERNEL_FLOATS(gru_cell_grad, gru_cell_grad))
