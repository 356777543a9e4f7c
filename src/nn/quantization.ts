/**
 * `torch.quantization`: models with weights of 8 bits.
 *
 * @module
 */
import { type DType, int8 } from "../backend/dtype.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { describeValue } from "../tensor/describe.ts";
import { deepcopy } from "./deepcopy.ts";
import { Embedding } from "./embedding.ts";
import { Linear } from "./linear.ts";
import { isModule, join, ownModules, registryOf, set } from "./members.ts";
import type { Module } from "./module.ts";
import { Embedding as QuantizedEmbedding } from "./quantized.ts";
import { Linear as DynamicLinear } from "./quantized_dynamic.ts";
import { checkQint8, type QuantizedModule } from "./quantized_module.ts";

/** A kind of module, or the path of one: `nn.Linear`, `"encoder.0.linear1"`. */
export type Quantizable = typeof Linear | typeof Embedding | string;

/** Options of `quantizeDynamic`. */
export interface QuantizeDynamicOptions {
  /** Which modules; `[nn.Linear]` by default. */
  qconfigSpec?: Iterable<Quantizable> | null;
  /** `torch.qint8`. */
  dtype?: DType;
}

const CALL = "quantizeDynamic";

/** Whether modules of exactly this kind have a quantized form: subclasses may compute something else. */
function hasQuantizedForm(kind: unknown): boolean {
  return kind === Linear || kind === Embedding;
}

/** The kinds and paths of `spec`. */
function readSpec(spec: unknown, names: ReadonlyMap<string, Module>): (Quantizable)[] {
  if (spec === null) return [Linear];
  if (
    typeof spec === "string" || typeof (spec as Iterable<unknown>)[Symbol.iterator] !== "function"
  ) {
    throw new TypeError(
      `${CALL}: expected a list of kinds of modules or of paths, got ${describeValue(spec)}`,
    );
  }
  const kinds = [...spec as Iterable<unknown>];
  for (const kind of kinds) {
    let met: unknown = kind;
    if (typeof kind === "string") {
      const module = names.get(kind);
      if (module === undefined) throw new RangeError(`${CALL}: the model has no module "${kind}"`);
      met = module.constructor;
    }
    if (!hasQuantizedForm(met)) {
      const name = typeof met === "function" ? met.name : describeValue(met);
      throw new TypeError(
        `${CALL}: ${name}${
          typeof kind === "string" ? ` ("${kind}")` : ""
        } has no quantized form; nn.Linear and nn.Embedding have one`,
      );
    }
  }
  return kinds as Quantizable[];
}

/**
 * A copy of `model`, for inference, in which the modules of the given kinds have weights of 8 bits: `nn.Linear` becomes
 * `nn.quantized.dynamic.Linear`, `nn.Embedding` `nn.quantized.Embedding`. A weight takes a quarter of its bytes, and a
 * product with few rows, which is bound by memory, less than half the time. Weights that were shared still are.
 *
 * ```ts
 * import { nn, qint8, quantization, randn } from "@dinotorch/dinotorch";
 *
 * const model = new nn.Sequential(new nn.Linear(64, 64), new nn.ReLU(), new nn.Linear(64, 10));
 * const small = quantization.quantizeDynamic(model, [nn.Linear], { dtype: qint8 });
 * console.log(small(randn([1, 64])).shape); // [1, 10]
 * ```
 *
 * @throws TypeError for a kind that has no quantized form, or another dtype than `torch.qint8`.
 * @throws RangeError for a path that leads to no module, or a weight with infinities or NaN.
 * @see https://pytorch.org/docs/stable/generated/torch.ao.quantization.quantize_dynamic.html
 */
export function quantizeDynamic<M extends Module>(
  model: M,
  ...args: Args<
    [qconfigSpec: Iterable<Quantizable> | null, dtype: DType],
    QuantizeDynamicOptions
  >
): M {
  if (!isModule(model)) {
    throw new TypeError(`${CALL}: expected a module, got ${describeValue(model)}`);
  }
  const { qconfigSpec, dtype } = read(CALL, {
    qconfigSpec: null as Iterable<Quantizable> | null,
    dtype: int8,
  }, args);
  checkQint8(CALL, dtype);
  const spec = readSpec(qconfigSpec, new Map(model.namedModules()));
  const copy = deepcopy(model), made = new Map<Module, QuantizedModule>();
  const weights = new Map<unknown, QuantizedModule>();
  const replaced = (module: Module, path: string): Module => {
    if (!spec.includes(module.constructor as Quantizable) && !spec.includes(path)) return module;
    let result = made.get(module);
    if (result === undefined) {
      const float = module as Linear | Embedding, same = weights.get(float.weight);
      result = quantized(float);
      if (same) [result.weight, result.scale] = [same.weight, same.scale];
      else weights.set(float.weight, result);
      made.set(module, result);
    }
    return result;
  };
  const visit = (module: Module, path: string) => {
    for (const [name, child] of ownModules(module)) {
      const at = join(path, name), other = replaced(child, at);
      if (other === child) visit(child, at);
      else set(module, name, other);
    }
  };
  visit(copy, "");
  return replaced(copy, "").eval() as M;
}

/** The quantized form of `module`, with its hooks. */
function quantized(module: Linear | Embedding): QuantizedModule {
  const result = module instanceof Linear
    ? DynamicLinear.fromFloat(module)
    : QuantizedEmbedding.fromFloat(module);
  const { hooks } = registryOf(module), to = registryOf(result).hooks;
  to.pre.push(...hooks.pre);
  to.post.push(...hooks.post);
  to.any = to.pre.length + to.post.length > 0;
  return result;
}
