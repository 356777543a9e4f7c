/**
 * Weights of convolutions as their kernel reads them. It is bundled with models that have some.
 *
 * @module
 */

/** How high the next strip is, when `left` rows are left: as tiles are, see assembly/tile.ts. */
export const heightOf = (left: number): number => left < 5 || left === 7 || left === 8 ? 4 : 6;

/** Writes the rows of a weight in strips: groups of `outputs` rows -> [strips, depth, rows]; absent rows repeat the last. */
export function pack(to: Float32Array, from: Float32Array, rows: number, outputs: number): void {
  const depth = from.length / rows;
  let at = 0;
  for (let first = 0; first < rows; first += outputs) {
    for (let left = outputs; left > 0;) {
      const height = heightOf(left), row = first + outputs - left;
      for (let d = 0; d < depth; d++) {
        for (let r = 0; r < height; r++) {
          to[at++] = from[(row + (r < left ? r : left - 1)) * depth + d];
        }
      }
      left -= height;
    }
  }
}
