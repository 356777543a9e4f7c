/**
 * Replays PyTorch's stored answers (tests/golden/ops) against the library.
 *
 * A case fails when a call is missing, throws, returns other shapes or dtypes, or differs by more than the case's own
 * tolerance: |got - want| <= atol + rtol * |want|. Cases that JavaScript cannot say (a float with an integral value
 * beside integer tensors, or an integer fill value) are counted as not sayable.
 */
// deno-lint-ignore-file no-explicit-any
type Stored = { dtype: string; shape: number[]; data: any };

/** Reads one safetensors file into plain typed arrays. */
export function readSafetensors(path: string): Map<string, Stored> {
  const bytes = Deno.readFileSync(path);
  const size = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + size)));
  const out = new Map<string, Stored>();
  for (const [name, t] of Object.entries<any>(header)) {
    if (name === "__metadata__") continue;
    const [begin, end] = t.data_offsets;
    const raw = bytes.slice(8 + size + begin, 8 + size + end).buffer;
    const make: Record<string, () => any> = {
      F32: () => new Float32Array(raw),
      F64: () => new Float64Array(raw),
      I64: () => new BigInt64Array(raw),
      I32: () => new Int32Array(raw),
      I16: () => new Int16Array(raw),
      I8: () => new Int8Array(raw),
      U8: () => new Uint8Array(raw),
      BOOL: () => new Uint8Array(raw),
    };
    out.set(name, { dtype: t.dtype, shape: t.shape, data: make[t.dtype]() });
  }
  return out;
}

/** The call is not built yet. */
export class Missing extends Error {}

const DTYPES: Record<string, string> = {
  F32: "float32",
  F64: "float64",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U8: "uint8",
  BOOL: "bool",
};

/** PyTorch's snake_case in camelCase; a trailing underscore (in place) stays. */
export const camel = (name: string) =>
  name.replace(/(?<=[^_])_+([a-z0-9])/g, (_, c) => c.toUpperCase());

export class Replayer {
  constructor(readonly torch: any, readonly store: Map<string, Stored>, readonly device?: string) {}

  tensor(key: string, requiresGrad = false): any {
    const s = this.store.get(key);
    if (!s) throw new Error(`no stored tensor ${key}`);
    let t = this.torch.fromArray(s.data, s.shape, { dtype: this.torch[DTYPES[s.dtype]] });
    if (this.device) t = t.to(this.device);
    if (requiresGrad) t.requiresGrad_(true);
    return t;
  }

  /** Turns a stored argument into a live one; `leaves` collects the stored tensors by name, before any view. */
  value(v: any, leaves: Map<string, any>): any {
    if (Array.isArray(v)) return v.map((x) => this.value(x, leaves));
    if (v === null || typeof v !== "object") return v;
    if (v.tensors) {
      return v.tensors.map((x: any) => this.value("key" in x ? { tensor: x } : x, leaves));
    }
    if (v.tensor) {
      const leaf = this.tensor(v.tensor.key, v.tensor.requiresGrad);
      leaves.set(v.tensor.name, leaf);
      let t = leaf;
      for (const [method, ...args] of v.tensor.view ?? []) {
        t = method === "slice"
          ? t.index([
            ...Array(args[0]).fill(this.torch.slice()),
            this.torch.slice(args[1], args[2], args[3]),
          ])
          : t[camel(method)](...args);
      }
      return t;
    }
    if ("dtype" in v) return this.torch[v.dtype];
    if ("float" in v) {
      return v.float === "inf" ? Infinity : v.float === "-inf" ? -Infinity : Number(v.float);
    }
    if ("zeros" in v) {
      const { shape, dtype, requiresGrad } = v.zeros;
      const t = this.torch.zeros(shape, { dtype: this.torch[dtype] });
      return (requiresGrad ? t.requiresGrad_(true) : t).to(this.device ?? "cpu");
    }
    if ("values" in v) {
      return this.torch.tensor(v.values, { dtype: this.torch[v.dtype] }).to(this.device ?? "cpu");
    }
    if ("module" in v) return this.module(v.module, leaves);
    return Object.fromEntries(Object.entries(v).map(([k, x]) => [camel(k), this.value(x, leaves)]));
  }

  options(kwargs: any, leaves: Map<string, any>): any[] {
    const entries = Object.entries(kwargs ?? {});
    return entries.length
      ? [Object.fromEntries(entries.map(([k, v]) => [camel(k), this.value(v, leaves)]))]
      : [];
  }

  module(c: any, leaves: Map<string, any>): any {
    const name = c.call.slice("nn.".length);
    if (!this.torch.nn[name]) throw new Missing(`nn.${name}`);
    const module = new this.torch.nn[name](
      ...(c.init ?? []).map((v: any) => this.value(v, leaves)),
      ...this.options(c.initKwargs, leaves),
    );
    return this.device ? module.to(this.device) : module;
  }

  /** Makes the call of one case. */
  call(c: any, leaves: Map<string, any>): { result: any; module?: any } {
    const [space, name] = c.call.split(/\.(.*)/s);
    let module: any, result: any;
    if (space === "nn") {
      module = this.module(c, leaves);
      const state = Object.fromEntries(
        Object.entries<string>(c.state ?? {}).map(([k, key]) => [k, this.tensor(key)]),
      );
      if (Object.keys(state).length) module.loadStateDict(state);
      module.train(c.train ?? false);
    }
    const args = (c.args ?? []).map((v: any) => this.value(v, leaves));
    const options = this.options(c.kwargs, leaves);
    if (module) result = module(...args, ...options);
    else if (space === "torch" || space === "F") {
      const owner = space === "F"
        ? this.torch.nn.functional
        : name.split(".").slice(0, -1).reduce((o: any, p: string) => o?.[p], this.torch);
      const f = owner?.[camel(name.split(".").at(-1)!)];
      if (typeof f !== "function") throw new Missing(`${space}.${camel(name)}`);
      result = f(...args, ...options);
    } else {
      const [self, ...rest] = args;
      const f = self[camel(name)];
      if (typeof f !== "function") throw new Missing(`Tensor.${camel(name)}`);
      result = f.call(self, ...rest, ...options);
    }
    return { result, module };
  }

  /** Runs one case; throws with a reason when it differs. */
  run(c: any): void {
    const leaves = new Map<string, any>();
    const { result, module } = this.call(c, leaves);
    const outputs = flatten(result);
    const wants: (string | null)[] = c.outputs ?? [];
    if (outputs.length !== wants.length) {
      throw new Error(`${outputs.length} outputs, PyTorch has ${wants.length}`);
    }
    outputs.forEach((o, i) => this.same(`output ${i}`, o, wants[i], c));
    for (const [n, key] of Object.entries<string>(c.argsAfter ?? {})) {
      this.same(`${n} after the call`, leaves.get(n), key, c);
    }
    if (c.gradOutputs) {
      const pairs = (c.gradOutputs as (string | null)[]).map((key, i) => ({
        key,
        out: outputs[i],
      }));
      for (const { key, out } of pairs) {
        if ((key !== null) !== Boolean(out?.requiresGrad)) {
          throw new Error(`an output is ${key ? "not " : ""}differentiable, unlike PyTorch's`);
        }
      }
      const live = pairs.filter((p) => p.key !== null);
      this.torch.autograd.backward(live.map((p) => p.out), live.map((p) => this.tensor(p.key!)));
      for (const [n, key] of Object.entries<string | null>(c.grads ?? {})) {
        this.same(`gradient of ${n}`, leaves.get(n)?.grad, key, c);
      }
      const parameters = new Map<string, any>(module ? [...module.namedParameters()] : []);
      for (const [n, key] of Object.entries<string>(c.stateGrads ?? {})) {
        this.same(`gradient of ${n}`, parameters.get(n)?.grad, key, c);
      }
    }
    if (c.stateAfter) {
      const state = module.stateDict();
      for (const [n, key] of Object.entries<string>(c.stateAfter)) {
        this.same(`state ${n}`, state instanceof Map ? state.get(n) : state[n], key, c);
      }
    }
  }

  /** Runs one bad call; throws when the call does not, or fails for want of the function. */
  refuses(c: any): void {
    try {
      this.call(c, new Map());
    } catch (e) {
      if (e instanceof Missing) throw e;
      const { name, message } = e as Error;
      if (!message || !["Error", "RangeError", "TypeError"].includes(name)) {
        throw new Error(`throws ${name}: ${message}`);
      }
      if (/is not a function|of undefined|of null|unreachable|out of bounds memory/.test(message)) {
        throw new Error(`fails by accident: ${message}`);
      }
      return;
    }
    throw new Error(`accepted; PyTorch says: ${c.torchMessage}`);
  }

  same(what: string, got: any, key: string | null, c: any): void {
    if (key === null) {
      if (got !== null && got !== undefined) {
        throw new Error(`${what}: something, PyTorch has None`);
      }
      return;
    }
    const want = this.store.get(key);
    if (!want) throw new Error(`no stored tensor ${key}`);
    if (got === undefined || got === null) throw new Error(`${what}: nothing`);
    const isNumber = typeof got === "number" || typeof got === "boolean" || typeof got === "bigint";
    const shape = isNumber ? [] : [...got.shape];
    if (shape.join() !== want.shape.join()) {
      throw new Error(`${what}: shape [${shape}], PyTorch has [${want.shape}]`);
    }
    if (!isNumber) {
      const dtype = String(got.dtype?.name ?? got.dtype).replace(/^torch\./, "");
      if (dtype !== DTYPES[want.dtype]) {
        throw new Error(`${what}: ${dtype}, PyTorch has ${DTYPES[want.dtype]}`);
      }
    }
    const data: any = isNumber ? [got] : got.detach().cpu().contiguous().toTypedArray();
    if (data.length !== want.data.length) {
      throw new Error(`${what}: ${data.length} values, PyTorch has ${want.data.length}`);
    }
    const exact = !want.dtype.startsWith("F");
    const { rtol = 1e-5, atol = 1e-6 } = c;
    for (let i = 0; i < data.length; i++) {
      let a = Number(data[i]), b = Number(want.data[i]);
      if (c.compare === "abs") [a, b] = [Math.abs(a), Math.abs(b)];
      if (Object.is(a, b) || (Number.isNaN(a) && Number.isNaN(b)) || a === b) continue;
      if (exact || !(Math.abs(a - b) <= atol + rtol * Math.abs(b))) {
        throw new Error(`${what}[${i}]: ${a}, PyTorch has ${b} (rtol ${rtol}, atol ${atol})`);
      }
    }
  }
}

/** Whether JavaScript can say this call: its numbers carry no int-or-float mark. */
export function sayable(c: any, store: Map<string, Stored>): boolean {
  const text = JSON.stringify([c.args, c.kwargs]);
  const integral = /"float":"-?\d/.test(text);
  const keys = [...text.matchAll(/"key":"([^"]+)"/g)].map((m) => m[1]);
  if (integral && (!keys.length || keys.some((k) => !store.get(k)?.dtype.startsWith("F")))) {
    return false;
  }
  return !(["torch.full", "torch.full_like"].includes(c.call) && !text.includes('"dtype"'));
}

function flatten(r: any): any[] {
  if (r === undefined || r === null) return [];
  const isTensor = (x: any) => x && typeof x === "object" && "shape" in x && "dtype" in x;
  if (isTensor(r) || typeof r !== "object") return [r];
  return [...r].flatMap((x) => x === null || x === undefined ? [null] : flatten(x));
}

/** What came of a family's cases. */
export interface Outcome {
  passed: number;
  failures: string[];
  missing: Map<string, number>;
  unsayable: number;
}

/** The stored tensors of some files of a folder, together. */
export function readStore(dir: string, names: string[]): Map<string, Stored> {
  const store = new Map<string, Stored>();
  for (const name of names) for (const [k, v] of readSafetensors(`${dir}/${name}`)) store.set(k, v);
  return store;
}

/** Replays `cases` (bad calls when `refuse`) on a device, each in a scope of its own. */
export function replay(
  torch: any,
  cases: any[],
  store: Map<string, Stored>,
  refuse = false,
  device?: string,
): Outcome {
  const replayer = new Replayer(torch, store, device);
  const outcome: Outcome = { passed: 0, failures: [], missing: new Map(), unsayable: 0 };
  for (const c of cases) {
    if (!refuse && !sayable(c, store)) {
      outcome.unsayable++;
      continue;
    }
    try {
      using _ = torch.scope();
      if (refuse) replayer.refuses(c);
      else replayer.run(c);
      outcome.passed++;
    } catch (e) {
      if (e instanceof Missing) {
        outcome.missing.set(e.message, (outcome.missing.get(e.message) ?? 0) + 1);
      } else outcome.failures.push(`${c.id}: ${c.torch ?? c.call}: ${(e as Error).message}`);
    }
  }
  return outcome;
}
