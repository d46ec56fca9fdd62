// What a person does in the terminal, and where the answers stand.

import type { Locator } from "playwright-core";

import type { Bench } from "./bench";

export function terminalSteps(bench: Bench) {
  const see = (words: string | RegExp) => bench.page.getByText(words).first().waitFor();
  const button = (name: string | RegExp) =>
    bench.page.getByRole("button", { name, exact: typeof name === "string" });
  const press = (name: string | RegExp) => button(name).click();
  const field = (): Locator => bench.page.locator("textarea[data-prompt]");
  const answer = (): Locator => bench.page.getByRole("group", { name: "Koodari vastaa" });

  async function open(): Promise<void> {
    await bench.page.goto(`${bench.hub.url}/`);
    await field().waitFor();
    // The catalogue has come: who answers is known.
    await bench.page.locator(".agent").waitFor();
  }

  async function send(line: string): Promise<void> {
    await field().fill(line);
    await field().press("Enter");
  }

  return { see, button, press, field, answer, open, send };
}
