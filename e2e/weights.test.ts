// The real model's file: fetched once, resumed, checked, and read again from the disk.

import { stat } from "node:fs/promises";

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";

import { Hub } from "./support/hub";
import { MODEL } from "./support/prompts";
import { MODELS_DIR } from "./support/programs";
import { Profile, type Tab } from "./support/tab";

let hub: Hub;
let profile: Profile;
let tab: Tab;

const address = (): string => `${hub.url}/compute/?model=${MODEL}`;

beforeAll(async () => {
  hub = await Hub.start();
});

afterAll(() => hub.end());

beforeEach(async () => {
  profile = await Profile.open();
  tab = await profile.openTab(address());
});

afterEach(() => profile.close());

/** Bytes of the stored model. */
function storedBytes(): Promise<number> {
  return tab.page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle("models", { create: true });
    for await (const name of folder.keys()) {
      if (name.endsWith(".gguf")) return (await (await folder.getFileHandle(name)).getFile()).size;
    }
    return 0;
  });
}

async function answers(): Promise<string> {
  const answered = await hub.ask({
    model: MODEL,
    messages: [{ role: "user", content: "What is 2 + 2? Answer with the number alone." }],
    max_tokens: 4,
    temperature: 0,
    kipina: { nodes: "browser" },
  });
  return answered.text;
}

it("goes on with a download that a reload broke off", async () => {
  await tab.start();
  await expect.poll(storedBytes, { timeout: 60_000, interval: 20 }).toBeGreaterThan(50_000_000);
  await tab.page.reload();
  const kept = await storedBytes();
  const whole = (await stat(`${MODELS_DIR}/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf`)).size;
  expect(kept).toBeLessThan(whole);
  await tab.startUntilReady();
  const [first, second, ...more] = tab.weightRequests;
  expect([first, more]).toEqual(["", []]);
  expect(Number(/^bytes=(\d+)-$/.exec(second ?? "")?.[1])).toBeGreaterThanOrEqual(50_000_000);
  expect(await answers()).toContain("4");
});

it("starts from the disk with no request, and finds and mends a flipped byte", async () => {
  await tab.startUntilReady();
  expect(tab.weightRequests).toEqual([""]);

  tab = await reopened();
  const start = performance.now();
  await tab.startUntilReady();
  await answers();
  console.log(`from the click to the first token, from disk: ${Math.round(performance.now() - start)} ms`);
  expect(tab.weightRequests).toEqual([]);

  await tab.page.getByRole("button", { name: "Pysäytä" }).click();
  await tab.waitForFace("pysäytetty");
  await flipByte();
  await tab.startUntilReady();
  expect(tab.weightRequests).toEqual([""]);
  expect(await answers()).toContain("4");
});

async function reopened(): Promise<Tab> {
  await tab.page.close();
  await hub.until((nodes) => nodes.length === 0);
  return profile.openTab(address());
}

async function flipByte(): Promise<void> {
  await tab.page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle("models");
    for await (const name of folder.keys()) {
      if (!name.endsWith(".gguf")) continue;
      const handle = await folder.getFileHandle(name);
      const position = 300_000_000;
      const [byte = 0] = new Uint8Array(
        await (await handle.getFile()).slice(position, position + 1).arrayBuffer(),
      );
      const writable = await handle.createWritable({ keepExistingData: true });
      await writable.write({ type: "write", position, data: new Uint8Array([byte ^ 0x10]) });
      await writable.close();
    }
  });
}
