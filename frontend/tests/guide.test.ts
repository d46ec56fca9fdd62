// The guide: what a reader sees of it, presses and writes in it.

import { describe, expect, it, vi } from "vitest";

import { Bench, PICTURES } from "./bench";
import { lookAt } from "./browser";
import { guideEngine } from "./guide-engine";

const bench = new Bench();

// The longest page of all, looked at from eight sides.
vi.setConfig({ testTimeout: 180_000 });

async function open(address = "/guide/"): Promise<void> {
  await bench.page.goto(bench.hub.url + address);
  await bench.page.getByRole("heading", { name: "Opas", level: 1 }).waitFor();
}

const part = (id: string) => bench.page.locator(`section#${id}`);
const press = (name: string) => bench.page.getByRole("button", { name, exact: true }).click();
const count = () => bench.page.getByTestId("token-count").innerText();
const kept = () => bench.page.getByTestId("kept").innerText();

/** Comes to the part, so that what is lazy in it loads. */
async function reach(id: string): Promise<void> {
  await part(id).scrollIntoViewIfNeeded();
}

/** Down the whole page and up again, as a reader would. */
async function leaf(): Promise<void> {
  for (const id of ["tokens", "layers", "reading", "sampling", "team", "cache", "privacy"]) {
    await reach(id);
    await part(id).locator("text=Ladataan").waitFor({ state: "detached" });
  }
  await bench.page.getByText("Palauta säädöt").waitFor();
  await bench.page.getByText("LGTM").first().waitFor();
  await bench.page.evaluate(() => {
    scrollTo(0, 0);
  });
}

async function slide(name: string, value: string): Promise<void> {
  await bench.page.getByRole("slider", { name }).fill(value);
}

const bars = () => bench.page.getByRole("list", { name: "Todennäköisimmät tokenit" }).getByRole("listitem");

async function startModel(): Promise<void> {
  bench.hub.orders.engine = guideEngine;
  await open();
  await reach("sampling");
  await part("sampling")
    .getByRole("button", { name: /^Käynnistä/ })
    .click();
  await bench.page.getByTestId("origin").getByText("smollm2:135m laskee").waitFor();
}

describe("the guide", () => {
  it("is there without a model and without the network, with figures of a real model", async () => {
    await open();
    await leaf();
    await expect.poll(count).toMatch(/^1\d tokenia$/);
    await lookAt(bench.page, PICTURES, "guide");
  });

  it("has a table of contents that goes to its parts and shows where the reader is", async () => {
    await bench.page.setViewportSize({ width: 1440, height: 900 });
    await open("/guide/#cache");
    await expect.poll(() => part("cache").evaluate((it) => it.getBoundingClientRect().top)).toBeLessThan(450);
    const contents = bench.page.getByRole("navigation", { name: "Sisällys" });
    await contents.getByRole("link", { name: "Tokenit" }).click();
    await expect.poll(() => contents.locator("[aria-current]").innerText()).toBe("Tokenit");
    expect(new URL(bench.page.url()).hash).toBe("#tokens");
    for (const link of await contents.getByRole("link").all()) {
      const target = (await link.getAttribute("href"))?.slice(1) ?? "";
      expect(await bench.page.locator(`section#${target}`).count(), target).toBe(1);
    }
  });

  it("prints whole, as a text, from where the reader is", async () => {
    await bench.page.addInitScript(() => {
      window.print = () => {
        document.title = "printed";
      };
    });
    await open();
    await press("Tulosta opas");
    await expect.poll(() => bench.page.title()).toBe("printed");
    // All of it is there, though nobody has scrolled.
    expect(await bench.page.getByText("Palauta säädöt").count()).toBe(1);
    expect(await part("team").getByText("LGTM").count()).toBe(1);
    await bench.page.setViewportSize({ width: 800, height: 1100 });
    await bench.page.emulateMedia({ media: "print" });
    await bench.page.screenshot({ path: `${PICTURES}guide-print.png`, fullPage: true });
    expect(await bench.page.getByRole("navigation", { name: "Sisällys" }).isVisible()).toBe(false);
    expect(await bench.page.getByRole("slider").first().isVisible()).toBe(false);
  });

  it("says when a part of it can't be loaded", async () => {
    await bench.page.route(/SamplingPlay/, (route) => route.abort());
    await open();
    await reach("sampling");
    await part("sampling").getByText("Tätä kohtaa ei saatu ladattua.").waitFor();
  });
});

describe("tokens", () => {
  it("are those of the reader's own text, by the real tokenizer", async () => {
    bench.hub.orders.engine = guideEngine;
    await open();
    await reach("tokens");
    const text = bench.page.getByLabel("Tekstisi");
    await text.fill("Hyvää yötä 🌞\nloppu");
    await expect.poll(count).toBe("7 tokenia");
    // The head of the file only, in as many requests as its header needs.
    expect(bench.hub.weightRequests).toEqual(["bytes=0-2097151"]);

    const list = bench.page.getByRole("listbox", { name: "Tekstin tokenit", exact: true });
    await list.getByRole("option").first().focus();
    await bench.page.keyboard.press("ArrowRight");
    const focused = bench.page.locator(":focus");
    expect(await focused.getAttribute("aria-label")).toBe("väli yötä, numero 105");
    await part("tokens").getByText("105", { exact: true }).waitFor();
    await bench.page.keyboard.press("End");
    await bench.page.keyboard.press("ArrowLeft");
    await bench.page.keyboard.press("ArrowLeft");
    expect(await focused.getAttribute("aria-label")).toBe("osa merkkiä, numero 2");
    await lookAt(bench.page, PICTURES, "guide-tokens");
  });

  it("are fetched once, and counted without the network after that", async () => {
    bench.hub.orders.engine = guideEngine;
    await open();
    await reach("tokens");
    await bench.page.getByLabel("Tekstisi").fill("yksi kaksi");
    await expect.poll(count).toBe("2 tokenia");
    bench.hub.weightRequests.length = 0;
    bench.hub.orders.weightsStatus = null;
    bench.hub.orders.apiWorks = false;
    await bench.page.reload();
    await reach("tokens");
    await bench.page.getByLabel("Tekstisi").fill("yksi kaksi kolme");
    await expect.poll(count).toBe("3 tokenia");
    expect(bench.hub.weightRequests).toEqual([]);
  });

  it("cost more in Finnish, and say how much", async () => {
    bench.hub.orders.engine = guideEngine;
    await open();
    await reach("tokens");
    await bench.page.getByLabel("Englanniksi", { exact: true }).fill("one two");
    await bench.page.getByLabel("Suomeksi", { exact: true }).fill("yksi kaksi kolme neljä viisi kuusi");
    await bench.page.getByText("Suomeksi tokeneita tarvitaan 3,0-kertainen määrä.").waitFor();
    await bench.page.getByText("lukeminen 0,0 s, kirjoittaminen 0,1 s").waitFor();
  });

  it("say why they can't be counted, and are tried again", async () => {
    await open();
    await reach("tokens");
    await bench.page.getByLabel("Tekstisi").fill("yksi kaksi");
    await part("tokens").getByText("ei ole asennettu laskentamoottoria").waitFor();
    await lookAt(bench.page, PICTURES, "guide-no-engine");
    await press("Suomi");
    bench.hub.orders.engine = guideEngine;
    await part("tokens").getByRole("button", { name: "Yritä uudelleen" }).click();
    await expect.poll(count).toBe("2 tokenia");
  });

  it("say when the hub is gone before anything was fetched", async () => {
    bench.hub.orders.apiWorks = false;
    await open();
    await reach("tokens");
    await bench.page.getByLabel("Tekstisi").fill("yksi");
    await part("tokens")
      .getByText("Keskus ei vastaa, eikä tokenisoijaa ole vielä tällä laitteella.")
      .waitFor();
  });
});

describe("the next token", () => {
  it("moves with the sliders", async () => {
    await open();
    await reach("sampling");
    await press("Toistoa");
    const first = bars().first();
    await slide("Toistosakko", "1");
    await slide("Lämpötila", "0");
    await expect.poll(() => first.innerText()).toContain("100,0 %");
    await expect.poll(kept).toBe("Arvonnassa mukana: 1");
    await slide("Toistosakko", "2");
    await expect.poll(() => first.innerText()).toContain("pois");
    expect(await first.innerText()).toContain("sanottu äsken");
    await slide("Lämpötila", "1");
    await slide("Top-k", "0");
    await slide("Top-p", "1");
    await expect.poll(kept).toMatch(/15\d\s\d{3}$/);
    await press("Arvo seuraava");
    await bench.page.getByText(/^Arvottiin/).waitFor();
    await press("Palauta säädöt");
    await expect.poll(() => bench.page.getByRole("slider", { name: "Top-k" }).inputValue()).toBe("40");
    expect(await bench.page.getByLabel("Teksti, jota malli jatkaa").getAttribute("readonly")).not.toBeNull();
  });

  it("is the reader's own text's, once a model is loaded in the tab", async () => {
    await startModel();
    const text = bench.page.getByLabel("Teksti, jota malli jatkaa");
    await text.fill("laske yksi kaksi");
    await bars().first().getByText("␣yksi").waitFor();
    await slide("Lämpötila", "0");
    await press("Arvo seuraava");
    await bench.page.getByText("Arvottiin: ␣yksi").waitFor();
    await press("Lisää tekstiin");
    await expect.poll(() => text.inputValue()).toBe("laske yksi kaksi yksi");
    await lookAt(bench.page, PICTURES, "guide-live");
    await press("Suomi");
    await text.fill("FAIL");
    await bench.page.getByText("Malli ei voinut laskea tätä.").waitFor();
    await text.fill("");
    await bench.page.getByText("Kirjoita jotain, niin malli jatkaa siitä.").waitFor();
  });

  it("comes after the answer's beginning, which the reader chooses", async () => {
    await open();
    await reach("layers");
    const likeliest = part("layers")
      .getByRole("list", { name: "Seuraava token" })
      .getByRole("listitem")
      .first();
    await expect.poll(() => likeliest.innerText()).toContain("Here");
    await bench.page.getByLabel("koodilohkon aita").check();
    await expect.poll(() => likeliest.innerText()).toContain("def");
  });
});

it("shows how a model reads, and what it needs not read again", async () => {
  await startModel();
  await reach("reading");
  await press("Lue teksti");
  const runs = bench.page.getByRole("region", { name: "Lukukerrat" }).getByRole("row");
  await expect.poll(() => runs.count()).toBe(2);
  await press("Lue sama uudelleen");
  await press("Lisää lause loppuun ja lue");
  await press("Muuta alkua ja lue");
  await expect.poll(() => runs.count()).toBe(5);
  await lookAt(bench.page, PICTURES, "guide-reading");
});
