/**
 * Products of matrices and attention on CUDA devices: every kernel by itself against float64 sums, in programs of their own
 * (cuda/check), and which of them a setting chooses.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { compilerOf, TARGETS } from "../cuda/build.ts";
import { cudaTest, found, gpu } from "./cuda.ts";

const root = new URL("../", import.meta.url), objects = new URL("build/cuda/emulator/", root);

/** Compiles a program of cuda/check with the emulator's objects; its path and how to remove it. */
async function buildCheck(name: string): Promise<{ path: string; remove: () => Promise<void> }> {
  const dir = await Deno.makeTempDir(), path = `${dir}/${name}`;
  const parts: string[] = [];
  for await (const { name } of Deno.readDir(objects)) {
    if (name.endsWith(".o")) parts.push(new URL(name, objects).pathname);
  }
  const compiler = await compilerOf(TARGETS.emulator);
  const { success, stderr } = await new Deno.Command(compiler!.path, {
    args: [
      ...["-std=c++17", "-O1", "-Icuda", "-o", path],
      ...["-x", "c++", `cuda/check/${name}.cu`, "-x", "none", ...parts, "-ldl"],
    ],
    cwd: root,
  }).output();
  const remove = () => Deno.remove(dir, { recursive: true });
  if (!success) {
    await remove();
    throw new Error(`cuda/check/${name}.cu does not compile:\n${new TextDecoder().decode(stderr)}`);
  }
  return { path, remove };
}

for (const name of ["tensor_core", "gemm", "attention"]) {
  Deno.test({
    name: `cuda: the program cuda/check/${name}.cu finds nothing wrong`,
    ignore: !found || gpu,
    fn: async () => {
      const { path, remove } = await buildCheck(name);
      try {
        for (const EMU_ORDER of name === "tensor_core" ? ["forward", "random:3"] : ["random:3"]) {
          const { code, stdout } = await new Deno.Command(path, { env: { EMU_ORDER } }).output();
          const text = new TextDecoder().decode(stdout);
          assertEquals(code, 0, text);
          if (name === "attention") assert(text.includes("attention: 6 right, 0 wrong"), text);
          // Each way of computing products that the emulator has was taken.
          if (name === "gemm") {
            assertEquals(
              text.match(/^(rows|float32|tensor)\S* +[1-9]\d+ right, 0 wrong/gm)?.length,
              9,
              text,
            );
          }
        }
      } finally {
        await remove();
      }
    },
  });
}

const { matmul } = torch.backends.cuda;

cudaTest("float32 products are of TF32 where they may be", () => {
  using _ = torch.scope();
  torch.manualSeed(3);
  const a = torch.randn(40, 300),
    b = torch.randn(50, 300),
    exact = a.double().matmul(b.double().t());
  /** The largest error of the product, among results that are about 17 large. */
  const error = () => {
    const there = a.cuda().matmul(b.cuda().t()).cpu().double();
    return Number(there.sub(exact).abs().max().item());
  };
  assertEquals([torch.getFloat32MatmulPrecision(), matmul.allowTF32], ["highest", false]);
  assert(error() < 1e-4);
  try {
    for (const precision of ["high", "medium"] as const) {
      torch.setFloat32MatmulPrecision(precision);
      assertEquals([torch.getFloat32MatmulPrecision(), matmul.allowTF32], [precision, true]);
      assert(error() > 1e-4 && error() < 0.1);
    }
    // What was asked for before a change is computed as it was asked for.
    const first = a.cuda().matmul(b.cuda().t());
    matmul.allowTF32 = false;
    assertEquals(torch.getFloat32MatmulPrecision(), "highest");
    const second = a.cuda().matmul(b.cuda().t());
    assert(first.sub(second).abs().max().item() as number > 1e-4);
    assert(error() < 1e-4);
  } finally {
    torch.setFloat32MatmulPrecision("highest");
  }
  // deno-lint-ignore no-explicit-any
  assertThrows(() => torch.setFloat32MatmulPrecision("low" as any), TypeError, '"low"');
  // deno-lint-ignore no-explicit-any
  assertThrows(() => matmul.allowTF32 = 1 as any, TypeError, "got 1");
});

cudaTest("products of a few rows, in every type and either order of the weights", () => {
  using _ = torch.scope();
  torch.manualSeed(4);
  const { nn } = torch;
  for (const rows of [1, 3, 8, 9]) {
    const x = torch.randn(rows, 520), linear = new nn.Linear(520, 70);
    const small = nn.quantized.dynamic.Linear.fromFloat(linear);
    const here = small(x), there = small.to("cuda")(x.cuda()).cpu();
    assert(Number(here.sub(there).abs().max().item()) < 1e-4, `int8, ${rows} rows`);
    for (const dtype of [torch.float32, torch.float16, torch.bfloat16]) {
      const a = x.to(dtype),
        w = torch.randn(520, 72).to(dtype),
        right = a.double().matmul(w.double());
      const found = [
        a.cuda().matmul(w.cuda()),
        a.cuda().matmul(w.t().contiguous().cuda().t()),
        w.cuda().t().matmul(a.cuda().t()).t(),
      ];
      for (const y of found) {
        const most = Number(
          y.cpu().double().sub(right).abs().div(right.abs().add(20)).max().item(),
        );
        assert(
          most < (dtype === torch.float32 ? 4e-6 : 1 / 256),
          `${dtype}, ${rows} rows: ${most}`,
        );
      }
    }
  }
});
