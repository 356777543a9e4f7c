/**
 * Installs the methods of tensors: the library's one side effect, for mod.ts alone.
 *
 * @module
 */
import * as backward from "./autograd/backward.ts";
import * as hooks from "./autograd/hooks.ts";
import * as access from "./ops/access.ts";
import * as arithmetic from "./ops/arithmetic.ts";
import * as division from "./ops/division.ts";
import * as power from "./ops/power.ts";
import * as extremum from "./ops/extremum.ts";
import * as logic from "./ops/logic.ts";
import * as copy from "./ops/copy.ts";
import * as reduce from "./ops/reduce.ts";
import * as unary from "./ops/unary.ts";
import * as rounding from "./ops/rounding.ts";
import * as trigonometry from "./ops/trigonometry.ts";
import * as special from "./ops/special.ts";
import * as view from "./ops/view.ts";
import * as reshape from "./ops/reshape.ts";
import * as axes from "./ops/axes.ts";
import * as cut from "./ops/cut.ts";
import * as rearrange from "./ops/rearrange.ts";
import * as diagonal from "./ops/diagonal.ts";
import * as data from "./ops/data.ts";
import * as subscript from "./ops/subscript.ts";
import * as compare from "./ops/compare.ts";
import * as pointwise from "./ops/pointwise.ts";
import * as activation from "./ops/activation.ts";
import * as deviation from "./ops/deviation.ts";
import * as difference from "./ops/difference.ts";
import * as maxMin from "./ops/max_min.ts";
import * as norms from "./ops/norm.ts";
import * as scan from "./ops/scan.ts";
import * as statistics from "./ops/statistics.ts";
import * as softmax from "./ops/softmax.ts";
import * as join from "./ops/join.ts";
import * as pad from "./ops/pad.ts";
import * as indexing from "./ops/index.ts";
import * as scatter from "./ops/scatter.ts";
import * as scatterReduce from "./ops/scatter_reduce.ts";
import * as indexWrite from "./ops/index_write.ts";
import * as sort from "./ops/sort.ts";
import * as histogram from "./ops/histogram.ts";
import * as createNew from "./ops/create_new.ts";
import { unique, uniqueConsecutive } from "./ops/unique.ts";
import * as matrixFunctions from "./ops/matrix_functions.ts";
import * as matmul from "./ops/matmul.ts";
import * as addProduct from "./ops/add_product.ts";
import * as tensorProduct from "./ops/tensor_product.ts";
import * as einsum from "./ops/einsum.ts";
import * as loss from "./ops/loss.ts";
import * as random from "./ops/random.ts";
import * as randomInPlace from "./ops/random_in_place.ts";
import * as legacy from "./legacy.ts";
import type { Operand } from "./ops/elementwise.ts";
import { METHODS } from "./tensor/methods.ts";
import { printTensor } from "./tensor/print.ts";
import { Tensor } from "./tensor/tensor.ts";

const MODULES: Record<keyof typeof METHODS, object> = {
  access,
  arithmetic,
  division,
  power,
  extremum,
  logic,
  backward,
  legacy,
  copy,
  hooks,
  reduce,
  unary,
  rounding,
  trigonometry,
  special,
  view,
  reshape,
  axes,
  cut,
  rearrange,
  diagonal,
  data,
  subscript,
  compare,
  pointwise,
  activation,
  scan,
  maxMin,
  statistics,
  deviation,
  difference,
  norms,
  softmax,
  join,
  pad,
  index: indexing,
  scatter,
  scatterReduce,
  indexWrite,
  sort,
  histogram,
  createNew,
  matmul,
  matrixFunctions,
  addProduct,
  tensorProduct,
  einsum,
  loss,
  random,
  randomInPlace,
};

// deno-lint-ignore no-explicit-any
type Op = (x: Tensor, ...rest: any[]) => unknown;

function define(name: PropertyKey, value: unknown) {
  Object.defineProperty(Tensor.prototype, name, { value, writable: true, configurable: true });
}

function property<T>(name: string, get: (x: Tensor) => T, set?: (x: Tensor, value: T) => void) {
  Object.defineProperty(Tensor.prototype, name, {
    get(this: Tensor) {
      return get(this);
    },
    set: set && function (this: Tensor, value: T) {
      set(this, value);
    },
    configurable: true,
  });
}

/** A function of a tensor as a method of it. The number of parameters is fixed where it is small: spreading costs. */
function method(op: Op): unknown {
  return function (this: Tensor, ...rest: unknown[]) {
    switch (rest.length) {
      case 0:
        return op(this);
      case 1:
        return op(this, rest[0]);
      default:
        return op(this, ...rest);
    }
  };
}

/** Gives `Tensor` its methods, its printed form, and iteration over its first axis. */
export function install(): void {
  for (const [module, names] of Object.entries(METHODS)) {
    const ops = MODULES[module as keyof typeof METHODS] as Record<string, Op>;
    for (const name of names) define(name, method(ops[name]));
  }
  // Those whose type of result depends on their arguments are not in METHODS.
  const overloaded = {
    size: access.size,
    item: access.item,
    type: access.type,
    nonzero: indexing.nonzero,
    unique,
    uniqueConsecutive,
    max: maxMin.max,
    min: maxMin.min,
    median: statistics.median,
    nanmedian: statistics.nanmedian,
  };
  for (const [name, op] of Object.entries(overloaded)) define(name, method(op as Op));
  property("0", legacy.element);
  property("T", axes.reversed);
  property("mT", axes.matrixTransposed);
  property("data", data.dataOf, data.setData);
  define("where", function (this: Tensor, condition: Tensor, other: Operand) {
    return pointwise.where(condition, this, other);
  });
  define("toJSON", function (this: Tensor) {
    return json(access.tolist(this));
  });
  define("toString", function (this: Tensor) {
    return show(this);
  });
  for (const inspect of ["Deno.customInspect", "nodejs.util.inspect.custom"]) {
    define(Symbol.for(inspect), function (this: Tensor) {
      return show(this);
    });
  }
  define(Symbol.iterator, function* (this: Tensor) {
    if (this.ndim === 0) throw new RangeError("iteration over a 0-d tensor");
    yield* cut.unbind(this);
  });
}

/** Elements as JSON can hold them: great whole numbers as text. */
function json(elements: access.NestedElements): unknown {
  if (Array.isArray(elements)) return elements.map(json);
  return typeof elements === "bigint" ? String(elements) : elements;
}

function show(x: Tensor): string {
  const { shape, device } = x;
  return printTensor({
    shape,
    device,
    dtype: x.dtype.name,
    requiresGrad: x.requiresGrad,
    gradFn: x.gradFn === null ? null : x.gradFn.name,
    read: access.reader(view.detach(x)),
  });
}
