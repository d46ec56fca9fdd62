// A tab answers the hub's prompts as the native engine would.

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Hub, type Ask } from "./support/hub";
import { conversations, longAnswer, MODEL } from "./support/prompts";
import { Profile, type Tab } from "./support/tab";

let hub: Hub;
let profile: Profile;
let tab: Tab;

beforeAll(async () => {
  hub = await Hub.start();
  await hub.startNode(MODEL);
  profile = await Profile.open();
  tab = await profile.openTab(`${hub.url}/compute/?model=${MODEL}`);
  await tab.startUntilReady();
});

afterAll(async () => {
  await profile.close();
  await hub.end();
});

const ask = (messages: Ask["messages"], nodes: "browser" | "native"): Ask => ({
  model: MODEL,
  messages,
  max_tokens: 32,
  temperature: 0,
  kipina: { nodes },
});

it("computes in an isolated page with the threaded build", async () => {
  expect(await tab.page.evaluate(() => crossOriginIsolated)).toBe(true);
  const loaded = await tab.page.evaluate(() => navigator.locks.query());
  expect(loaded.held?.map(({ name }) => name)).toContain("kipina-compute");
  expect(await hub.stats()).toHaveLength(2);
});

it("says what the native engine says", async () => {
  const differing: string[] = [];
  for (const messages of conversations) {
    const here = await hub.ask(ask(messages, "browser"));
    const there = await hub.ask(ask(messages, "native"));
    expect([here.kind, there.kind]).toEqual(["browser", "native"]);
    if (here.text !== there.text) differing.push(`${here.text}\n--- native:\n${there.text}`);
  }
  console.log(`equal for 32 tokens: ${conversations.length - differing.length} of ${conversations.length}`);
  expect(conversations.length).toBeGreaterThanOrEqual(10);
  expect(differing.length, differing.join("\n\n")).toBeLessThanOrEqual(conversations.length / 10);
});

describe("a cancelled prompt", () => {
  const longPrompt = "Summarise this list. " + "one two three four five six seven eight ".repeat(150);

  async function stopsWithinASecond(leave: () => Promise<void>): Promise<void> {
    await tab.waitForFace("vastaa kehotteeseen");
    const left = performance.now();
    await leave();
    await tab.waitForFace("valmis", 1000);
    console.log(`the worker stopped after ${Math.round(performance.now() - left)} ms`);
  }

  it("stops the worker while it decodes", async () => {
    const stream = hub.stream({ ...ask(longAnswer, "browser"), max_tokens: 1000 });
    await stream.next();
    await stopsWithinASecond(async () => {
      await stream.return(undefined);
    });
  });

  it("stops the worker while it reads the prompt", async () => {
    const abort = new AbortController();
    const messages = [{ role: "user", content: longPrompt }];
    const asked = hub.post(ask(messages, "browser"), abort.signal).catch(() => "left");
    await stopsWithinASecond(async () => {
      abort.abort();
      expect(await asked).toBe("left");
    });
  });
});
