/**
 * Divisions with a remainder, on two operands, broadcast: see binary.ts.
 */
import { DIV_FLOOR, DIV_TRUNC, FMOD, loop, REMAINDER } from "./binary";

export function div_trunc(
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
  loop<f32>(DIV_TRUNC, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function div_trunc_f64(
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
  loop<f64>(DIV_TRUNC, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function div_trunc_i64(
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
  loop<i64>(DIV_TRUNC, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function div_floor_f64(
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
  loop<f64>(DIV_FLOOR, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function div_floor_i64(
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
  loop<i64>(DIV_FLOOR, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function remainder_f64(
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
  loop<f64>(REMAINDER, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function remainder_i64(
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
  loop<i64>(REMAINDER, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function fmod_f64(
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
  loop<f64>(FMOD, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function fmod_i64(
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
  loop<i64>(FMOD, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}
