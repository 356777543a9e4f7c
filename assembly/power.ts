/**
 * Powers, angles and logarithms of two operands, broadcast: see binary.ts. Those that are rare exist in float64 only.
 */
import {
  ATAN2,
  COPYSIGN,
  FMAX,
  FMIN,
  HYPOT,
  LOGADDEXP,
  LOGADDEXP2,
  loop,
  POW,
  XLOGY,
} from "./binary";

export function pow(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f32>(POW, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function pow_f64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64>(POW, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function pow_i64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<i64>(POW, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function atan2_f64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64>(ATAN2, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function hypot_f64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64>(HYPOT, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function logaddexp_f64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64>(LOGADDEXP, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function logaddexp2_f64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64>(LOGADDEXP2, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function xlogy_f64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64>(XLOGY, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function copysign_f64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64>(COPYSIGN, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function fmax_f64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64>(FMAX, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function fmin_f64(
  y: usize,
  a: usize,
  b: usize,
  columns: i32,
  aRow: i32,
  aColumn: i32,
  bRow: i32,
  bColumn: i32,
  begin: i32,
  end: i32,
): void {
  loop<f64>(FMIN, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}
