// Lighthouse on every view of the built page, with the headers and the compression that a hub sends, and what a
// first visit costs before anything is pressed.

import lighthouse, { desktopConfig, type Config, type Result } from "lighthouse";
import { chromium, type Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { pathOf, views } from "../src/lib/page/router";
import { launchBrowser } from "./browser";
import { startHub, type TestHub } from "./hub";

const LEAST = 95;
const MOST_SCRIPT_BYTES = 150_000;
const PORT = 9333;

let hub: TestHub;
let browser: Browser;

beforeAll(async () => {
  hub = await startHub();
  browser = await launchBrowser([`--remote-debugging-port=${PORT}`]);
});
afterAll(async () => {
  await browser.close();
  await hub.close();
});

async function measure(path: string, config: Config | undefined): Promise<Result> {
  const measured = await lighthouse(
    hub.url + path,
    {
      port: PORT,
      logLevel: "error",
      onlyCategories: ["performance", "accessibility", "best-practices"],
    },
    config,
  );
  if (measured === undefined) throw new Error("no result");
  return measured.lhr;
}

/** What costs points, for whoever reads a failure. */
function faults({ audits, categories }: Result): string[] {
  return Object.values(categories).flatMap(({ auditRefs }) =>
    auditRefs
      .filter(({ id, weight }) => weight > 0 && (audits[id]?.score ?? 1) < 0.9)
      .map(({ id }) => `${id} ${audits[id]?.displayValue ?? ""}`),
  );
}

describe.each([
  ["on a phone", undefined],
  ["on a desktop", desktopConfig],
])("%s", (_, config) => {
  it.each(views)("%s", { timeout: 180_000, retry: 1 }, async (view) => {
    const result = await measure(pathOf(view), config);
    const scores = Object.fromEntries(
      Object.values(result.categories).map(({ id, score }) => [id, Math.round((score ?? 0) * 100)]),
    );
    const told = `${view}: ${JSON.stringify(scores)} ${faults(result).join(", ")}`;
    console.info(told);
    for (const score of Object.values(scores)) expect(score, told).toBeGreaterThanOrEqual(LEAST);
  });
});

it("loads at most 150 KB of script before anything is pressed", async () => {
  const fresh = await chromium.connectOverCDP(`http://127.0.0.1:${PORT}`);
  const context = await fresh.newContext();
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  const scripts = new Map<string, number>();
  const kinds = new Map<string, string>();
  session.on("Network.responseReceived", ({ requestId, type, response }) => {
    kinds.set(requestId, type === "Script" ? response.url : "");
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const url = kinds.get(requestId);
    if (url) scripts.set(url, encodedDataLength);
  });
  await session.send("Network.enable");
  await page.goto(hub.url);
  await page.locator("[data-prompt]").waitFor();
  await page.waitForLoadState("load");
  await page.waitForTimeout(1000);
  const total = [...scripts.values()].reduce((sum, bytes) => sum + bytes, 0);
  const told = [...scripts].map(([url, bytes]) => `${new URL(url).pathname} ${bytes}`).join("\n");
  console.info(`${total} bytes of script\n${told}`);
  expect(total, told).toBeLessThanOrEqual(MOST_SCRIPT_BYTES);
  await context.close();
});
