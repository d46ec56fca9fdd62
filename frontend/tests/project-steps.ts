// What a person does with projects, and where they see what came of it.

import type { Download, Page } from "playwright-core";
import { expect } from "vitest";

import type { Bench } from "./bench";
import { teamScript, type Script } from "./team-script";

export const IDEA = "Tehtävälista, jossa tehtäviä voi lisätä ja poistaa";
export const PART_OF_A_WAIT = 25_000;

export function projectSteps(bench: Bench) {
  const button = (name: string, page = bench.page) => page.getByRole("button", { name, exact: true });
  const press = (name: string, page = bench.page) => button(name, page).click();
  const see = (words: string | RegExp, page = bench.page) => page.getByText(words).first().waitFor();
  const file = (name: string, page = bench.page) =>
    page.getByRole("navigation", { name: "Tiedostot" }).getByRole("button", { name });
  const badge = (page = bench.page) => page.locator("header .badge").first();
  const code = () => bench.page.locator(".cm-content");

  function script(parts: Partial<Script> = {}): void {
    bench.hub.orders.script = teamScript(parts);
  }

  async function open(page = bench.page): Promise<void> {
    await page.goto(`${bench.hub.url}/projects/`);
    await page.getByLabel("Idea").waitFor();
  }

  async function begin(idea = IDEA, page = bench.page): Promise<void> {
    await open(page);
    await page.getByLabel("Idea").fill(idea);
    await press("Aloita", page);
    await page.getByRole("heading", { name: idea, level: 2 }).waitFor();
  }

  async function untilRun(state: string, page = bench.page): Promise<void> {
    await expect.poll(() => badge(page).innerText(), { timeout: PART_OF_A_WAIT }).toBe(state);
  }

  async function finished(idea = IDEA): Promise<void> {
    await begin(idea);
    await untilRun("valmis");
  }

  async function downloaded(name: string): Promise<Download> {
    const [download] = await Promise.all([bench.page.waitForEvent("download"), press(name)]);
    return download;
  }

  /** All that the browser keeps of the projects. */
  const stored = (): Promise<string> =>
    bench.page.evaluate(
      () =>
        new Promise<string>((resolve) => {
          const opening = indexedDB.open("kipina-projects");
          opening.onsuccess = () => {
            const reading = opening.result.transaction("projects").objectStore("projects").getAll();
            reading.onsuccess = () => {
              opening.result.close();
              resolve(JSON.stringify(reading.result));
            };
          };
        }),
    );

  /** Reload, with the page's own wait for its first view. */
  async function reload(page: Page = bench.page): Promise<void> {
    await page.reload();
    await page.getByRole("link", { name: "← Kaikki projektit" }).waitFor();
  }

  return {
    button,
    press,
    see,
    file,
    badge,
    code,
    script,
    open,
    begin,
    untilRun,
    finished,
    downloaded,
    stored,
    reload,
  };
}
