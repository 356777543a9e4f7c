/** Saving and loading tensors, state dicts and checkpoints. */
// deno-lint-ignore-file no-explicit-any
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import * as torch from "../../mod.ts";
import { filesOf, replaceFile, replaceFileSync } from "../../src/io/files.ts";
import { parseSafetensors } from "../../src/io/safetensors.ts";
import { entry, file } from "./safetensors_fixture.ts";

const here = (name: string) => new URL(name, import.meta.url);
const list = (x: torch.Tensor) => [x.dtype.name, x.shape, x.tolist()];
const lists = (state: Record<string, torch.Tensor>) =>
  Object.fromEntries(Object.entries(state).map(([k, x]) => [k, list(x)]));

/** Runs `f` with a folder that is removed afterwards. */
async function inFolder(f: (dir: string) => void | Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await f(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** One tensor of every dtype, with its extremes. */
const everyDtype = () => {
  const { tensor } = torch;
  return {
    bool: tensor([[true, false], [false, true]]),
    uint8: tensor([0, 255], { dtype: torch.uint8 }),
    int8: tensor([-128, 127], { dtype: torch.int8 }),
    int16: tensor([-32768, 32767], { dtype: torch.int16 }),
    int32: tensor([-(2 ** 31), 2 ** 31 - 1], { dtype: torch.int32 }),
    int64: tensor([-(2n ** 63n), 2n ** 63n - 1n, 5n]),
    float16: tensor([65504, -0, NaN, 6e-8], { dtype: torch.float16 }),
    bfloat16: tensor([1.5, Infinity], { dtype: torch.bfloat16 }),
    float32: tensor([0.1, -Infinity]),
    float64: tensor([0.1, 1e300, -0], { dtype: torch.float64 }),
    scalar: tensor(2.5),
    empty: torch.zeros(3, 0),
  };
};

Deno.test("load: a file of every dtype, written by PyTorch", async () => {
  const expected = JSON.parse(Deno.readTextFileSync(here("dtypes.safetensors.json")));
  const special: Record<string, number> = { inf: Infinity, "-inf": -Infinity, nan: NaN };
  for (
    const state of [
      await torch.load(here("dtypes.safetensors")),
      torch.loadSync(here("dtypes.safetensors").pathname),
      torch.load(Deno.readFileSync(here("dtypes.safetensors"))),
    ]
  ) {
    assertEquals(Object.keys(state).sort(), Object.keys(expected).sort());
    for (const [name, { dtype, shape, values }] of Object.entries<any>(expected)) {
      const x = state[name];
      assertEquals([x.dtype.name, x.shape], [dtype, shape], name);
      const got = (x.tolist() as any[]).flat(Infinity);
      values.forEach((v: any, i: number) => {
        const value = typeof got[i] === "bigint" ? Number(got[i]) : got[i];
        assert(Object.is(value, special[v] ?? v), `${name}[${i}]: ${value}, PyTorch has ${v}`);
      });
    }
  }
});

Deno.test("save, load: every dtype, layout and alignment comes back", () => {
  const state = everyDtype(), bytes = torch.saveBytes(state);
  assertEquals(lists(torch.load(bytes)), lists(state));
  // At any alignment, from a Map, and from an ArrayBuffer.
  const shifted = new Uint8Array(bytes.length + 3).subarray(3);
  shifted.set(bytes);
  assertEquals(lists(torch.load(shifted)), lists(state));
  assertEquals(torch.saveBytes(new Map(Object.entries(state))), bytes);
  assertEquals(lists(torch.load(bytes.slice().buffer)), lists(state));
  assertEquals(lists(torch.loadSync(bytes)), lists(state));
  // Views are saved as what they show, and nothing of the graph.
  const x = torch.tensor([[1, 2, 3], [4, 5, 6]]).requiresGrad_();
  const y = torch.load(torch.saveBytes({ t: x.t(), row: x.select(0, 1), two: x.mul(2) }));
  assertEquals(y.t.tolist(), [[1, 4], [2, 5], [3, 6]]);
  assertEquals([y.row.tolist(), y.two.tolist()], [[4, 5, 6], [[2, 4, 6], [8, 10, 12]]]);
  assert(!y.t.requiresGrad && y.t.isContiguous());
  // Any byte but 0 is true.
  const odd = file({ b: entry("BOOL", [3], 0, 3) }, Uint8Array.of(0, 1, 7));
  assertEquals(torch.load(odd).b.tolist(), [false, true, true]);
  assertEquals(torch.load(odd).b.sum().item(), 2);
  // The file holds the names and nothing else, for every reader.
  const { tensors, metadata } = parseSafetensors(torch.saveBytes({ "fc.weight": x }));
  assertEquals([[...tensors.keys()], metadata], [["fc.weight"], {}]);
  assertEquals(torch.load(torch.saveBytes({})), {});
  const polluted = torch.load(file(`{"__proto__":${JSON.stringify(entry("U8", [1], 0, 1))}}`, 1));
  assertEquals(Object.keys(polluted), ["__proto__"]);
  assertStrictEquals(Object.getPrototypeOf(polluted), Object.prototype);
});

Deno.test("save, load: checkpoints of records, arrays, maps and numbers", () => {
  const w = torch.ones(2), step = torch.tensor(3n);
  const checkpoint = {
    model: { "fc.weight": w, "fc.bias": torch.zeros(2) },
    "model.fc.weight": torch.tensor([9]),
    optimizer: {
      state: new Map<unknown, unknown>([[0, { step, average: w.mul(2) }], ["all", [w, null]]]),
      paramGroups: [{ lr: 0.1, betas: [0.9, 0.999], nesterov: false, params: [0, 1] }],
    },
    epoch: 5,
    best: -Infinity,
    nan: NaN,
    zero: -0,
    seed: 2n ** 63n,
    name: 'né"t',
    nothing: null,
    missing: undefined,
    states: [torch.getRngState()],
  };
  const bytes = torch.saveBytes(checkpoint, { metadata: { by: "a test" } });
  const back = torch.load<any>(bytes);
  assertEquals(Object.keys(back), Object.keys(checkpoint));
  assertEquals(lists(back.model), lists(checkpoint.model));
  assertEquals(back["model.fc.weight"].tolist(), [9]);
  const { state, paramGroups } = back.optimizer;
  assert(state instanceof Map);
  assertEquals([list(state.get(0).step), state.get(0).average.tolist()], [list(step), [2, 2]]);
  assertEquals(paramGroups, checkpoint.optimizer.paramGroups);
  assertEquals([back.epoch, back.best, back.seed, back.name], [5, -Infinity, 2n ** 63n, 'né"t']);
  assert(Number.isNaN(back.nan) && Object.is(back.zero, -0) && back.nothing === null);
  assert("missing" in back && back.missing === undefined);
  assertEquals(back.states[0].tolist(), checkpoint.states[0].tolist());
  // A tensor in two places is one tensor again.
  assertStrictEquals(state.get("all")[0], back.model["fc.weight"]);
  assertEquals(torch.load<torch.Tensor>(torch.saveBytes(w)).tolist(), [1, 1]);
  assertEquals(torch.load<number[]>(torch.saveBytes([1, 2])), [1, 2]);
  // For other readers, tensors are named by the keys that lead to them.
  const names = [...parseSafetensors(bytes).tensors.keys()];
  for (
    const name of ["model.fc.weight", "model.fc.weight'", "optimizer.state.0.step", "states.0"]
  ) {
    assert(names.includes(name), name);
  }
});

Deno.test("save, load: files, streams, and metadata", () =>
  inFolder(async (dir) => {
    const state = everyDtype(), path = `${dir}/model.safetensors`;
    await torch.save(state, path, { metadata: { epoch: "3" } });
    assertEquals(lists(await torch.load(path)), lists(state));
    assertEquals(await torch.loadMetadata(path), { epoch: "3" });
    assertEquals(await torch.loadMetadata(torch.saveBytes([1])), {});
    torch.saveSync({ x: torch.ones(1) }, new URL(`file://${path}`));
    assertEquals(torch.loadSync(path).x.tolist(), [1]);
    assertEquals(
      lists(await torch.load(path, "cpu")),
      lists(torch.loadSync(path, { mapLocation: "cpu" })),
    );
    // What was in the tensor at the time of the call; and a scope that is left meanwhile frees nothing.
    const x = torch.ones(1), saved = torch.save({ x }, path);
    x.zero_();
    await saved;
    let loaded;
    {
      using _ = torch.scope();
      loaded = torch.load(path);
    }
    assertEquals((await loaded).x.tolist(), [1]);
    // A stream.
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const [bytes] = await Promise.all([
      new Response(readable as any).arrayBuffer(),
      torch.save(state, writable),
    ]);
    assertEquals(lists(torch.load(bytes)), lists(state));
    // A failure leaves the old file, and no other.
    await assertRejects(() => torch.save({ f: () => 1 }, path), TypeError, "f is of kind Function");
    assertThrows(() => torch.saveSync({ x }, `${dir}/none/x`), Error);
    await Deno.mkdir(`${dir}/folder`);
    await assertRejects(() => torch.save({ x }, `${dir}/folder`), Error);
    assertEquals([...Deno.readDirSync(dir)].map((e) => e.name).sort(), [
      "folder",
      "model.safetensors",
    ]);
    assertEquals((await torch.load(path)).x.tolist(), [1]);
  }));

Deno.test("files: through Node's interface as through Deno's", () =>
  inFolder(async (dir) => {
    for (const host of [{ Deno }, { process: (globalThis as any).process }]) {
      const files = filesOf("test", host), path = `${dir}/file`;
      await replaceFile(files, path, Uint8Array.of(1, 2));
      assertEquals([...await files.read(path)], [1, 2]);
      replaceFileSync(files, path, Uint8Array.of(3));
      assertEquals([...files.readSync(path)], [3]);
      await assertRejects(() => replaceFile(files, `${dir}/none/file`, new Uint8Array(1)));
      assertThrows(() => replaceFileSync(files, dir, new Uint8Array(1)));
      assertEquals([...Deno.readDirSync(dir)].length, 1);
      assertEquals([...Deno.readDirSync(`${dir}/..`)].filter((e) => e.name.endsWith(".part")), []);
    }
    assertThrows(() => filesOf("save", {}), Error, "save: there are no files here");
  }));

Deno.test("save, load: bad calls and bad files", async () => {
  const x = torch.ones(2), loop: any = { x, a: {} };
  loop.a.b = loop;
  assertThrows(() => torch.saveBytes(loop), TypeError, "a.b contains itself");
  assertThrows(() => torch.saveBytes({ a: { d: new Date() } }), TypeError, "a.d is of kind Date");
  assertThrows(() => torch.saveBytes({ stateDict() {} }), TypeError, "kind Function");
  assertThrows(() => torch.saveBytes(new torch.nn.Sequential()), TypeError, "stateDict()");
  assertThrows(() => torch.saveBytes({ x }, { meta: {} } as any), TypeError, "no option meta");
  assertThrows(() => torch.saveBytes({ x }, { metadata: { dinotorch: "" } }), TypeError, "taken");
  assertThrows(() => torch.saveBytes({ x }, { metadata: { a: 1 as any } }), TypeError, '"a"');
  assertThrows(() => torch.saveBytes({ __metadata__: x }), Error, "reserved");
  assertThrows(() => torch.saveBytes({ x, y: torch.ones(1), z: [Symbol()] }), TypeError, "z.0");
  await assertRejects(() => torch.save({ x }, 5 as any), TypeError, "path");
  assertThrows(() => torch.saveSync({ x }, 5 as any), TypeError, "path");
  assertThrows(() => torch.load(5 as any), TypeError, "expected a path");
  assertThrows(() => torch.load(torch.saveBytes({ x }), "tpu"), TypeError, "no device");
  await assertRejects(() => torch.load("/nowhere/at/all"), Error);

  const other = file({ a: entry("U8", [1], 0, 1), "odd one": entry("U16", [1], 1, 3) }, 3);
  assertThrows(() => torch.load(other), TypeError, '"odd one" is of U16, which has no counterpart');
  const eighth = file({ q: entry("F8_E4M3", [1], 0, 1) }, 1);
  assertThrows(() => torch.load(eighth), TypeError, '"q" is of F8_E4M3');
  assertThrows(() => torch.load(torch.saveBytes({ x }).slice(0, -1)), RangeError, "bytes");
  assertThrows(() => torch.load(Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0)), Error, "pickle");
  assertThrows(() => torch.load(Uint8Array.of(0x80, 2, 0x8a, 0)), Error, "pickle");
  const damaged = (dinotorch: string) => () =>
    torch.load(file({ __metadata__: { dinotorch }, x: entry("U8", [1], 0, 1) }, 1));
  for (
    const text of [
      "{",
      '{"a":1}',
      '["tensor","y"]',
      '["tensor",["x"]]',
      '["bigint","1e5"]',
      '["number","7"]',
      '["record",[5,6]]',
      '["map",7]',
      '["code","1"]',
      "[".repeat(2000) + "]".repeat(2000),
      '["array",'.repeat(600) + "1" + "]".repeat(600),
    ]
  ) assertThrows(damaged(text), Error, "structure");
  assertEquals(damaged('["array",["tensor","x"]]')()[0 as any].tolist(), [0]);
});
