/**
 * The package's types: what TypeScript declares of the entries, and of the modules that these declarations name.
 */
import ts from "typescript";

/** `Symbol.dispose`, which programs with an older `lib` would not know. */
const LIBRARY = '/// <reference lib="esnext.disposable" />\n';

/** Where a declaration file names other modules: `from "./x.ts"`, `import("./x.ts")`. */
function imports(file: ts.SourceFile): ts.StringLiteral[] {
  const found: ts.StringLiteral[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isStringLiteral(node) && node.text.startsWith(".")) {
      const { parent } = node;
      const named = ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent) ||
        ts.isLiteralTypeNode(parent) && ts.isImportTypeNode(parent.parent);
      if (named) found.push(node);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** The declaration files of `entries`, sources below `root`, and of what they name: by their names in the package. */
export function declarations(root: string, entries: string[]): Map<string, string> {
  const program = ts.createProgram(entries.map((entry) => root + entry), {
    ...{ declaration: true, emitDeclarationOnly: true, strict: true, types: [] },
    ...{ rootDir: root, outDir: "/", allowImportingTsExtensions: true },
    ...{ target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext },
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.esnext.d.ts", "lib.dom.d.ts"],
  });
  const emitted = new Map<string, string>();
  program.emit(undefined, (name, text) => emitted.set(name.slice(1), text));
  const kept = new Map<string, string>(), queue = [...entries];
  for (let path; (path = queue.pop()) !== undefined;) {
    const name = path.replace(/\.ts$/, ".d.ts"), text = emitted.get(name);
    if (kept.has(name)) continue;
    if (text === undefined) throw new Error(`${path}: TypeScript declares nothing`);
    let result = entries.includes(path) ? LIBRARY : "", done = 0;
    for (const node of imports(ts.createSourceFile(name, text, ts.ScriptTarget.ESNext, true))) {
      queue.push(new URL(node.text, `file:///${path}`).pathname.slice(1));
      const script = JSON.stringify(node.text.replace(/\.ts$/, ".js"));
      result += text.slice(done, node.getStart()) + script;
      done = node.end;
    }
    kept.set(name, result + text.slice(done));
  }
  return kept;
}
