/**
 * Every row of the benchmark, in the order of the table.
 */
import type { Row } from "./row.ts";
import { ATTENTION } from "./rows/attention.ts";
import { CONVOLUTION } from "./rows/convolution.ts";
import { ELEMENTWISE } from "./rows/elementwise.ts";
import { MATMUL } from "./rows/matmul.ts";
import { NORMALIZE } from "./rows/normalize.ts";
import { REDUCE } from "./rows/reduce.ts";
import { SMALL } from "./rows/small.ts";
import { TRAINING } from "./rows/training.ts";

export const ROWS: readonly Row[] = [
  ...MATMUL,
  ...ELEMENTWISE,
  ...REDUCE,
  ...NORMALIZE,
  ...CONVOLUTION,
  ...ATTENTION,
  ...SMALL,
  ...TRAINING,
];
