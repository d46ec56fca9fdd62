// The studio's terminal in a real Chromium: the first look, commands, and the keyboard.

import AxeBuilder from "@axe-core/playwright";
import { describe, expect, it } from "vitest";

import { Bench, PICTURES } from "./bench";
import { lookAt } from "./browser";
import { fakeEngine, ready } from "./engine";
import { guideEngine } from "./guide-engine";
import { terminalSteps } from "./terminal-steps";

const bench = new Bench();
const { see, button, press, field, open, send } = terminalSteps(bench);

describe("the first look", () => {
  it("shows what one can do, and an example goes to the prompt line", async () => {
    await open();
    await see("Mitä tehdään?");
    await see("smollm2:135m");
    await lookAt(bench.page, PICTURES, "terminal-welcome");
    await press("Suomi");
    await press(/henkilötunnuksen/);
    expect(await field().inputValue()).toContain("henkilötunnuksen");
    await field().press("Enter");
    await see("21,5 tok/s");
  });

  it("says how to begin where nobody answers, and starts this tab's model", async () => {
    Object.assign(bench.hub.orders, { nodes: 0, engine: fakeEngine(ready) });
    await open();
    await see("Kukaan ei vielä vastaa");
    await lookAt(bench.page, PICTURES, "terminal-nobody");
    await press("Suomi");
    await bench.page.getByRole("main").getByRole("button", { name: "Liitä koneesi" }).click();
    await bench.page.getByRole("dialog").waitFor();
    await bench.page.keyboard.press("Escape");
    await send("hei");
    await see("Kehotetta ei lähetetty, koska yksikään kone ei juuri nyt vastaa.");
    expect(bench.hub.prompts).toEqual([]);
    await press("Alusta malli");
    await bench.waitForFace("valmis");
  });

  it("tells when the hub is gone, and what to do", async () => {
    bench.hub.orders.apiWorks = false;
    await bench.page.goto(`${bench.hub.url}/`);
    await see("Keskukseen ei saada yhteyttä");
    await send("hei");
    await see("Kehotetta ei lähetetty");
    await lookAt(bench.page, PICTURES, "terminal-hub-gone");
    await press("Suomi");
    await bench.comeBackWhenAsked();
    await press("Yhdistä uudelleen");
    await bench.page.getByText("Keskukseen ei saada yhteyttä").waitFor({ state: "detached" });
  });
});

describe("commands", () => {
  it("show tables", async () => {
    await open();
    await send("kpn help");
    await bench.page.getByRole("table", { name: "Komennot" }).waitFor();
    await send("kpn models");
    await bench.page.getByRole("table", { name: "Mallit" }).waitFor();
    await send("kpn status");
    await bench.page.getByRole("table", { name: "Tila" }).waitFor();
    await send("kpn nodes");
    await bench.page.getByRole("table", { name: "Koneet" }).waitFor();
    await send("kpn agent");
    await bench.page.getByRole("table", { name: "Tiimi" }).waitFor();
    await send("kpn bench");
    await bench.page.getByRole("table", { name: /Mittaus/ }).waitFor();
    expect(bench.hub.prompts).toHaveLength(1);
    await lookAt(bench.page, PICTURES, "terminal-tables");
  });

  it("load and unload a model", async () => {
    bench.hub.orders.engine = fakeEngine(ready);
    await open();
    await send("kpn load 1");
    await bench.waitForFace("valmis");
    await see("Valmis. Välilehti vastaa kehotteisiin");
    await bench.page.getByRole("switch").check();
    await see("Kehotteen laskee tämä välilehti");
    await send("hei");
    await see("21,5 tok/s");
    expect(bench.hub.prompts[0]?.kipina).toMatchObject({ nodes: "own" });
    await lookAt(bench.page, PICTURES, "terminal-loaded");
    await press("Suomi");
    await send("kpn unload");
    await bench.waitForFace("pysäytetty");
    await send("salaista");
    await see("vain oma koneesi saa vastata");
    expect(bench.hub.prompts).toHaveLength(1);
  });

  it("show the tokens of a text, or why they can't be shown", async () => {
    await open();
    await send("kpn tokens Hei maailma");
    await see("ei ole asennettu selaimen laskentamoottoria");
    bench.hub.orders.engine = guideEngine;
    await bench.page.reload();
    await open();
    await send("kpn tokens Hei maailma 🌞");
    const tokens = bench.page.getByRole("list", { name: "Mallin smollm2:135m tokenit" });
    await tokens.getByText("␣maailma").waitFor();
    await see(/5 tokenia, 13 merkkiä/);
    await lookAt(bench.page, PICTURES, "terminal-tokens");
  });

  it("give an idea to the team, and go where the project grows", async () => {
    bench.hub.orders.pipeline = false;
    await open();
    await send("kpn project Muistilista");
    await see("Projektia ei voitu aloittaa.");
    bench.hub.orders.pipeline = true;
    await send("kpn project Muistilista");
    await bench.page.waitForURL(/\/projects\/#/);
    await bench.page.getByRole("heading", { name: "Muistilista" }).first().waitFor();
    await bench.page.getByRole("link", { name: "Studio" }).click();
    await see("Tiimi aloitti: Muistilista");
    await press("Avaa projekti");
    await bench.page.waitForURL(/\/projects\/#/);
  });

  it("choose the agent and the language, and clear", async () => {
    await open();
    await send("kpn agent data");
    await see("Data vastaa tästä lähtien.");
    await send("hei");
    await bench.page.getByRole("group", { name: "Data vastaa" }).getByText("21,5 tok/s").waitFor();
    await send("kpn lang en");
    await see("The language is English.");
    await send("kpn clear");
    await see("What shall we make?");
    await send("kpn lang fi");
    await see("Kieli on suomi.");
  });

  it("say what is wrong with them", async () => {
    await open();
    for (const line of [
      "kpn modles",
      "kpn xyzzy",
      "kpn load",
      "kpn load gpt-9",
      "kpn agent Kodari",
      "kpn lang sv",
    ]) {
      await send(line);
    }
    await see("Komentoa kpn modles ei ole.");
    await see("Komentoa kpn xyzzy ei ole.");
    await see("Mallia gpt-9 ei ole luettelossa.");
    await see("Tiimissä ei ole agenttia Kodari.");
    await see("Kieltä sv ei ole.");
    await lookAt(bench.page, PICTURES, "terminal-problems");
    await press("Suomi");
    await press("kpn models");
    expect(await field().inputValue()).toBe("kpn models");
  });
});

describe("the keyboard alone", () => {
  it("completes, recalls, writes several lines, and stops", async () => {
    bench.hub.orders.chat = "hangs";
    await open();
    await bench.page.keyboard.press("/");
    await expect.poll(() => field().evaluate((node) => node === document.activeElement)).toBe(true);
    const { keyboard } = bench.page;
    await keyboard.type("kpn ");
    await bench.page.getByRole("listbox", { name: "Ehdotukset" }).waitFor();
    await keyboard.press("ArrowDown");
    await bench.page.getByRole("option", { name: /kpn help/, selected: true }).waitFor();
    expect(await field().getAttribute("aria-activedescendant")).toBe("prompt-options-0");
    await bench.page.screenshot({ path: `${PICTURES}terminal-options.png` });
    const { violations } = await new AxeBuilder({ page: bench.page }).analyze();
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    await keyboard.press("Escape");
    await bench.page.getByRole("listbox").waitFor({ state: "detached" });
    await keyboard.type("ag");
    await bench.page.getByRole("option", { name: /kpn agent/ }).waitFor();
    await keyboard.press("Tab");
    expect(await field().inputValue()).toBe("kpn agent ");
    await keyboard.press("ArrowDown");
    await keyboard.press("ArrowDown");
    await keyboard.press("Enter");
    expect(await field().inputValue()).toBe("kpn agent Koodari");
    await keyboard.press("Enter");
    await see("Koodari vastaa tästä lähtien.");
    await keyboard.type("eka");
    await keyboard.press("Shift+Enter");
    await keyboard.type("toka");
    expect(await field().inputValue()).toBe("eka\ntoka");
    await keyboard.press("Enter");
    await see("def summa(a, b):");
    expect(bench.hub.prompts[0]?.messages.at(-1)?.content).toBe("eka\ntoka");
    await keyboard.press("Escape");
    await see("Keskeytetty.");
    await keyboard.press("ArrowUp");
    expect(await field().inputValue()).toBe("eka\ntoka");
    // Leaving the field by the keyboard is always possible.
    await keyboard.press("Tab");
    await expect.poll(() => field().evaluate((node) => node === document.activeElement)).toBe(false);
  });

  it("keeps the prompt line within reach while a long answer comes", async () => {
    bench.hub.orders.pieces = Array.from({ length: 200 }, (_, index) => `Kappale ${index}\n\n`);
    await bench.page.setViewportSize({ width: 390, height: 700 });
    await open();
    await send("hei");
    await see("12 tokenia");
    const reach = async (): Promise<boolean> => {
      const box = await field().boundingBox();
      return box !== null && box.y > 0 && box.y + box.height <= 700;
    };
    await expect.poll(reach).toBe(true);
    await expect.poll(() => bench.page.getByText("Kappale 199").isVisible()).toBe(true);
    await bench.page.mouse.move(200, 300);
    await bench.page.mouse.wheel(0, -3000);
    await button(/Uusimpaan/).waitFor();
    await expect.poll(reach).toBe(true);
    await bench.page.screenshot({ path: `${PICTURES}terminal-scrolled.png` });
    await button(/Uusimpaan/).click();
    await button(/Uusimpaan/).waitFor({ state: "hidden" });
  });
});
