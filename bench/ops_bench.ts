/**
 * Every row under `Deno.bench`:
 *
 *     deno task bench            a table
 *     deno task bench --json     for programs
 */
import { ROWS } from "./rows.ts";

for (const row of ROWS) {
  const work = row.ours();
  Deno.bench({ name: row.name, group: row.group, fn: () => void work() });
}
