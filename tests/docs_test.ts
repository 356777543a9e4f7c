/**
 * The TypeScript of README.md and docs/ runs, and prints what stands in the `text` block after it.
 */
import { assertEquals, assertGreater } from "@std/assert";

const root = new URL("../", import.meta.url);

interface Block {
  file: string;
  line: number;
  code: string;
  /** What it must print; null where the page does not say. */
  prints: string | null;
}

function blocksOf(file: string): Block[] {
  const lines = Deno.readTextFileSync(new URL(file, root)).split("\n");
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const fence = lines[i].match(/^```(\w+)$/);
    if (!fence) continue;
    const start = i + 1;
    while (lines[++i] !== "```");
    const text = lines.slice(start, i).join("\n");
    if (fence[1] === "ts") blocks.push({ file, line: start, code: text, prints: null });
    else if (fence[1] === "text") blocks[blocks.length - 1].prints = text;
  }
  return blocks;
}

const blocks = ["README.md", "docs/from_pytorch.md"].flatMap(blocksOf);

Deno.test("docs: there are examples", () => assertGreater(blocks.length, 8));

for (const { file, line, code, prints } of blocks) {
  Deno.test(`docs: ${file}:${line}`, async () => {
    const path = await Deno.makeTempFile({ suffix: ".ts" });
    const log = console.log, printed: string[] = [];
    console.log = (...values) => {
      printed.push(values.map((v) => typeof v === "string" ? v : Deno.inspect(v)).join(" "));
    };
    try {
      await Deno.writeTextFile(path, code);
      await import(`file://${path}`);
    } finally {
      console.log = log;
      await Deno.remove(path);
    }
    if (prints !== null) assertEquals(printed.join("\n"), prints);
  });
}
