// A volunteer's tab, audited by a trusted node with the same engine.

import { afterEach, beforeEach, expect, it } from "vitest";

import { Hub, type Ask } from "./support/hub";
import { Profile } from "./support/tab";

const MODEL = "smollm2:135m";
const KEY = { NODE_API_KEY: "the-hubs-own-key" };
/** More than a verdict's 300 tokens, if none is cut short by much. */
const ANSWERS = 8;

interface Verdict {
  sampled: string;
  tokens: number;
  mean_margin: number;
  threshold: number;
  good: boolean;
}

let hub: Hub;
let profile: Profile;

beforeEach(async () => {
  hub = await Hub.start(KEY);
  await hub.startNode(MODEL, KEY);
  profile = await Profile.open();
});

afterEach(async () => {
  await profile.close();
  await hub.end();
});

async function verdicts(): Promise<Verdict[]> {
  return ((await hub.administer("/audits/verdicts")) as { verdicts: Verdict[] }).verdicts;
}

it("is found honest by its draws, though its answers are sampled from all that there is", async () => {
  const tab = await profile.openTab(`${hub.url}/compute/?model=${MODEL}`);
  await tab.startUntilReady();
  for (let number = 0; number < ANSWERS; number++) {
    const question: Ask = {
      model: MODEL,
      messages: [{ role: "user", content: `Tell a story of ${number + 2} bears in a sauna.` }],
      max_tokens: 64,
      temperature: 1.2,
      top_p: 1,
      kipina: { nodes: "browser" },
    };
    expect((await hub.ask(question)).kind).toBe("browser");
  }
  await expect.poll(async () => (await verdicts()).length, { timeout: 60_000 }).toBeGreaterThan(0);
  const [verdict] = await verdicts();
  expect(verdict).toMatchObject({ sampled: "seeded", good: true });
  expect(verdict?.tokens).toBeGreaterThanOrEqual(300);
  expect(verdict?.mean_margin).toBeLessThan(verdict?.threshold ?? 0);
});
