// The engine's own measurement, in a browser and on a real model.

import { expect, it } from "vitest";

import { launchBrowser } from "../frontend/tests/browser";
import type { Measured } from "../frontend/src/lib/worker/wasm";
import { Hub } from "./support/hub";

interface Outcome {
  first: Measured;
  kept: Measured;
  fresh: Measured;
  next: Measured;
  tooLong: string;
  noPrompt: string;
  overtaken: string;
  freed: string;
}

const script = `(async () => {
  const { default: instantiate, ComputeNode } = await import("/wasm/plain/node.js");
  await instantiate({ module_or_path: "/wasm/plain/node_bg.wasm" });
  const model = new Uint8Array(await (await fetch("/models/smollm2-135m-instruct-q4_1.gguf")).arrayBuffer());
  const file = {
    size: () => model.length,
    read: (offset, into) => {
      const piece = model.subarray(offset, offset + into.length);
      into.set(piece);
      return piece.length;
    },
  };
  const node = await ComputeNode.load(file, { threads: 1, contextLength: 512, compute: "cpu" }, () => {});

  const first = await node.measure(100, 8, false);
  const second = Uint32Array.from([...first.tokens, first.tokens[0], first.tokens[0]]);
  const kept = await node.measure(second, 4, true);
  const fresh = await node.measure(second, 4, false);
  const tooLong = await node.measure(508, 4, false).catch(String);
  let noPrompt = "";
  try {
    node.measure("much", 4, false);
  } catch (error) {
    noPrompt = String(error);
  }
  const overtaken = node.measure(400, 100, false).catch(String);
  const next = await node.measure(16, 1, false);
  const freed = node.measure(400, 100, false).catch(String);
  node.free();
  return { first, kept, fresh, next, tooLong, noPrompt, overtaken: await overtaken, freed: await freed };
})()`;

it("measures what is asked, and gives up what nobody waits for", async () => {
  const hub = await Hub.start();
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    await page.goto(hub.url);
    const { first, kept, fresh, next, ...refusals } = await page.evaluate<Outcome>(script);

    expect(first).toMatchObject({ promptTokens: 100, cachedTokens: 0, decodedTokens: 8, threads: 1 });
    expect(first.tokens).toHaveLength(109);
    expect(first.prefillMs).toBeGreaterThan(0);
    expect(first.firstTokenMs).toBeGreaterThanOrEqual(first.prefillMs);
    expect(first.decodeMs).toBeGreaterThan(0);

    // Nothing was computed yet from the last token of an answer.
    expect(kept).toMatchObject({ promptTokens: 111, cachedTokens: 108, decodedTokens: 4 });
    expect(fresh).toMatchObject({ promptTokens: 111, cachedTokens: 0 });
    expect(kept.tokens).toEqual(fresh.tokens);
    expect(kept.firstTokenMs).toBeLessThan(fresh.firstTokenMs);

    expect(next).toMatchObject({ promptTokens: 16, decodedTokens: 1 });
    expect(refusals.tooLong).toMatch(/508.*512/);
    expect(refusals.noPrompt).not.toBe("");
    expect(refusals.overtaken).toMatch(/given up/);
    expect(refusals.freed).toMatch(/given up/);
  } finally {
    await browser.close();
    await hub.end();
  }
});
