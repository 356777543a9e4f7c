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
 * back. A generator's state is on the host, whatever the device.
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
