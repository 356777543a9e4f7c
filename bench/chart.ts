/**
 * A run's ratios as an SVG: one row of dots for each piece of work, a dot for each peer.
 */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { Results } from "./measure.ts";
import { LABELS, PEERS } from "./sides.ts";
import { ratio } from "./table.ts";

/** The part of a document that is used; Deno's types have none. */
type Document = NonNullable<Plot.PlotOptions["document"]>;

/** Colours that are told apart on white and on black, by the colour-blind too (after Okabe and Ito). */
const COLOURS = ["#d55e00", "#009e73", "#0284c7", "#b8860b"];

/** The chart of one thread's figures. */
export function chart(results: Results): string {
  const dots = results.rows.flatMap((row) =>
    PEERS.flatMap((key) => {
      const x = ratio(results, row, key, 1);
      return x === undefined ? [] : [{ name: row.name, group: row.group, x, peer: LABELS[key] }];
    })
  );
  const names = results.rows.map((row) => row.name);
  const { document } = parseHTML("<html></html>") as unknown as { document: Document };
  const svg = Plot.plot({
    document,
    width: 900,
    height: 90 + 17 * names.length,
    marginLeft: 330,
    marginTop: 70,
    style: { background: "none" },
    x: {
      type: "log",
      label: "the peer's time / dinotorch's: right of the line dinotorch is faster",
      axis: "top",
      labelOffset: 38,
      grid: true,
      tickFormat: (x: number) => `${x}`,
    },
    y: { domain: names, label: null, tickSize: 0 },
    color: { domain: PEERS.map((key) => LABELS[key]), range: COLOURS },
    marks: [
      Plot.gridY({ strokeOpacity: 0.1 }),
      Plot.ruleX([1], { stroke: "currentColor", strokeWidth: 1.5 }),
      Plot.dot(dots, { x: "x", y: "name", fill: "peer", r: 4 }),
    ],
  });
  const legend = PEERS.map((key, i) =>
    `<g transform="translate(${330 + 145 * i}, 14)"><circle r="5" fill="${COLOURS[i]}"/>` +
    `<text x="10" y="4" fill="currentColor">${LABELS[key]}</text></g>`
  ).join("");
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const text = svg.outerHTML;
  const style = "<style>svg { color: #1f2328; font-family: system-ui, sans-serif } " +
    "@media (prefers-color-scheme: dark) { svg { color: #e6edf3 } }</style>";
  return text.replace(
    /(<svg[^>]*>)/,
    `$1${style}<g font-size="12" text-anchor="start">${legend}</g>`,
  ) + "\n";
}
