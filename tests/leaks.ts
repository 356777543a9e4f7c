/** Fails a test that leaves tensors behind. */
import { memory } from "../mod.ts";

/**
 * Runs `f`; throws when it made tensors that neither a scope nor `dispose` freed, beyond `kept` of them that it means to
 * leave.
 */
export function withoutLeaks<T>(f: () => T, kept = 0): T {
  const before = memory.undisposed();
  const result = f();
  const left = memory.undisposed() - before;
  if (left !== kept) throw new Error(`leak: ${left} tensors are left behind, ${kept} expected`);
  return result;
}
