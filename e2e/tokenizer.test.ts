// The guide with a real hub, real models and a real browser: its tokens are the engine's, and so is its next token.

import { readFile } from "node:fs/promises";

import { afterEach, beforeEach, expect, it } from "vitest";

import { Hub } from "./support/hub";
import { Profile, Tab } from "./support/tab";

interface Golden {
  text: string;
  ids: number[];
}

interface Conversation {
  messages: { role: string; content: string }[];
  prompt: string;
}

const conversations = new URL("../engine/tests/golden/smollm2-135m/greedy.json", import.meta.url);
const goldens = new URL("../engine/tests/golden/qwen2.5-coder-0.5b/tokens.json", import.meta.url);
/** More than the headers of the models here, and far less than the models. */
const MOST_BYTES = 8 * 1024 * 1024;
const MODEL = "smollm2:135m";

let hub: Hub;
let profile: Profile;
let tab: Tab;

beforeEach(async () => {
  hub = await Hub.start();
  profile = await Profile.open();
  tab = new Tab(await profile.context.newPage());
});

afterEach(async () => {
  await profile.close();
  await hub.end();
});

async function openGuide(place: string): Promise<void> {
  await tab.page.goto(`${hub.url}/guide/?model=${MODEL}#${place}`);
  await tab.page.locator(`section#${place}`).scrollIntoViewIfNeeded();
}

async function idsOf(text: string): Promise<number[]> {
  await tab.page.getByLabel("Tekstisi").fill(text);
  await tab.page.locator("section#tokens [aria-live][aria-busy=false]").waitFor();
  const tokens = tab.page.getByRole("listbox", { name: "Tekstin tokenit", exact: true }).getByRole("option");
  const names = await tokens.evaluateAll((all) =>
    all.map((option) => option.getAttribute("aria-label") ?? ""),
  );
  return names.map((name) => Number(/numero (\d+)$/.exec(name)?.[1]));
}

it("cuts text as the reference does, from the head of a model's file that it fetches once", async () => {
  const all = JSON.parse(await readFile(goldens, "utf8")) as Golden[];
  // A text field makes every line break its own kind.
  const some = all.filter(({ text, ids }) => ids.length > 0 && ids.length < 300 && !text.includes("\r"));
  expect(some.length).toBeGreaterThan(30);
  await openGuide("tokens");
  for (const { text, ids } of some) expect(await idsOf(text), text).toEqual(ids);

  const ends = tab.weightRequests.map((range) => Number(/-(\d+)$/.exec(range)?.[1] ?? Infinity));
  expect(Math.max(...ends)).toBeLessThan(MOST_BYTES);
  tab.weightRequests.length = 0;
  await openGuide("sizes");
  await openGuide("tokens");
  const [first] = some;
  expect(await idsOf(first?.text ?? "")).toEqual(first?.ids);
  expect(tab.weightRequests).toEqual([]);
});

it("goes on token by token as the same model answers", async () => {
  // A conversation as the model sees it, special tokens and all, is a text like any other.
  const [chat] = JSON.parse(await readFile(conversations, "utf8")) as [Conversation];
  await openGuide("sampling");
  const { page } = tab;
  await page
    .locator("section#sampling")
    .getByRole("button", { name: /^Käynnistä/ })
    .click();
  await page.getByTestId("origin").getByText(`${MODEL} laskee`).waitFor({ timeout: 120_000 });
  const text = page.getByLabel("Teksti, jota malli jatkaa");
  await text.fill(chat.prompt);
  await page.getByRole("slider", { name: "Lämpötila" }).fill("0");
  await page.getByRole("slider", { name: "Toistosakko" }).fill("1");
  for (let count = 0; count < 4; count += 1) {
    await page.getByText("Lasketaan:").waitFor({ state: "hidden" });
    const before = await text.inputValue();
    await page.getByRole("button", { name: "Arvo seuraava" }).click();
    await page.getByRole("button", { name: "Lisää tekstiin" }).click();
    await expect.poll(() => text.inputValue()).not.toBe(before);
  }
  const answer = await hub.ask({ model: MODEL, messages: chat.messages, temperature: 0, max_tokens: 4 });
  expect(answer.kind).toBe("browser");
  expect(await text.inputValue()).toBe(chat.prompt + answer.text);

  // The text was read before: only what is new at its end is read again.
  await page.locator("section#reading").scrollIntoViewIfNeeded();
  await page.getByRole("button", { name: "Lue teksti" }).click();
  await page.getByRole("button", { name: "Lue sama uudelleen" }).click();
  const runs = page.getByRole("region", { name: "Lukukerrat" }).getByRole("row");
  await expect.poll(() => runs.count(), { timeout: 30_000 }).toBe(3);
  const [first, second] = await Promise.all(
    [1, 2].map(async (row) => (await runs.nth(row).getByRole("cell").allInnerTexts()).map(Number)),
  );
  expect(first?.[1]).toBeLessThan(50);
  expect(second?.[1]).toBe((first?.[0] ?? 0) - 1);
});
