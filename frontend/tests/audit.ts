// Lighthouse on the built page, with the headers and the compression that a hub sends.

import lighthouse, { type Config, type Result } from "lighthouse";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";

import { launchBrowser } from "./browser";
import { startHub, type TestHub } from "./hub";

export const PORT = 9333;
const LEAST = 95;

export type Category = "performance" | "accessibility" | "best-practices";

export class Audit {
  #hub: TestHub | null = null;
  #browser: Browser | null = null;

  constructor() {
    beforeAll(async () => {
      this.#hub = await startHub();
      this.#browser = await launchBrowser([`--remote-debugging-port=${PORT}`]);
    });
    afterAll(async () => {
      await this.#browser?.close();
      await this.#hub?.close();
    });
  }

  get url(): string {
    return this.#hub?.url ?? "";
  }

  /** Measures a page, and wants a good score in each category. */
  async pass(path: string, categories: Category[], config: Config | undefined): Promise<void> {
    // The live feed never ends: no use waiting for a quiet network.
    const flags = {
      port: PORT,
      logLevel: "error" as const,
      onlyCategories: categories,
      maxWaitForLoad: 12_000,
    };
    const measured = await lighthouse(this.url + path, flags, config);
    if (measured === undefined) throw new Error("no result");
    const scores = Object.values(measured.lhr.categories).map(({ id, score }) => [
      id,
      Math.round((score ?? 0) * 100),
    ]);
    const told = `${path}: ${JSON.stringify(Object.fromEntries(scores))} ${faults(measured.lhr).join(", ")}`;
    console.info(told);
    for (const [, score] of scores) expect(score, told).toBeGreaterThanOrEqual(LEAST);
  }
}

/** What costs points, for whoever reads a failure. */
function faults({ audits, categories }: Result): string[] {
  return Object.values(categories).flatMap(({ auditRefs }) =>
    auditRefs
      .filter(({ id, weight }) => weight > 0 && (audits[id]?.score ?? 1) < 0.9)
      .map(({ id }) => `${id} ${audits[id]?.displayValue ?? ""}`),
  );
}
