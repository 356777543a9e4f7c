/**
 * Offline stand-in for the part of `jsr:@std/assert@1` that the tests use, on top of
 * `node:assert/strict`. Used only where JSR cannot be reached.
 *
 * @module
 */
import nodeAssert, { AssertionError } from "node:assert/strict";

export { AssertionError };

// deno-lint-ignore no-explicit-any
type Ctor<E> = abstract new (...args: any[]) => E;

/** `@std/assert` treats 0 and -0 as equal; node's strict mode does not. */
function normalise(x: unknown): unknown {
  if (typeof x === "number") return x === 0 ? 0 : x;
  if (Array.isArray(x)) return x.map(normalise);
  if (x instanceof Float32Array || x instanceof Float64Array) {
    return x.map((v) => v === 0 ? 0 : v);
  }
  return x;
}

export function assert(value: unknown, msg = ""): asserts value {
  if (!value) throw new AssertionError({ message: msg });
}
export function assertFalse(value: unknown, msg = ""): void {
  if (value) throw new AssertionError({ message: msg });
}
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.deepStrictEqual(normalise(actual), normalise(expected), msg);
}
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.notDeepStrictEqual(normalise(actual), normalise(expected), msg);
}
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (!Object.is(actual, expected)) {
    throw new AssertionError({
      message: msg,
      actual,
      expected,
      operator: "strictEqual",
    });
  }
}
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const tol = tolerance ??
    (isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  if (!(Math.abs(expected - actual) <= tol)) {
    throw new AssertionError({
      message: `${msg ? msg + ": " : ""}expected ${actual} ~ ${expected} (${tol})`,
      actual,
      expected,
    });
  }
}
export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) {
    throw new AssertionError({ message: msg ?? `got ${actual}` });
  }
}
export function assertInstanceOf<E>(
  actual: unknown,
  C: Ctor<E>,
  msg?: string,
): asserts actual is E {
  if (!(actual instanceof C)) {
    throw new AssertionError({
      message: msg ?? `not an instance of ${C.name}`,
    });
  }
}
export function assertMatch(actual: string, expected: RegExp, msg?: string) {
  nodeAssert.match(actual, expected, msg);
}
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  if (!actual.includes(expected)) {
    throw new AssertionError({ message: msg, actual, expected });
  }
}
export function assertGreater<T>(a: T, b: T, msg?: string): void {
  if (!(a > b)) throw new AssertionError({ message: msg ?? `${a} <= ${b}` });
}
export function assertLess<T>(a: T, b: T, msg?: string): void {
  if (!(a < b)) throw new AssertionError({ message: msg ?? `${a} >= ${b}` });
}
export function fail(msg = ""): never {
  throw new AssertionError({ message: `Failed assertion: ${msg}` });
}
/** Is `e` the error that was asked for? Throws if not. */
function checkError<E extends Error>(
  e: unknown,
  C?: Ctor<E> | string,
  includes?: string,
  msg?: string,
): E {
  if (typeof C === "string") [C, msg] = [undefined, includes];
  if (!(e instanceof Error)) {
    throw new AssertionError({ message: msg ?? "a non-Error was thrown" });
  }
  if (C) assertInstanceOf(e, C, msg);
  if (includes) assertStringIncludes(e.message, includes, msg);
  return e as E;
}
export function assertThrows(fn: () => unknown, msg?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  C: Ctor<E>,
  includes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  C?: Ctor<E> | string,
  includes?: string,
  msg?: string,
): E | unknown {
  let thrown: unknown;
  try {
    fn();
  } catch (e) {
    thrown = e;
    return typeof C === "function" ? checkError(e, C, includes, msg) : e;
  }
  throw new AssertionError({
    message: `Expected function to throw: ${msg ?? thrown}`,
  });
}
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  C: Ctor<E>,
  includes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  C?: Ctor<E> | string,
  includes?: string,
  msg?: string,
): Promise<E | unknown> {
  try {
    await fn();
  } catch (e) {
    return typeof C === "function" ? checkError(e, C, includes, msg) : e;
  }
  throw new AssertionError({ message: `Expected function to reject: ${msg}` });
}
