/** Positions in a tensor from stored indexes. */

/** The int64 index at p as 0 .. n-1; a negative one counts from the end. */
// @ts-ignore: decorator
@inline
export function indexAt(p: usize, n: i32): usize {
  const index = <i32> load<i64>(p);
  return <usize> (index < 0 ? index + n : index);
}
