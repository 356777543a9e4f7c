// Operands with broadcasting: y is contiguous, [rows, columns]; each operand has a row and a column stride in elements, 0
// where it is broadcast. Kernels do the elements [begin, end) of y in row-major order.
#pragma once
#include "vector.cuh"

// y = op(a, b): elements of type T, a result of type R.
template <class F, class T, class R = T>
void binary(R* y, const T* a, const T* b, Size columns, Size aRow, Size aColumn, Size bRow, Size bColumn, Size begin, Size end) {
  broadcastMap(columns, begin, end, applied<T>(F()), y, Operand<T>{a, aRow, aColumn}, Operand<T>{b, bRow, bColumn});
}

// y = op(a, b, c): a of type A, the others of type T.
template <class F, class T, class A = T>
void ternary(T* y, const A* a, const T* b, const T* c, Size columns, Size aRow, Size aColumn, Size bRow, Size bColumn, Size cRow,
             Size cColumn, Size begin, Size end) {
  broadcastMap(columns, begin, end, applied<T>(F()), y, Operand<A>{a, aRow, aColumn}, Operand<T>{b, bRow, bColumn}, Operand<T>{c, cRow, cColumn});
}

// An operation of two elements, as a type: OPERATION2(Add, a + b).
#define OPERATION2(Name, ...)                                                     \
  struct Name {                                                                   \
    template <class T> DEVICE T operator()(T a, T b) const { return __VA_ARGS__; } \
  };
