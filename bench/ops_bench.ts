/**
 * Every row under `Deno.bench`:
 *
 *     deno task bench                     a table
 *     deno task bench --json              for programs
 *     deno task bench --filter matmul     some rows
 *
 * DINOTORCH_THREADS sets the number of threads; otherwise it is the library's default.
 */
import * as torch from "../mod.ts";
import type { Prepared } from "./engines/engine.ts";
import { prepare } from "./engines/dinotorch.ts";
import { ROWS } from "./rows.ts";

const threads = Deno.env.get("DINOTORCH_THREADS");
if (threads) torch.setNumThreads(Number(threads));

/** The row that ran last: what it held is free once another begins. */
let current = "", prepared: Prepared;

for (const row of ROWS) {
  Deno.bench({
    name: row.name,
    group: row.group,
    fn: () => {
      if (current !== row.name) [current, prepared] = [row.name, prepare(torch, row)];
      prepared.run(1);
    },
  });
}
