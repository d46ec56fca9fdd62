// The page's frame in a real Chromium: the status bar, the dialog that joins a machine, the keys, what goes wrong.

import { describe, expect, it } from "vitest";

import { Bench, PICTURES } from "./bench";
import { lookAt } from "./browser";
import { building, busy, fakeEngine, ready } from "./engine";

const bench = new Bench();

const press = (name: string) => bench.page.getByRole("button", { name, exact: true }).click();
const bar = () => bench.page.getByRole("region", { name: "Tila" });
const dialog = () => bench.page.getByRole("dialog");

async function openAt(path: string): Promise<void> {
  await bench.page.goto(bench.hub.url + path);
  await bar().getByText("yhteys kunnossa").waitFor({ state: "attached" });
}

describe("the status bar", () => {
  it("tells of the network as it changes", async () => {
    await openAt("/settings/");
    await bar().getByText("1 kone").waitFor();
    await bar().getByText("1 malli").waitFor();
    await bar().getByText("2 kehotetta/min").waitFor();
    bench.hub.orders.nodes = 3;
    bench.hub.orders.stats = { rates: { prompts_per_minute: 14, tokens_per_second: 90 } };
    await bar().getByText("3 konetta").waitFor();
    await bar().getByText("14 kehotetta/min").waitFor();
  });

  it("starts, pauses and stops the tab's own computing on every view", async () => {
    bench.hub.orders.engine = fakeEngine(ready);
    await openAt("/settings/");
    await press("Alusta");
    await bench.waitForFace("valmis");
    await bar().getByText("smollm2:135m").waitFor();
    await press("Tauko");
    await bench.waitForFace("tauolla");
    await press("Jatka");
    await bench.waitForFace("valmis");
    await press("Pysäytä");
    await bench.waitForFace("pysäytetty");
  });

  it("has one button to start in the view of the computing", async () => {
    await openAt("/compute/");
    await bench.page.getByText("lataus 3,2 Mt").waitFor();
    expect(await bench.page.getByRole("button", { name: /^Alusta/ }).count()).toBe(1);
  });

  it("shows how far a model is, and leads to what needs an answer", async () => {
    bench.hub.orders.engine = fakeEngine(ready);
    Object.assign(bench.hub.orders, { weightsUntil: 1_300_000, hang: true });
    await openAt("/settings/");
    await press("Alusta");
    await bar().getByText("40 %").waitFor();
    await lookAt(bench.page, PICTURES, "bar-downloading");
    await bench.page.getByRole("button", { name: "Suomi" }).click();
    const other = bench.page;
    bench.page = await bench.newPage();
    await openAt("/settings/");
    await press("Alusta");
    await bench.waitForFace("käynnissä toisessa välilehdessä");
    await bench.page.getByRole("link", { name: "Avaa laskenta", exact: true }).first().click();
    await bench.page.getByRole("button", { name: "Siirrä tähän välilehteen" }).waitFor();
    await other.close();
  });

  it("shows a building and an answer with its speed", async () => {
    bench.hub.orders.engine = building;
    await openAt("/settings/");
    await press("Alusta");
    await bar().getByText("62 %").waitFor();
    await press("Pysäytä");
    // What runs still would go on by itself after the reload.
    await bench.waitForFace("pysäytetty");
    bench.hub.orders.engine = fakeEngine(busy);
    await bench.page.reload();
    await press("Alusta");
    await bench.waitForFace("vastaa kehotteeseen");
    await bar().getByText("tok/s").waitFor();
    await lookAt(bench.page, PICTURES, "bar-busy");
  });

  it("leaves a phone most of its screen", async () => {
    await bench.page.setViewportSize({ width: 390, height: 844 });
    await openAt("/settings/");
    const main = await bench.page.locator("main").boundingBox();
    expect(main?.y).toBeLessThan(844 * 0.27);
  });
});

describe("joining a machine", () => {
  const origin = () => new URL(bench.hub.url).host;

  it("shows commands made of the hub's own address, and copies them", async () => {
    await bench.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await openAt("/settings/");
    await press("Liitä koneesi");
    await dialog().getByRole("heading", { name: "Liitä koneesi" }).waitFor();
    expect(await dialog().getByRole("tab").first().innerText()).toBe("Linux");
    await dialog().getByText(`toimii vain tällä koneella`).waitFor();
    await dialog().getByRole("button", { name: "Kopioi komento: kipina-node" }).click();
    await dialog().getByRole("status").getByText("Kopioitu").waitFor();
    const copied = () => bench.page.evaluate(() => navigator.clipboard.readText());
    expect(await copied()).toBe(`curl -fsSL http://${origin()}/kipina-node | bash`);
    await dialog().getByLabel("Malli").selectOption("qwen2.5-coder:1.5b");
    await dialog().getByText("Muut tavat").click();
    await dialog().getByLabel("Keskuksen avain").fill("a b");
    await dialog().getByRole("button", { name: "Kopioi komento: kipina-node" }).click();
    await expect
      .poll(copied)
      .toBe(
        `curl -fsSL http://${origin()}/kipina-node | OLLAMA_MODEL=qwen2.5-coder:1.5b NODE_API_KEY='a b' bash`,
      );
    await dialog().getByRole("button", { name: "Kopioi komento: Ollama" }).click();
    await expect.poll(copied).toContain("ollama pull qwen2.5-coder:1.5b");
  });

  it("has commands for each system, by pointer and by keyboard", async () => {
    await openAt("/settings/");
    await press("Liitä koneesi");
    await dialog().getByRole("tab", { name: "Windows" }).click();
    await dialog().getByText("winget install").waitFor();
    await dialog().getByText("| iex").waitFor();
    await bench.page.keyboard.press("ArrowRight");
    await dialog().getByText("docker exec ollama").waitFor();
    await bench.page.keyboard.press("Home");
    await dialog().getByText("ollama.com/install.sh").waitFor();
  });

  it("tells of the machine that has joined, and gives the keyboard back", async () => {
    await openAt("/settings/");
    await press("Liitä koneesi");
    await dialog().getByText("Odotetaan uutta konetta").waitFor();
    bench.hub.orders.nodes = 2;
    await dialog().getByText("Kone kone-2 liittyi verkkoon.").waitFor();
    await bench.page.keyboard.press("Escape");
    await dialog().waitFor({ state: "detached" });
    await expect
      .poll(() => bench.page.evaluate(() => document.activeElement?.getAttribute("aria-label")))
      .toBe("Liitä koneesi");
  });

  for (const system of ["Linux", "Windows", "Docker"]) {
    it(`looks well: ${system}`, async () => {
      await openAt("/settings/?join");
      await press("Liitä koneesi");
      await dialog().getByRole("tab", { name: system }).click();
      await dialog().getByText("Muut tavat").click();
      bench.hub.orders.nodes = system === "Windows" ? 2 : 1;
      if (system === "Windows") await dialog().getByText("liittyi verkkoon").waitFor();
      await lookAtOpen(`join-${system.toLowerCase()}`);
    });
  }
});

/** What lies under an open dialog can't be pressed: its languages and themes are set from outside. */
async function lookAtOpen(name: string): Promise<void> {
  for (const [width, height] of [
    [390, 844],
    [1440, 900],
  ] as const) {
    await bench.page.setViewportSize({ width, height });
    for (const theme of ["dark", "light"]) {
      await bench.page.evaluate((chosen) => (document.documentElement.dataset["theme"] = chosen), theme);
      await bench.page.screenshot({ path: `${PICTURES}${name}-fi-${width}-${theme}.png` });
      const { default: AxeBuilder } = await import("@axe-core/playwright");
      const { violations } = await new AxeBuilder({ page: bench.page }).analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
    }
  }
}

describe("the keys", () => {
  it("go to views, open their map and the dialog, and rest in fields", async () => {
    await openAt("/settings/");
    await bench.page.keyboard.press("g");
    await bench.page.keyboard.press("v");
    await expect.poll(() => new URL(bench.page.url()).pathname).toBe("/network/");
    await bench.page.keyboard.press("?");
    await dialog().getByRole("heading", { name: "Näppäimet" }).waitFor();
    await lookAtOpen("keys");
    await bench.page.keyboard.press("Escape");
    await dialog().waitFor({ state: "hidden" });
    await bench.page.keyboard.press("+");
    await dialog().getByRole("heading", { name: "Liitä koneesi" }).waitFor();
    await bench.page.keyboard.press("Escape");
    await dialog().waitFor({ state: "hidden" });
    await bench.page.keyboard.press("g");
    await bench.page.keyboard.press("a");
    await bench.page.getByLabel("Avain", { exact: true }).pressSequentially("g?v");
    expect(await bench.page.getByLabel("Avain", { exact: true }).inputValue()).toBe("g?v");
    expect(new URL(bench.page.url()).pathname).toBe("/settings/");
  });

  it("lead to the prompt", async () => {
    await openAt("/settings/");
    await bench.page.keyboard.press("/");
    await expect.poll(() => new URL(bench.page.url()).pathname).toBe("/");
    await expect
      .poll(() => bench.page.evaluate(() => document.activeElement?.hasAttribute("data-prompt")))
      .toBe(true);
  });

  it("can be switched off, and stay so", async () => {
    await openAt("/settings/");
    await bench.page.getByRole("switch", { name: "Yhden näppäimen oikotiet käytössä" }).click();
    await bench.page.reload();
    await bar().getByText("yhteys kunnossa").waitFor({ state: "attached" });
    await bench.page.getByText("kytketty pois").waitFor();
    await bench.page.keyboard.press("g");
    await bench.page.keyboard.press("v");
    await bench.page.keyboard.press("?");
    expect(await dialog().count()).toBe(0);
    expect(new URL(bench.page.url()).pathname).toBe("/settings/");
  });
});

describe("what goes wrong", () => {
  it("in a promise that nobody waits for is told", async () => {
    await openAt("/settings/");
    await bench.page.evaluate(() => {
      void Promise.reject(new Error("a lost promise"));
    });
    await bench.page.getByText("a lost promise").waitFor();
    await lookAt(bench.page, PICTURES, "trouble");
    await bench.page.getByRole("button", { name: "Close", exact: true }).click();
    await bench.page.getByText("a lost promise").waitFor({ state: "detached" });
    bench.forgive("a lost promise");
  });

  it("in a view leaves the rest of the page, and a way on", async () => {
    await bench.page.addInitScript(() => {
      const whole = navigator.storage;
      let asked = 0;
      // The view of the settings asks for it while it is made.
      Object.defineProperty(navigator, "storage", {
        get: () => {
          asked += 1;
          if (
            location.pathname === "/settings/" &&
            new Error().stack?.includes("SettingsView") &&
            asked < 99
          ) {
            asked = 99;
            throw new Error("a broken view");
          }
          return whole;
        },
      });
    });
    await openAt("/settings/");
    await bench.page.getByRole("heading", { name: "Näkymä pysähtyi virheeseen" }).waitFor();
    await lookAt(bench.page, PICTURES, "view-stopped");
    await bench.page.getByRole("button", { name: "Try again" }).click();
    await bench.page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
  });

  it("with the hub is told, with what works without it", async () => {
    bench.hub.orders.apiWorks = false;
    await bench.page.goto(`${bench.hub.url}/settings/`);
    await bench.page.getByText("Keskukseen ei saada yhteyttä").waitFor();
    await lookAt(bench.page, PICTURES, "hub-gone");
    await bench.comeBackWhenAsked();
    await bench.page.getByRole("button", { name: "Reconnect" }).click();
    await bench.page.getByText("The hub can't be reached").waitFor({ state: "detached" });
  });

  it("with a view's file is told", async () => {
    await bench.page.route(/SettingsView/, (route) => route.abort());
    await openAt("/network/");
    await bench.page.getByRole("link", { name: "Asetukset" }).click();
    await bench.page.getByRole("heading", { name: "Näkymää ei saatu" }).waitFor();
  });
});
