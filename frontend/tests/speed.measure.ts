// Lighthouse's performance of every view, on an idle machine: `npm run performance`, 12 minutes. Results are in
// bench/RESULTS.md.

import { desktopConfig } from "lighthouse";
import { describe, it } from "vitest";

import { pathOf, views } from "../src/lib/page/router";
import { Audit } from "./audit";

const audit = new Audit();

describe.each([
  ["on a phone", undefined],
  ["on a desktop", desktopConfig],
])("%s", (_, config) => {
  it.each(views)("%s", { timeout: 300_000 }, async (view) => {
    await audit.passMostly(pathOf(view), "performance", config);
  });
});
