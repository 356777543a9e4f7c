/**
 * Sums into strided places that may coincide, and triangles of matrices.
 */

/** y += x over four axes with strides in elements; places of y that coincide receive the sum of what falls on them. */
// @ts-ignore: decorator
@inline
function addStrided<T>(
  y: usize,
  x: usize,
  n0: i32,
  n1: i32,
  n2: i32,
  n3: i32,
  y0: i32,
  y1: i32,
  y2: i32,
  y3: i32,
  x0: i32,
  x1: i32,
  x2: i32,
  x3: i32,
): void {
  for (let i0 = 0; i0 < n0; i0++) {
    for (let i1 = 0; i1 < n1; i1++) {
      for (let i2 = 0; i2 < n2; i2++) {
        let p = y + <usize> (i0 * y0 + i1 * y1 + i2 * y2) * sizeof<T>();
        let q = x + <usize> (i0 * x0 + i1 * x1 + i2 * x2) * sizeof<T>();
        let left = n3;
        if (isFloat<T>() && sizeof<T>() == 4) {
          if (y3 == 1 && x3 == 1) {
            for (; left >= 4; left -= 4, p += 16, q += 16) {
              v128.store(p, f32x4.add(v128.load(p), v128.load(q)));
            }
          }
        }
        for (; left > 0; left--, p += <usize> y3 * sizeof<T>(), q += <usize> x3 * sizeof<T>()) {
          store<T>(p, <T> (load<T>(p) + load<T>(q)));
        }
      }
    }
  }
}

/** Sums float32 into strided places. */
export function add_strided(
  y: usize,
  x: usize,
  n0: i32,
  n1: i32,
  n2: i32,
  n3: i32,
  y0: i32,
  y1: i32,
  y2: i32,
  y3: i32,
  x0: i32,
  x1: i32,
  x2: i32,
  x3: i32,
): void {
  addStrided<f32>(y, x, n0, n1, n2, n3, y0, y1, y2, y3, x0, x1, x2, x3);
}

/** Sums float64 into strided places. */
export function add_strided_f64(
  y: usize,
  x: usize,
  n0: i32,
  n1: i32,
  n2: i32,
  n3: i32,
  y0: i32,
  y1: i32,
  y2: i32,
  y3: i32,
  x0: i32,
  x1: i32,
  x2: i32,
  x3: i32,
): void {
  addStrided<f64>(y, x, n0, n1, n2, n3, y0, y1, y2, y3, x0, x1, x2, x3);
}

/**
 * The triangle of each matrix [rows, columns] that lies on and below (lower = 1) or on and above (lower = 0) diagonal
 * `diagonal`, zeros elsewhere, for rows [begin, end) of all matrices.
 */
// @ts-ignore: decorator
@inline
function triangle<T>(
  y: usize,
  x: usize,
  rows: i32,
  columns: i32,
  diagonal: i32,
  lower: i32,
  begin: i32,
  end: i32,
): void {
  for (let row = begin; row < end; row++) {
    // The first column that belongs to the other side.
    const border = min(max(row % rows + diagonal + lower, 0), columns);
    const start = <usize> row * <usize> columns * sizeof<T>(), middle = <usize> border * sizeof<T>();
    const rest = <usize> columns * sizeof<T>() - middle;
    if (lower != 0) {
      memory.copy(y + start, x + start, middle);
      memory.fill(y + start + middle, 0, rest);
    } else {
      memory.fill(y + start, 0, middle);
      memory.copy(y + start + middle, x + start + middle, rest);
    }
  }
}

/** Triangles, elements of one byte. */
export function triangle_b1(
  y: usize,
  x: usize,
  rows: i32,
  columns: i32,
  diagonal: i32,
  lower: i32,
  begin: i32,
  end: i32,
): void {
  triangle<u8>(y, x, rows, columns, diagonal, lower, begin, end);
}

/** The same, of two bytes. */
export function triangle_b2(
  y: usize,
  x: usize,
  rows: i32,
  columns: i32,
  diagonal: i32,
  lower: i32,
  begin: i32,
  end: i32,
): void {
  triangle<u16>(y, x, rows, columns, diagonal, lower, begin, end);
}

/** The same, of four bytes. */
export function triangle_b4(
  y: usize,
  x: usize,
  rows: i32,
  columns: i32,
  diagonal: i32,
  lower: i32,
  begin: i32,
  end: i32,
): void {
  triangle<u32>(y, x, rows, columns, diagonal, lower, begin, end);
}

/** The same, of eight bytes. */
export function triangle_b8(
  y: usize,
  x: usize,
  rows: i32,
  columns: i32,
  diagonal: i32,
  lower: i32,
  begin: i32,
  end: i32,
): void {
  triangle<u64>(y, x, rows, columns, diagonal, lower, begin, end);
}
