/**
 * Strided places in a storage: sums into them, and the gradients of views that show any of them.
 *
 * @module
 */
import { type Grad, record } from "../autograd/record.ts";
import { computeType } from "../backend/dtype.ts";
import { emptyOn, fillWith } from "../tensor/create.ts";
import { type Layout, mayOverlap, span } from "../tensor/layout.ts";
import { broadcastStrides } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { collapse, copyInto, denseAs } from "./copy.ts";
import { binary, kernelTable } from "./elementwise.ts";

const ADD = kernelTable("add_strided"), DIV = kernelTable("div"), MAXIMUM = kernelTable("maximum");

/** The elements of the storage of `x` at `layout`, without history; `start` is the place of the storage's first element. */
export function placed(x: Tensor, { shape, strides, offset }: Layout, start = 0): Tensor {
  return new Tensor(x.storage, shape, x.dtype, strides, offset - start);
}

/** Adds `x`, broadcast to the shape of `y`, to `y`; places of `y` that coincide receive the sum. float32 or float64; no history. */
export function addInto(y: Tensor, x: Tensor): void {
  if (y.numElements === 0) return;
  const name = ADD[y.dtype.id];
  if (name === undefined) {
    throw new TypeError(`a sum of overlapping parts is not defined for ${y.dtype}`);
  }
  const { shape, strides: [to, from] } = collapse(
    y.shape,
    y.strides,
    broadcastStrides(x.shape, x.strides, y.shape),
  );
  while (shape.length < 4) {
    shape.unshift(1);
    to.unshift(0);
    from.unshift(0);
  }
  const kernel = y.backend.kernels[name as "add_strided"];
  const size = y.dtype.size, outer = shape.length - 4;
  const [n0, n1, n2, n3] = shape.slice(outer),
    [y0, y1, y2, y3] = to.slice(outer),
    [x0, x1, x2, x3] = from.slice(outer);
  const walk = (axis: number, yAt: number, xAt: number) => {
    if (axis < outer) {
      for (let i = 0; i < shape[axis]; i++) {
        walk(axis + 1, yAt + i * to[axis], xAt + i * from[axis]);
      }
      return;
    }
    const p = y.pointer + yAt * size, q = x.pointer + xAt * size;
    kernel(p, q, n0, n1, n2, n3, y0, y1, y2, y3, x0, x1, x2, x3);
  };
  walk(0, 0, 0);
}

/** A storage of `length` zeros with `x` summed into the places of `layout`, the first of which are counted from `start`. */
function spread(x: Tensor, layout: Layout, start: number, length: number): Tensor {
  const compute = computeType(x.dtype);
  const buffer = fillWith(emptyOn(x.backend, [length], compute), 0);
  const source = denseAs(x, compute), target = placed(buffer, layout, start);
  if (mayOverlap(layout)) addInto(target, source);
  else copyInto(target, source);
  return buffer;
}

/**
 * `x` lies at the places `from` of a storage of zeros; what is then seen at `to`: the gradient of a view of layout `from`
 * on a tensor of layout `to`, and the gradient of that. Where several indexes of `shared` lie at one place, they share
 * what falls on it in equal parts.
 */
function transfer(x: Tensor, from: Layout, to: Layout, shared: Layout): Tensor {
  const { start, length } = span(from, to);
  const y = emptyOn(x.backend, to.shape, x.dtype);
  if (length === 0) fillWith(y, 0);
  else {
    let buffer = spread(x, from, start, length);
    if (mayOverlap(shared)) {
      const ones = fillWith(emptyOn(x.backend, shared.shape, buffer.dtype), 1);
      const counts = spread(ones, shared, start, length);
      const shares = binary("as_strided", MAXIMUM, counts, 1, buffer.dtype);
      buffer = binary("as_strided", DIV, buffer, shares, buffer.dtype);
    }
    copyInto(y, placed(denseAs(buffer, x.dtype), to, start));
  }
  return record("as_strided_backward", y, [x], [(dy) => transfer(dy, to, from, shared)]);
}

/** The gradient of a view `view` of a tensor that lies at `of`, from that of the view. */
export function gradOfView(view: Layout, of: Layout): Grad {
  return (dy) => transfer(dy, view, of, of);
}
