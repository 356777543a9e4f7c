/**
 * What one core can do at most: fused multiply-adds on registers, and copying. The WebAssembly is written by hand, byte by
 * byte, so that nothing stands between its two loops and the machine.
 */
import type { Start } from "./engine.ts";

/** Chains of multiply-adds; more than latency times units need, few enough to stay in sixteen registers. */
const CHAINS = 12;
/** Trips round the loop in one run, and the floating-point operations of that run. */
const TRIPS = 1000;
export const FMA_FLOPS = TRIPS * CHAINS * 4 * 2;
/** Floats that one run copies, and the bytes it reads and writes for that. */
const FLOATS = 1 << 20;
export const COPY_BYTES = FLOATS * 4 * 2;

const V128 = 0x7b, I32 = 0x7f, F32 = 0x7d;
const get = (local: number) => [0x20, local], set = (local: number) => [0x21, local];
const ADD = [0xfd, 0xe4, 0x01], MULTIPLY = [0xfd, 0xe6, 0x01], FMA = [0xfd, 0x85, 0x02];
const leb = (n: number): number[] => n < 128 ? [n] : [n % 128 + 128, ...leb(n >> 7)];
const section = (id: number, body: number[]) => [id, ...leb(body.length), ...body];
const code = (locals: number[], body: number[]) => {
  const bytes = [...locals, ...body, 0x0b];
  return [...leb(bytes.length), ...bytes];
};
const name = (text: string) => [text.length, ...new TextEncoder().encode(text)];

/** A module with `fma(trips, x): f32` and `copy(to, from, bytes)`; `relaxed` says whether it has fused multiply-adds. */
function module(relaxed: boolean): Uint8Array<ArrayBuffer> {
  const x = 2, first = 3, chains = Array.from({ length: CHAINS }, (_, i) => first + i);
  const step = (chain: number) => [
    ...relaxed
      ? [...get(x), ...get(x), ...get(chain), ...FMA]
      : [...get(x), ...get(x), ...MULTIPLY, ...get(chain), ...ADD],
    ...set(chain),
  ];
  const fma = [
    ...[...get(1), 0xfd, 0x13, ...set(x)], // x = splat(parameter 1)
    ...[0x03, 0x40], // loop
    ...chains.flatMap(step),
    ...[...get(0), 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0], // if (--trips) again
    0x0b,
    ...get(first),
    ...chains.slice(1).flatMap((chain) => [...get(chain), ...ADD]),
    ...[0xfd, 0x1f, 0], // the first lane
  ];
  const copy = [...get(0), ...get(1), ...get(2), 0xfc, 10, 0, 0];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [2, 0x60, 2, I32, F32, 1, F32, 0x60, 3, I32, I32, I32, 0]),
    ...section(3, [2, 0, 1]),
    ...section(5, [1, 0, ...leb(FLOATS * 8 / 65536)]),
    ...section(7, [2, ...name("fma"), 0, 0, ...name("copy"), 0, 1]),
    ...section(10, [2, ...code([1, CHAINS + 1, V128], fma), ...code([0], copy)]),
  ]);
}

export const start: Start = async () => {
  const relaxed = WebAssembly.validate(module(true));
  const { instance } = await WebAssembly.instantiate(module(relaxed));
  const { fma, copy } = instance.exports as Record<string, (...args: number[]) => number>;
  return {
    about: relaxed ? "relaxed multiply-add" : "multiplication and addition",
    prepare: ({ name }) => ({
      run: (n) => {
        for (let i = 0; i < n; i++) {
          if (name === "fma") fma(TRIPS, 0.5);
          else copy(FLOATS * 4, 0, FLOATS * 4);
        }
      },
      result: () => [],
    }),
  };
};
