/**
 * The example's pages in Chromium: one on which a person draws a digit, and one that writes a play.
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import * as digit from "../examples/edge/digit.ts";
import * as play from "../examples/edge/gpt.ts";
import { exportProgram } from "../examples/export.ts";
import { loadText } from "../examples/gpt.ts";
import { asImages, loadDigits, trainDigits } from "../examples/mnist.ts";
import { cnn } from "../examples/mnist_cnn.ts";
import * as torch from "../mod.ts";
import { F, models, optim } from "../mod.ts";
import { commandOf, hostOf } from "./edge/host.ts";
import { screenshot, withPage } from "./edge/page.ts";

/** A copy of examples/edge/site, without models. */
async function site(): Promise<string> {
  const folder = await Deno.makeTempDir(),
    from = new URL("../examples/edge/site/", import.meta.url);
  for await (const { name, isFile } of Deno.readDir(from)) {
    if (isFile) await Deno.copyFile(new URL(name, from), `${folder}/${name}`);
  }
  return folder;
}

Deno.test("edge: on the example's page drawn digits are read, offline", async () => {
  const command = await commandOf(hostOf("Chromium"));
  if (command === null) return;
  const folder = await site(), data = asImages(await loadDigits());
  const { model } = await trainDigits(data, { network: cnn, epochs: 1 });
  await exportProgram(digit, model, { out: `${folder}/digit` });
  await withPage(command, folder, "index.html", async (page) => {
    const shown = () => page.$$eval("meter", (all) => all.map((meter) => meter.value));
    const [left, top] = await page.$eval("canvas", (canvas) => {
      const { x, y } = canvas.getBoundingClientRect();
      return [x, y];
    });
    const draw = async (points: [x: number, y: number][]) => {
      const [[x, y], ...rest] = points;
      await page.mouse.move(left + x, top + y);
      await page.mouse.down();
      for (const [x, y] of rest) await page.mouse.move(left + x, top + y, { steps: 4 });
      await page.mouse.up();
    };
    assertEquals(await shown(), new Array(10).fill(0));

    await draw([[140, 50], [138, 140], [136, 230]]);
    const one = await shown();
    assertLess(Math.abs(one.reduce((a, b) => a + b) - 1), 1e-5);
    assertEquals(one.indexOf(Math.max(...one)), 1, String(one));

    // The picture holds the stroke, the ground around it, and one long bar.
    const picture = await screenshot(page, "digit.png"), white = [255, 255, 255];
    for (const y of [60, 100, 140, 180, 220]) {
      assertEquals(picture.at(left + 139, top + y), white, `the stroke at ${y}`);
      assertEquals(picture.at(left + 60, top + y), [0, 0, 0], `the ground at ${y}`);
    }
    const bars = await page.$$eval("meter", (all) =>
      all.map((meter) => {
        const { x, y, width, height } = meter.getBoundingClientRect();
        return { x, y: y + height / 2, width };
      }));
    bars.forEach(({ x, y, width }, i) => {
      let green = 0;
      for (let j = 0; j < width; j++) {
        const [red, g, blue] = picture.at(x + j, y);
        if (g > red + 20 && g > blue + 20) green++;
      }
      assertLess(Math.abs(green / width - one[i]), 0.05, `the bar of ${i}`);
    });

    await page.click("button");
    assertEquals(await shown(), new Array(10).fill(0));
    await draw(Array.from({ length: 25 }, (_, i) => {
      const angle = i * Math.PI / 12;
      return [140 + 60 * Math.sin(angle), 140 - 85 * Math.cos(angle)];
    }));
    const zero = await shown();
    assertEquals(zero.indexOf(Math.max(...zero)), 0, String(zero));
  });
  await Deno.remove(folder, { recursive: true });
});

/** A small GPT that has seen a little of the text: enough not to write every character as often as any other. */
async function writer(): Promise<models.GPT> {
  const { train, characters } = await loadText();
  torch.manualSeed(3);
  const sizes = { nLayer: 1, nHead: 2, nEmbd: 32, blockSize: 16 };
  const model = new models.GPT({ vocabSize: characters.length, ...sizes });
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-2 });
  for (let step = 0; step < 100; step++) {
    using _ = torch.scope();
    const places = torch.randint(0, train.numel() - 17, [16, 1]).add(torch.arange(16));
    const logits = model(train.take(places));
    optimizer.zeroGrad();
    F.crossEntropy(logits.flatten(0, 1), train.take(places.add(1)).flatten()).backward();
    optimizer.step();
  }
  return model;
}

Deno.test("edge: on the example's page a GPT writes, character by character, and the same from the same seed", async () => {
  const command = await commandOf(hostOf("Chromium"));
  if (command === null) return;
  const folder = await site(), model = await writer();
  const out = `${folder}/gpt`;
  await exportProgram({ default: () => model, files: play.files }, {}, { out });

  // What the exported model writes here.
  const there = (await import(`file://${out}/deno.js`)).model;
  const characters: string[] = JSON.parse(play.files["characters.json"]);
  const expected = (seed: number, count: number) => {
    let state = (seed * 69621 + 1) % 2147483647, text = "";
    const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
    let tokens = [..."\nROMEO:"].map((c) => characters.indexOf(c));
    while (text.length < count) {
      there.reset();
      for (const token of there.generate(tokens, Infinity, { temperature: 0.8, random })) {
        tokens.push(token);
        if (text.length < count) text += characters[token];
      }
      tokens = tokens.slice(-8);
    }
    return text;
  };

  await withPage(command, folder, "write.html", async (page) => {
    const output = () => page.$eval("output", (o) => o.textContent);
    const write = async (seed: number, count: number) => {
      await page.$eval(
        "#seed",
        (input, seed) => (input as { value: string }).value = `${seed}`,
        seed,
      );
      await page.$eval("#count", (input, n) => (input as { value: string }).value = `${n}`, count);
      const begun = page.evaluate(`new Promise((resolve) => {
        const lengths = [], output = document.querySelector("output");
        const observer = new MutationObserver(() => {
          const { length } = output.textContent;
          if (lengths.push(length) && length < ${6 + count}) return;
          observer.disconnect();
          resolve(lengths);
        });
        observer.observe(output, { childList: true, subtree: true });
      })`) as Promise<number[]>;
      await page.click("form button");
      return await begun;
    };
    // One character at a time, each seen by itself.
    const lengths = await write(1, 60);
    assertEquals(lengths.slice(-60), Array.from({ length: 60 }, (_, i) => 7 + i));
    assertEquals(await output(), "ROMEO:" + expected(1, 60));
    const picture = await screenshot(page, "write.png");
    const [left, top] = await page.$eval("output", (o) => {
      const { x, y } = o.getBoundingClientRect();
      return [x, y];
    });
    let dark = 0, blue = 0;
    for (let y = 0; y < 60; y++) {
      for (let x = 0; x < 400; x++) {
        const [r, , b] = picture.at(left + x, top + y);
        if (r < 100) b > 130 ? blue++ : dark++;
      }
    }
    assert(blue > 50 && dark > 200, `${blue} points of the beginning, ${dark} of what follows`);
    await write(2, 60);
    assertEquals(await output(), "ROMEO:" + expected(2, 60));
    assert(expected(1, 60) !== expected(2, 60));
    await write(1, 60);
    assertEquals(await output(), "ROMEO:" + expected(1, 60));
  });
  await Deno.remove(folder, { recursive: true });
});
