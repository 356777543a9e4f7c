/**
 * Kernels that the library of CUDA kernels has not: the host computes them on copies, so that every program runs.
 *
 * @module
 */
import type { Backend } from "../src/backend/backend.ts";
import { type KernelName, manifest } from "../src/backend/kernels.ts";
import { Storage, unscoped } from "../src/backend/storage.ts";
import type { CudaDevice } from "./device.ts";

type Kernel = (...values: number[]) => void;

/** An operand's storage on the device, or a constant's bytes, and its copy on the host. */
interface Copy {
  from: Storage | Uint8Array<ArrayBuffer>;
  to: Storage;
  written: boolean;
}

/**
 * The host's kernel `name` for tensors of a device: their storages are copied to the host and, if they are written to,
 * back. A generator's state may be on the host; for one on the device, the host draws from a generator of its own, which
 * is seeded from that one's seed and offset.
 */
export function hostKernel(name: KernelName, device: CudaDevice, host: Backend): Kernel {
  const kinds = manifest[name].map((parameter) => {
    const [kind, word] = parameter.split(" ");
    return word === "state" ? "state" : kind;
  });
  const kernel = host.kernels[name] as Kernel;
  return (...values) => {
    device.refuse(`needs the kernel ${name}, which the host computes`);
    const copies = new Map<number, Copy>();
    const operands = unscoped(() => values.map((address, i) => copyOf(address, kinds[i])));
    try {
      // All copies are there; only now their addresses are sure to stay.
      for (let i = 0; i < values.length; i++) {
        const copy = operands[i];
        if (copy !== null) {
          const offset = copy.from instanceof Storage ? values[i] - copy.from.address : 0;
          values[i] = host.touch(copy.to) + offset;
        } else if (kinds[i] === "scratch" && values[i] > 0) values[i] = host.scratch(values[i]);
        else if (kinds[i] === "state") values[i] = stateOnHost(values[i], device, host);
      }
      kernel(...values);
      for (const { from, to, written } of copies.values()) {
        if (written && from instanceof Storage) device.write(from, 0, host.read(to, 0, to.bytes));
      }
    } finally {
      for (const { to } of copies.values()) to.free();
    }

    function copyOf(address: number, kind: string): Copy | null {
      if (address === 0 || (kind !== "out" && kind !== "in" && kind !== "inout")) return null;
      const from = device.at(address), key = from instanceof Storage ? from.address : address;
      let copy = copies.get(key);
      if (copy === undefined) {
        const bytes = from instanceof Storage ? device.readAt(from.address, from.bytes) : from;
        copy = { from, to: host.allocate(bytes.length), written: false };
        copies.set(key, copy);
        host.write(copy.to, 0, bytes);
      }
      if (kind !== "in") copy.written = true;
      return copy;
    }
  };
}

/** Bytes of a generator on the host: assembly/random_mt19937.ts. */
const GENERATOR_BYTES = 2512;
/** Words that each call of `stateOnHost` counts as taken from a generator on the device. */
const TAKEN = 4;
/** The host's generator for draws in the place of one on a device, by host. */
const states = new WeakMap<Backend, Storage>();

/** The address of a generator on the host: `address`, if one is there, else one in the place of the device's there. */
function stateOnHost(address: number, device: CudaDevice, host: Backend): number {
  const own = device.find(address);
  if (!(own instanceof Storage)) return address;
  const view = new DataView(device.read(own, 0, 16).buffer);
  const seed = view.getBigUint64(0, true), offset = view.getBigUint64(8, true);
  view.setBigUint64(8, offset + BigInt(TAKEN), true);
  device.write(own, 0, new Uint8Array(view.buffer));
  let state = states.get(host);
  if (!state) states.set(host, state = unscoped(() => host.allocate(GENERATOR_BYTES)));
  // Odd factors: draws of one seed at different offsets, and of different seeds, start from different words.
  const mixed = seed + (seed >> 32n) + (offset / BigInt(TAKEN) + 1n) * 0x9e3779b1n;
  host.kernels.seed_generator(host.touch(state), Number(BigInt.asIntN(32, mixed)));
  return host.touch(state);
}
