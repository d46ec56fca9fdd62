// The team above the terminal, and its editor, as a person meets them.

import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import AxeBuilder from "@axe-core/playwright";
import type { Locator, Page } from "playwright-core";
import { describe, expect, it } from "vitest";

import { Bench, PICTURES } from "./bench";
import { lookAt } from "./browser";

const bench = new Bench();

const card = (name: string) => bench.page.getByRole("button", { name: new RegExp(`^${name} `) });
const dialog = () => bench.page.getByRole("dialog");
const press = (name: string, within: Page | Locator = dialog()) =>
  within.getByRole("button", { name, exact: true }).click();
const field = (label: string) => dialog().getByLabel(label, { exact: true });
const member = (name: string) => dialog().getByRole("navigation").getByRole("button", { name });
const told = (words: string) => dialog().getByText(words).first().waitFor();

async function openTeam(): Promise<void> {
  await bench.page.goto(`${bench.hub.url}/`);
  await card("Koodari").waitFor();
}

async function openEditor(): Promise<void> {
  await openTeam();
  await press("Muokkaa tiimiä", bench.page);
  await dialog().waitFor();
}

/** The languages' buttons lie under the open dialog. */
async function lookAtEditor(name: string): Promise<void> {
  const { page } = bench;
  for (const theme of ["dark", "light"]) {
    for (const width of [390, 1440]) {
      await page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
      await page.evaluate((chosen) => (document.documentElement.dataset["theme"] = chosen), theme);
      await page.screenshot({ path: `${PICTURES}team-${name}-${width}-${theme}.png` });
    }
  }
}

async function chooseFile(name: string, text: string): Promise<void> {
  const path = join(tmpdir(), name);
  await writeFile(path, text);
  await dialog().locator('input[type="file"]').setInputFiles(path);
}

async function exported(button: string): Promise<{ name: string; text: string }> {
  const [download] = await Promise.all([bench.page.waitForEvent("download"), press(button)]);
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
}

describe("the cards", () => {
  it("show the six, and a press chooses who answers, also after a reload", async () => {
    await openTeam();
    await lookAt(bench.page, PICTURES, "team");
    await press("Suomi", bench.page);
    expect(await card("Koodari").getAttribute("aria-pressed")).toBe("true");
    await card("Tarkkailija").focus();
    await bench.page.keyboard.press("Enter");
    expect(await card("Tarkkailija").getAttribute("aria-pressed")).toBe("true");
    expect(await card("Koodari").getAttribute("aria-pressed")).toBe("false");
    await bench.page.setViewportSize({ width: 390, height: 844 });
    await bench.page.reload();
    await expect.poll(() => card("Tarkkailija").getAttribute("aria-pressed")).toBe("true");
    // A phone shows two of the six: the chosen one is among them.
    await expect.poll(async () => (await card("Tarkkailija").boundingBox())?.x ?? 999).toBeLessThan(390);
  });

  it("have a face that moves, unless the reader wants no motion", async () => {
    await openTeam();
    const animation = () =>
      bench.page
        .locator(".avatar .eyes")
        .first()
        .evaluate((eyes) => getComputedStyle(eyes).animationName);
    expect(await animation()).toBe("none");
    await bench.page.emulateMedia({ reducedMotion: "no-preference" });
    expect(await animation()).toContain("blink");
  });
});

describe("an agent at work", () => {
  it("talks while it answers, and is named to those who do not see it", async () => {
    bench.hub.orders.chat = "hangs";
    await openTeam();
    await bench.page.getByRole("textbox").fill("Summaa luvut");
    await bench.page.keyboard.press("Enter");
    await card("Koodari").getByText("Työn touhussa").waitFor();
    await bench.page.getByText("Työssä: Koodari.").waitFor();
    const talking = bench.page.getByRole("region", { name: "Tiimi" }).locator(".talking");
    expect(await talking.count()).toBe(1);
    await lookAt(bench.page, PICTURES, "team-at-work");
  });
});

describe("an agent", () => {
  it("is edited, saved, there after a reload, and as it was at first again", async () => {
    await openEditor();
    await lookAtEditor("editor");
    await member("Data").click();
    await field("Nimi").fill("Tietäjä");
    await dialog().getByText("saukko").locator("..").click();
    await field("Malli").selectOption("qwen2.5-coder:1.5b");
    await field("Ohje mallille").fill("You know data.");
    await told("noin 4 tokenia");
    await field("Lämpötila").fill("0,35");
    await told("Tallentamattomia muutoksia");
    await press("Tallenna");
    await told("Tietäjä tallennettu.");
    await bench.page.reload();
    await card("Tietäjä").waitFor();
    await press("Muokkaa tiimiä", bench.page);
    await member("Tietäjä").click();
    expect(await field("Lämpötila").inputValue()).toBe("0,35");
    expect(await field("Malli").inputValue()).toBe("qwen2.5-coder:1.5b");
    expect(await dialog().getByRole("radio", { checked: true }).inputValue()).toBe("otter");
    await press("Palauta oletukset");
    await told("Oletukset on täytetty kenttiin.");
    await press("Tallenna");
    await told("Data tallennettu.");
    await bench.page.keyboard.press("Escape");
    await card("Data").waitFor();
  });

  it("is not saved with what is wrong; the first fault gets the keyboard", async () => {
    await openEditor();
    await field("Nimi").fill("QA");
    await field("Lämpötila").fill("kuuma");
    await field("Top-k").fill("1,5");
    await field("Toistosakko").fill("9");
    await told("Toisella agentilla on jo tämä nimi.");
    await told("Kirjoita luku.");
    await told("Kirjoita kokonaisluku.");
    await told("Luvun pitää olla 0,5–2.");
    await press("Tallenna");
    await expect.poll(() => field("Nimi").evaluate((input) => input === document.activeElement)).toBe(true);
    await field("Toistosakko").scrollIntoViewIfNeeded();
    await lookAtEditor("faults");
    await press("Peru muutokset");
    expect(await field("Nimi").inputValue()).toBe("Koodari");
  });

  it("keeps its changes through Escape, another agent and a browser that closes the dialog", async () => {
    await openEditor();
    await field("Ohje mallille").fill("Mine.");
    await bench.page.keyboard.press("Escape");
    await told("Agentin Koodari muutoksia ei ole tallennettu.");
    await lookAtEditor("leaving");
    await bench.page.keyboard.press("Escape");
    expect(await field("Ohje mallille").inputValue()).toBe("Mine.");
    await member("QA").click();
    await press("Jatka muokkausta");
    await dialog().evaluate((element: HTMLDialogElement) => {
      element.close();
    });
    await told("Agentin Koodari muutoksia ei ole tallennettu.");
    await press("Jatka muokkausta");
    // Another view and back, as by a browser's own buttons.
    await bench.page.evaluate(() =>
      document.querySelector<HTMLElement>('header nav a[href="/guide/"]')?.click(),
    );
    await dialog().waitFor({ state: "detached" });
    await bench.page.goBack();
    await press("Muokkaa tiimiä", bench.page);
    expect(await field("Ohje mallille").inputValue()).toBe("Mine.");
    await press("Sulje");
    await press("Hylkää muutokset");
    await dialog().waitFor({ state: "detached" });
    const button = bench.page.getByRole("button", { name: "Muokkaa tiimiä" });
    await expect.poll(() => button.evaluate((element) => element === document.activeElement)).toBe(true);
  });

  it("is added, duplicated, removed after a question, and brought back", async () => {
    await openEditor();
    await press("Uusi agentti", dialog().getByRole("navigation"));
    expect(await field("Nimi").inputValue()).toBe("Uusi agentti");
    expect(await dialog().getByRole("radio", { checked: true }).inputValue()).toBe("owl");
    await field("Nimi").fill("Apuri");
    await press("Tallenna");
    await press("Monista");
    expect(await field("Nimi").inputValue()).toBe("Apuri 2");
    await press("Poista");
    await told("Poistetaanko Apuri 2?");
    await press("Peru");
    await press("Poista");
    await press("Poista agentti");
    await told("Apuri 2 poistettiin.");
    await lookAtEditor("removed");
    await press("Kumoa");
    await member("Apuri 2").waitFor();
    await member("Koodari").click();
    expect(await dialog().getByRole("button", { name: "Poista", exact: true }).count()).toBe(0);
    await bench.page.keyboard.press("Escape");
    await card("Apuri 2").click();
    await lookAt(bench.page, PICTURES, "team-of-eight");
  });

  it("shows its model where the hub has told of none", async () => {
    await bench.page.route("**/api/models", (route) => route.abort());
    await openEditor();
    await told("Malliluetteloa ei saatu keskuksesta");
  });
});

describe("a file", () => {
  it("of the team is imported in another browser", async () => {
    await openEditor();
    await field("Nimi").fill("Kaija");
    await press("Tallenna");
    const team = await exported("Vie tiimi");
    expect(team.name).toBe("kipina-team.json");
    expect((await exported("Vie tiedostoon")).name).toBe("kipina-kaija.json");
    await bench.page.evaluate(() => {
      localStorage.clear();
    });
    await bench.page.reload();
    await press("Muokkaa tiimiä", bench.page);
    await chooseFile("kipina-team.json", team.text);
    await told("Tuotiin 6 agenttia: korvattiin 6, lisättiin 0.");
    await member("Kaija").waitFor();
    await press("Kumoa");
    await member("Koodari").waitFor();
  });

  it("does not replace what was changed without a question", async () => {
    await openEditor();
    const { text } = await exported("Vie tiedostoon");
    await field("Nimi").fill("Kaija");
    await press("Tallenna");
    await chooseFile("kipina-koodari.json", text);
    await told("Tiedosto korvaisi muokkaamasi agentit: Kaija.");
    await lookAtEditor("replace");
    await press("Tuo rinnalle omina agentteina");
    await member("Kaija").waitFor();
    await member("Koodari").waitFor();
  });

  it.each([
    ["no JSON", "<html>", "Tiedosto ei ole JSONia."],
    ["something else", '{"name":"package"}', "Tiedostossa ei ole Kipinän tiimiä."],
    [
      "a field that is wrong",
      '{"format":"kipina-team","version":1,"agents":[{"role":null,"name":"<b>Huijari</b>","avatar":"owl","model":null,"prompt":"","sampling":{"temperature":99}}]}',
      "Agentissa 1 (<b>Huijari</b>) on väärin kenttä sampling.temperature.",
    ],
  ])("with %s says what is wrong, and nothing is imported", async (_, text, words) => {
    await openEditor();
    await chooseFile("broken.json", text);
    await told(words);
    await told("Mitään ei tuotu.");
    expect(await dialog().getByRole("navigation").getByRole("button").count()).toBe(7);
  });
});

describe("the browser", () => {
  it("that keeps nothing is told of, and the change lasts for the visit", async () => {
    await bench.page.addInitScript(() => {
      Storage.prototype.setItem = () => {
        throw new DOMException("full", "QuotaExceededError");
      };
    });
    await openEditor();
    await field("Nimi").fill("Kaija");
    await press("Tallenna");
    await told("Selain ei tallenna tätä");
    await told("Kaija on muutettu tämän käynnin ajaksi.");
    await lookAtEditor("not-kept");
    await bench.page.keyboard.press("Escape");
    await card("Kaija").waitFor();
  });

  it("shows in one tab what was changed in another", async () => {
    await openTeam();
    const other = await bench.newPage();
    await other.goto(`${bench.hub.url}/`);
    await openEditor();
    await field("Nimi").fill("Kaija");
    await press("Tallenna");
    await other.getByRole("button", { name: /^Kaija / }).waitFor();
  });
});

it("is without faults for those who do not see it: the open editor in both languages", async () => {
  for (const language of ["Suomi", "English"]) {
    await openTeam();
    await press(language, bench.page);
    await bench.page.getByRole("button", { name: /Muokkaa tiimiä|Edit the team/ }).click();
    await dialog().waitFor();
    for (const theme of ["dark", "light"]) {
      await bench.page.evaluate((chosen) => (document.documentElement.dataset["theme"] = chosen), theme);
      const { violations } = await new AxeBuilder({ page: bench.page }).analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
    }
    await bench.page.keyboard.press("Escape");
  }
});
