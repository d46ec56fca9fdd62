// Chromium, and a look at what it shows.

import { deepEqual, equal } from "node:assert/strict";

import AxeBuilder from "@axe-core/playwright";
import { chromium, type Browser, type BrowserContext, type LaunchOptions, type Page } from "playwright-core";

export type { BrowserContext, Page };

/** Where tests open a page that no browser takes for secure. */
export const INSECURE_HOST = "kipina.test";

const widths = { 390: 844, 1440: 900 };

export function launchBrowser(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch(options(args));
}

/** A browser whose profile lies in this folder, and is there again the next time. */
export function launchProfile(folder: string, args: readonly string[] = []): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, { ...options(args), reducedMotion: "reduce" });
}

/** Reaches nobody but this machine. */
function options(args: readonly string[]): LaunchOptions {
  return {
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`,
      ...args,
    ],
  };
}

const themes = ["dark", "light"];

/** The page as it is now in both languages, narrow and wide, dark and light; axe finds nothing, and nothing is cut off. */
export async function lookAt(page: Page, pictures: string, name: string): Promise<void> {
  for (const language of ["Suomi", "English"]) {
    await page.getByRole("button", { name: language }).click();
    const tag = language === "Suomi" ? "fi" : "en";
    equal(await page.locator("html").getAttribute("lang"), tag);
    for (const [width, height] of Object.entries(widths)) {
      await page.setViewportSize({ width: Number(width), height });
      await leaf(page);
      const tooWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      equal(tooWide, false, `${name} is wider than ${width} (${tag})`);
      for (const theme of themes) {
        await page.evaluate((chosen) => (document.documentElement.dataset["theme"] = chosen), theme);
        await page.screenshot({ path: `${pictures}${name}-${tag}-${width}-${theme}.png`, fullPage: true });
        const { violations } = await new AxeBuilder({ page }).analyze();
        const found = violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]);
        deepEqual(found, [], `${name}, ${width}, ${theme} (${tag})`);
      }
    }
  }
}

/** Down the page and up again: what measures itself only once it is seen has been seen. */
async function leaf(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (const top of [document.documentElement.scrollHeight, 0]) {
      scrollTo(0, top);
      for (let frame = 0; frame < 8; frame += 1)
        await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  });
}

/** Words of the page in the language that it opens in. */
export const face = (page: Page) => page.getByTestId("face").innerText();

export const pressStart = (page: Page) =>
  page.getByRole("button", { name: /^(Alusta|Yritä uudelleen)( |$)/ }).click();
