/**
 * Bitwise operations on two operands, broadcast: see binary.ts. On booleans (bytes of 0 and 1) they are the logical ones.
 */
import {
  BITWISE_AND,
  BITWISE_LEFT_SHIFT,
  BITWISE_OR,
  BITWISE_RIGHT_SHIFT,
  BITWISE_XOR,
  loop,
} from "./binary";

export function bitwise_and_i64(
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
  loop<i64>(BITWISE_AND, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function bitwise_and_u8(
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
  loop<u8>(BITWISE_AND, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function bitwise_or_i64(
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
  loop<i64>(BITWISE_OR, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function bitwise_or_u8(
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
  loop<u8>(BITWISE_OR, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function bitwise_xor_i64(
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
  loop<i64>(BITWISE_XOR, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function bitwise_xor_u8(
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
  loop<u8>(BITWISE_XOR, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function bitwise_left_shift_i64(
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
  loop<i64>(BITWISE_LEFT_SHIFT, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}

export function bitwise_right_shift_i64(
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
  loop<i64>(BITWISE_RIGHT_SHIFT, y, a, b, columns, aRow, aColumn, bRow, bColumn, begin, end);
}
