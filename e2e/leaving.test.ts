// A tab may go at any moment: whoever asked notices nothing, and the hub knows at once.

import { afterEach, beforeEach, expect, it } from "vitest";

import { Hub, type Ask } from "./support/hub";
import { longAnswer, MODEL } from "./support/prompts";
import { Profile, type Tab } from "./support/tab";

let hub: Hub;
let profile: Profile;
let tab: Tab;

beforeEach(async () => {
  hub = await Hub.start();
  profile = await Profile.open();
  tab = await profile.openTab(`${hub.url}/compute/?model=${MODEL}`);
  await tab.startUntilReady();
});

afterEach(async () => {
  await profile.close();
  await hub.end();
});

const question: Ask = { model: MODEL, messages: longAnswer, max_tokens: 300, temperature: 0 };

async function next(stream: AsyncGenerator<string, void>): Promise<string> {
  const piece = await stream.next();
  if (piece.done) throw new Error("the answer ended early");
  return piece.value;
}

const hasBrowser = (nodes: readonly { kind: string }[]) => nodes.some(({ kind }) => kind === "browser");

it.each<[string, () => Promise<unknown>]>([
  ["is closed", () => tab.page.close()],
  ["crashes", () => tab.crash()],
])("another node goes on with the answer when the tab %s", async (_, leave) => {
  const stream = hub.stream(question);
  let text = await next(stream);
  await hub.startNode(MODEL);
  text += await next(stream);
  const begun = text.length;

  await leave();
  const gone = await hub.until((nodes) => !hasBrowser(nodes));
  console.log(`the hub showed the tab gone after ${Math.round(gone)} ms`);
  expect(gone).toBeLessThan(2000);

  for await (const piece of stream) text += piece;
  expect(text.length).toBeGreaterThan(begun);
  // Nothing is missing and nothing said twice: it is what one node alone says.
  const alone = await hub.ask(question);
  expect(alone.kind).toBe("native");
  expect(text.slice(0, begun + 40)).toBe(alone.text.slice(0, begun + 40));
});

it("a plain answer names the node that brought it to its end", async () => {
  const asked = hub.ask(question);
  await tab.waitForFace("vastaa kehotteeseen");
  await tab.page.getByText(/Vastaa kehotteeseen: \d\d+ tokenia/).waitFor();
  await hub.startNode(MODEL);
  await tab.page.close();
  const answered = await asked;
  expect([answered.kind, answered.completionTokens]).toEqual(["native", 300]);
});
