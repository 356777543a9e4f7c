/**
 * The singular value decomposition.
 *
 * @module
 */
import { recordAll } from "../autograd/record.ts";
import { float64 } from "../backend/dtype.ts";
import { emptyOn, fillWith } from "../tensor/create.ts";
import { sizeOf, Tensor } from "../tensor/tensor.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import { denseAs, writeScalar } from "./copy.ts";
import { matmul } from "./matmul.ts";
import { convertTo } from "./reduction.ts";
import { transpose, unsqueeze } from "./view.ts";

/** `x` with its last two axes swapped. */
function turned(x: Tensor): Tensor {
  return transpose(x, -2, -1);
}

/** The same as float64, contiguous and without history. */
function turnedCopy(x: Tensor): Tensor {
  const shape = [...x.shape], strides = [...x.strides], n = x.ndim;
  [shape[n - 2], shape[n - 1]] = [shape[n - 1], shape[n - 2]];
  [strides[n - 2], strides[n - 1]] = [strides[n - 1], strides[n - 2]];
  return denseAs(new Tensor(x.storage, shape, x.dtype, strides, x.offset), float64);
}

/**
 * x = u diag(s) v^T, with s in descending order. x: [..., m, n] -> u: [..., m, k], s: [..., k], v: [..., n, k],
 * k = min(m, n). Computed in float64.
 */
export function thinSvd(x: Tensor): [u: Tensor, s: Tensor, v: Tensor] {
  const batch = x.shape.slice(0, -2), [m, n] = x.shape.slice(-2), k = Math.min(m, n);
  // The kernel turns the shorter side's vectors until they are orthogonal to each other.
  const tall = m >= n, long = Math.max(m, n);
  const rows = tall ? turnedCopy(x) : denseAs(x, float64);
  const a = emptyOn(x.backend, [...batch, k, long], float64);
  const b = emptyOn(x.backend, [...batch, k, k], float64);
  const values = emptyOn(x.backend, [...batch, k], float64);
  if (values.numElements > 0) {
    const { svd } = x.backend.kernels;
    svd(a.pointer, values.pointer, b.pointer, rows.pointer, k, long, 0, sizeOf(batch));
  }
  const [us, vs] = tall ? [a, b] : [b, a];
  const u = convertTo(turnedCopy(us), x.dtype), v = convertTo(turnedCopy(vs), x.dtype);
  const s = convertTo(values, x.dtype);
  return recordAll(
    "linalg_svd",
    [u, s, v],
    [x],
    ([du, ds, dv]) => [svdGrad(u, s, v, du, ds, dv)],
    [u, s, v],
  );
}

/** The gradient of x, as in PyTorch's svd_backward. */
function svdGrad(
  u: Tensor,
  s: Tensor,
  v: Tensor,
  du: Tensor | null,
  ds: Tensor | null,
  dv: Tensor | null,
): Tensor | null {
  const row = unsqueeze(s, -2), column = unsqueeze(s, -1);
  let dx = ds === null ? null : matmul(mul(u, unsqueeze(ds, -2)), turned(v));
  if (du === null && dv === null) return dx;
  // E[i, j] = s[j]^2 - s[i]^2, and 1 on the diagonal, where what is divided is 0.
  const k = s.shape[s.ndim - 1];
  const gaps = add(mul(sub(row, column), add(row, column)), identity(s, k));
  let inner: Tensor | null = null;
  if (du !== null) {
    const w = matmul(turned(u), du);
    inner = mul(div(sub(w, turned(w)), gaps), row);
  }
  if (dv !== null) {
    const w = matmul(turned(v), dv), part = mul(column, div(sub(w, turned(w)), gaps));
    inner = inner === null ? part : add(inner, part);
  }
  const turn = matmul(matmul(u, inner!), turned(v));
  dx = dx === null ? turn : add(dx, turn);
  if (du !== null && u.shape[u.ndim - 2] > k) {
    const outside = sub(du, matmul(u, matmul(turned(u), du)));
    dx = add(dx, matmul(div(outside, row), turned(v)));
  }
  if (dv !== null && v.shape[v.ndim - 2] > k) {
    const outside = sub(dv, matmul(v, matmul(turned(v), dv)));
    dx = add(dx, matmul(u, turned(div(outside, row))));
  }
  return dx;
}

/** The identity matrix [k, k] in the dtype of `like`. */
function identity(like: Tensor, k: number): Tensor {
  const y = fillWith(emptyOn(like.backend, [k, k], like.dtype), 0);
  if (k > 0) writeScalar(new Tensor(y.storage, [k], y.dtype, [k + 1]), 1);
  return y;
}
