/**
 * The CUDA device of the tests: the library of CUDA kernels as the emulator runs it, without a GPU. With
 * DINOTORCH_TEST_GPU=1 (`deno task test:gpu`) the tests run on a real one.
 */
import * as torch from "../mod.ts";

const root = new URL("../", import.meta.url).pathname;

/** Whether the tests run on a real GPU. */
export const gpu: boolean = Deno.env.get("DINOTORCH_TEST_GPU") === "1";

/** The library that the tests load. */
export const library: string = Deno.env.get("DINOTORCH_TEST_CUDA") ??
  `${root}build/${gpu ? "libcudakernels.so" : "libcudaemulator.so"}`;

/** Whether it is there: it is not where there is no g++. */
export const found: boolean = await Deno.stat(library).then(() => true, () => false);

if (found) {
  Deno.env.set("EMU_DEVICES", "2");
  torch.cuda.load(library);
} else {
  console.log(
    `CUDA's tests are left out: ${library} is not there; \`deno task build:emulator\` makes it`,
  );
}

/** Sets in which order the emulator runs threads and blocks: "forward", "reverse", "random:7". */
export function setOrder(order: string): void {
  if (gpu) return;
  const { symbols, close } = openOrder();
  symbols.emu_order(new TextEncoder().encode(`${order}\0`));
  close();
}

function openOrder() {
  const lib = Deno.dlopen(library, { emu_order: { parameters: ["buffer"], result: "void" } });
  return { symbols: lib.symbols, close: () => lib.close() };
}

/** A test of the CUDA device. */
export function cudaTest(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name: `cuda: ${name}`, ignore: !found, fn });
}
