/**
 * The manifest's part on factorisations of matrices: float64 whatever the tensors' dtype.
 *
 * @module
 */

/** Lists of parameters. */
// deno-fmt-ignore
export const LINALG_SIGNATURES = {
  svd: ["out u", "out s", "out v", "in x", "size k", "size m", "size begin", "size end"],
  lu: ["out y", "out pivots", "in x", "size m", "size n", "size begin", "size end"],
  luSolve: ["inout b", "in factors", "in pivots", "size n", "size k", "size begin", "size end"],
  triangularSolve: [
    "inout b", "in a", "size n", "size k", "size upper", "size unit", "size begin", "size end",
  ],
  cholesky: ["out y", "out info", "in x", "size n", "size begin", "size end"],
  qr: ["out q", "out r", "inout x", "size m", "size n", "size columns", "size begin", "size end"],
  eigh: ["out values", "out vectors", "out work", "in x", "size n", "size begin", "size end"],
} as const;

/** The kernels. */
// deno-fmt-ignore
export const LINALG_FAMILIES = [
  { kernels: ["svd"], types: [""], signature: "svd" },
  { kernels: ["lu"], types: [""], signature: "lu" },
  { kernels: ["lu_solve"], types: [""], signature: "luSolve" },
  { kernels: ["triangular_solve"], types: [""], signature: "triangularSolve" },
  { kernels: ["cholesky"], types: [""], signature: "cholesky" },
  { kernels: ["qr"], types: [""], signature: "qr" },
  { kernels: ["eigh"], types: [""], signature: "eigh" },
] as const;
