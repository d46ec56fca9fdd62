// Lighthouse on the built page, with the headers and the compression that a hub sends.

import lighthouse, { type Config, type Result } from "lighthouse";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";

import { launchBrowser } from "./browser";
import { startHub, type TestHub } from "./hub";

export const PORT = 9333;
const LEAST = 95;
const MEASUREMENTS = 3;

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
    const { scores, told } = await this.#measure(path, categories, config);
    for (const [, score] of scores) expect(score, told).toBeGreaterThanOrEqual(LEAST);
  }

  /** The same of the middle one of several measurements, where a machine is not equally quick each time. */
  async passMostly(path: string, category: Category, config: Config | undefined): Promise<void> {
    const measured = [];
    while (measured.length < MEASUREMENTS) measured.push(await this.#measure(path, [category], config));
    const scores = measured.map(({ scores: [first] }) => first?.[1] ?? 0).sort((one, other) => one - other);
    const told = measured.map(({ told }) => told).join("\n");
    expect(scores[Math.floor(MEASUREMENTS / 2)], told).toBeGreaterThanOrEqual(LEAST);
  }

  async #measure(path: string, categories: Category[], config: Config | undefined): Promise<Measured> {
    // The live feed never ends: no use waiting for a quiet network.
    const flags = {
      port: PORT,
      logLevel: "error" as const,
      onlyCategories: categories,
      maxWaitForLoad: 12_000,
    };
    const measured = await lighthouse(this.url + path, flags, config);
    if (measured === undefined) throw new Error("no result");
    const scores = Object.values(measured.lhr.categories).map(({ id, score }): [string, number] => [
      id,
      Math.round((score ?? 0) * 100),
    ]);
    const told = `${path}: ${JSON.stringify(Object.fromEntries(scores))} ${faults(measured.lhr).join(", ")}`;
    console.info(told);
    return { scores, told };
  }
}

interface Measured {
  scores: [string, number][];
  told: string;
}

/** What costs points, for whoever reads a failure. */
function faults({ audits, categories }: Result): string[] {
  return Object.values(categories).flatMap(({ auditRefs }) =>
    auditRefs
      .filter(({ id, weight }) => weight > 0 && (audits[id]?.score ?? 1) < 0.9)
      .map(({ id }) => `${id} ${audits[id]?.displayValue ?? ""}`),
  );
}
