// What every test of the page starts from: one hub and one browser for a file, a fresh profile for each test.

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";

import { face, launchBrowser, pressStart } from "./browser";
import { startHub, type TestHub } from "./hub";

export const PICTURES = fileURLToPath(new URL("../screenshots/", import.meta.url));

export class Bench {
  #browser: Browser | null = null;
  #hub: TestHub | null = null;
  #context: BrowserContext | null = null;
  page!: Page;
  readonly #complaints: string[] = [];

  /** Without a service worker, unless a test is about it: what a page gets must come from this hub, now. */
  constructor(args: readonly string[] = [], serviceWorkers: "allow" | "block" = "block") {
    beforeAll(async () => {
      mkdirSync(PICTURES, { recursive: true });
      this.#hub = await startHub();
      this.#browser = await launchBrowser(args);
    });
    afterAll(async () => {
      await this.#browser?.close();
      await this.#hub?.close();
    });
    beforeEach(async () => {
      this.hub.reset();
      this.#complaints.length = 0;
      this.#context = (await this.#browser?.newContext({ reducedMotion: "reduce", serviceWorkers })) ?? null;
      this.page = await this.newPage();
    });
    afterEach(async () => {
      await this.#context?.close();
      expect(this.#complaints).toEqual([]);
    });
  }

  get hub(): TestHub {
    if (this.#hub === null) throw new Error("the hub runs only inside a test");
    return this.#hub;
  }

  get context(): BrowserContext {
    if (this.#context === null) throw new Error("there is a browser only inside a test");
    return this.#context;
  }

  async newPage(): Promise<Page> {
    const page = await this.context.newPage();
    page.on("console", (message) => {
      if (/Content Security Policy|hydration/i.test(message.text())) this.#complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.#complaints.push(error.message));
    return page;
  }

  async open(address = "/compute/", origin = this.hub.url): Promise<void> {
    await this.page.goto(origin + address);
    await this.page.locator("fieldset li").first().or(this.page.locator("fieldset > p")).waitFor();
  }

  /**
   * The hub that is gone is back once it is asked. The page's own tries go to its feed, so only a person's press
   * brings it back: a button that would vanish by itself stays until it is pressed.
   */
  async comeBackWhenAsked(): Promise<void> {
    await this.page.route(/\/api\/(models|stats)$/, async (route) => {
      this.hub.orders.apiWorks = true;
      await route.continue();
    });
  }

  /** This error was meant. */
  forgive(message: string): void {
    const index = this.#complaints.indexOf(message);
    if (index >= 0) this.#complaints.splice(index, 1);
  }

  start(): Promise<void> {
    return pressStart(this.page);
  }

  async waitForFace(expected: string): Promise<void> {
    await expect.poll(() => face(this.page), { timeout: 15_000 }).toBe(expected);
  }
}
