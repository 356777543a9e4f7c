/**
 * Arithmetic on two operands, broadcast: see binary.ts for the loop and the meaning of the parameters.
 */
import { ADD, DIV, loop, MAXIMUM, MINIMUM, MUL, SUB } from "./binary";

export function add(
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
  loop<f32>(ADD, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function add_f64(
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
  loop<f64>(ADD, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function add_i64(
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
  loop<i64>(ADD, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function add_i32(
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
  loop<i32>(ADD, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function add_u8(
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
  loop<u8>(ADD, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function sub(
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
  loop<f32>(SUB, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function sub_f64(
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
  loop<f64>(SUB, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function sub_i64(
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
  loop<i64>(SUB, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function sub_i32(
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
  loop<i32>(SUB, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function sub_u8(
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
  loop<u8>(SUB, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function mul(
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
  loop<f32>(MUL, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function mul_f64(
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
  loop<f64>(MUL, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function mul_i64(
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
  loop<i64>(MUL, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function mul_i32(
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
  loop<i32>(MUL, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function mul_u8(
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
  loop<u8>(MUL, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function div(
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
  loop<f32>(DIV, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function div_f64(
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
  loop<f64>(DIV, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function maximum(
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
  loop<f32>(MAXIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function maximum_f64(
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
  loop<f64>(MAXIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function maximum_i64(
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
  loop<i64>(MAXIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function maximum_i32(
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
  loop<i32>(MAXIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function maximum_u8(
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
  loop<u8>(MAXIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function minimum(
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
  loop<f32>(MINIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function minimum_f64(
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
  loop<f64>(MINIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function minimum_i64(
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
  loop<i64>(MINIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function minimum_i32(
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
  loop<i32>(MINIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function minimum_u8(
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
  loop<u8>(MINIMUM, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}
