// Operands with broadcasting: y is contiguous, [rows, columns]; each operand has a row and a column stride in elements, 0
// where it is broadcast. Kernels do the elements [begin, end) of y in row-major order.
#pragma once
#include "common.cuh"

// Where element i of y lies in an operand.
struct Places {
  Size columns, row, column;
  DEVICE Size operator()(Size i) const {
    if (row == 0 && column == 0) return 0;
    // One division of 32 bits where they are enough: that of 64 takes longer than the rest of a kernel.
    const Size r = (i | columns) >> 31 ? i / columns : (Size)((uint32_t)i / (uint32_t)columns);
    return r * row + (i - r * columns) * column;
  }
};

// y = op(a, b): elements of type T, a result of type R.
template <class F, class T, class R = T>
void binary(R* y, const T* a, const T* b, Size columns, Size aRow, Size aColumn, Size bRow, Size bColumn, Size begin, Size end) {
  const F op;
  if (end <= columns) {  // one row: no division
    forEach(begin, end, [=] DEVICE(Size i) { y[i] = op(a[i * aColumn], b[i * bColumn]); });
    return;
  }
  const Places p{columns, aRow, aColumn}, q{columns, bRow, bColumn};
  forEach(begin, end, [=] DEVICE(Size i) { y[i] = op(a[p(i)], b[q(i)]); });
}

// y = op(a, b, c): a of type A, the others of type T.
template <class F, class T, class A = T>
void ternary(T* y, const A* a, const T* b, const T* c, Size columns, Size aRow, Size aColumn, Size bRow, Size bColumn, Size cRow,
             Size cColumn, Size begin, Size end) {
  const F op;
  const Places p{columns, aRow, aColumn}, q{columns, bRow, bColumn}, r{columns, cRow, cColumn};
  forEach(begin, end, [=] DEVICE(Size i) { y[i] = op(a[p(i)], b[q(i)], c[r(i)]); });
}

// An operation of two elements, as a type: OPERATION2(Add, a + b).
#define OPERATION2(Name, ...)                                                     \
  struct Name {                                                                   \
    template <class T> DEVICE T operator()(T a, T b) const { return __VA_ARGS__; } \
  };
