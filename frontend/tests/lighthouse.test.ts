// What Lighthouse says of every view but its speed, which is measured by hand (`npm run performance`), and what a first
// visit costs before anything is pressed.

import { chromium } from "playwright-core";
import { expect, it } from "vitest";

import { pathOf, views } from "../src/lib/page/router";
import { Audit, PORT } from "./audit";

const MOST_SCRIPT_BYTES = 150_000;

const audit = new Audit();

it.each(views)("%s is accessible and well made", { timeout: 180_000 }, async (view) => {
  await audit.pass(pathOf(view), ["accessibility", "best-practices"], undefined);
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
  await page.goto(audit.url);
  await page.locator("[data-prompt]").waitFor();
  await page.waitForLoadState("load");
  await page.waitForTimeout(1000);
  const total = [...scripts.values()].reduce((sum, bytes) => sum + bytes, 0);
  const told = [...scripts].map(([url, bytes]) => `${new URL(url).pathname} ${bytes}`).join("\n");
  console.info(`${total} bytes of script\n${told}`);
  expect(total, told).toBeLessThanOrEqual(MOST_SCRIPT_BYTES);
  await context.close();
});
