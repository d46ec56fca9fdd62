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

const question = { model: MODEL, messages: longAnswer, max_tokens: 300, temperature: 0 } satisfies Ask;

async function next(stream: AsyncGenerator<string, unknown>): Promise<string> {
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
  const pieces = [await next(stream)];
  await hub.startNode(MODEL);
  pieces.push(await next(stream));

  await leave();
  const gone = await hub.until((nodes) => !hasBrowser(nodes));
  console.log(`the hub showed the tab gone after ${Math.round(gone)} ms`);
  expect(gone).toBeLessThan(2000);

  let came = await stream.next();
  for (; !came.done; came = await stream.next()) pieces.push(came.value);
  const lost = came.value ?? [];
  expect(lost.map(({ reason }) => reason)).toEqual(["node_lost"]);
  // Nothing is missing and nothing said twice where the other one went on: it is what one node alone says. All tokens
  // are taken for equally long, so look somewhat further.
  const text = pieces.join("");
  const after = lost[0]?.after_tokens ?? 0;
  const until = Math.ceil((text.length * after) / question.max_tokens) + 80;
  expect(text.length).toBeGreaterThan(until);
  const alone = await hub.ask(question);
  expect(alone.kind).toBe("native");
  expect(text.slice(0, until)).toBe(alone.text.slice(0, until));
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
