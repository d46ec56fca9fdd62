// The studio's terminal in a real Chromium: what a person asks, commands, and what can go wrong.

import AxeBuilder from "@axe-core/playwright";
import type { Locator } from "playwright-core";
import { describe, expect, it } from "vitest";

import { Bench, PICTURES } from "./bench";
import { lookAt } from "./browser";
import { fakeEngine, ready } from "./engine";
import { guideEngine } from "./guide-engine";

const bench = new Bench();

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

const rich = `# Summa

Funktio **laskee** yhteen \`a\` ja \`b\`:

\`\`\`python
def summa(a: int, b: int) -> int:
    """Palauttaa summan."""
    return a + b  # helppoa
\`\`\`

1. Tallenna tiedostoon \`summa.py\`
2. Aja se:
   \`\`\`bash
   uv run summa.py
   \`\`\`

| Syöte | Tulos |
|-------|------:|
| 1, 2  |     3 |

> Muista testit. Lisää: [Python](https://docs.python.org/)
`;

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

describe("an answer", () => {
  it("is drawn as markdown, with code to copy, and says who gave it", async () => {
    bench.hub.orders.pieces = rich.match(/[\s\S]{1,9}/g) ?? [];
    await bench.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await open();
    await send("Tee summa");
    await answer().getByRole("heading", { name: "Summa" }).waitFor();
    await answer().locator(".hljs-keyword").first().waitFor();
    for (const fact of ["smollm2:135m", "kone", "12 tokenia", /\d,\d s/, "21,5 tok/s"]) {
      await answer().getByRole("definition").filter({ hasText: fact }).first().waitFor();
    }
    expect(await answer().getByRole("listitem").count()).toBe(2);
    expect(await answer().getByRole("link").getAttribute("rel")).toContain("noopener");
    await answer().getByRole("button", { name: "Kopioi koodi, python" }).click();
    expect(await bench.page.evaluate(() => navigator.clipboard.readText())).toContain("return a + b");
    await press("Kopioi vastaus");
    await expect.poll(() => bench.page.evaluate(() => navigator.clipboard.readText())).toBe(rich);
    expect(bench.hub.prompts[0]?.messages.map(({ role }) => role)).toEqual(["system", "user"]);
    await lookAt(bench.page, PICTURES, "terminal-answer");
  });

  it("is stopped, continued, asked for again, and looked back at", async () => {
    bench.hub.orders.chat = "hangs";
    await open();
    await send("Tee summa");
    await see("def summa(a, b):");
    await send("toinen");
    await see("Vastaus on kesken.");
    expect(await field().inputValue()).toBe("toinen");
    await lookAt(bench.page, PICTURES, "terminal-writing");
    await press("Suomi");
    await press("Keskeytä");
    await see("Keskeytetty.");
    Object.assign(bench.hub.orders, { chat: "answers", pieces: ["return ", "a + b"] });
    await press("Jatka vastausta");
    await see("return a + b");
    const continued = bench.hub.prompts[1]?.messages.at(-1);
    expect(continued).toMatchObject({ role: "assistant" });
    expect(continued?.content).toMatch(/^def summa/);
    bench.hub.orders.pieces = ["Aivan toinen vastaus."];
    await press("Uusi vastaus");
    await see("Aivan toinen vastaus.");
    await see("2 / 2");
    await lookAt(bench.page, PICTURES, "terminal-again");
    await press("Suomi");
    await press("Edellinen versio");
    await see("def summa(a, b):");
  });

  it("comes anew to an edited prompt, which takes away what came after", async () => {
    await open();
    await send("eka");
    await see("21,5 tok/s");
    await send("toka");
    await expect.poll(() => answer().count()).toBe(2);
    await expect.poll(() => bench.page.getByText("21,5 tok/s").count()).toBe(2);
    await press("Muokkaa kehotetta: eka");
    expect(await field().inputValue()).toBe("eka");
    await see("Lähetys poistaa vanhan vastauksen ja yhden sen jälkeisen kohdan.");
    await lookAt(bench.page, PICTURES, "terminal-editing");
    await press("Suomi");
    await field().press("Escape");
    expect(await field().inputValue()).toBe("");
    await press("Muokkaa kehotetta: eka");
    await send("eka toisin");
    await see("eka toisin");
    await expect.poll(() => answer().count()).toBe(1);
    await expect.poll(() => bench.hub.prompts.length).toBe(3);
    expect(bench.hub.prompts.at(-1)?.messages).toHaveLength(2);
  });

  it("that ended by length can be continued, and the window says what it forgot", async () => {
    Object.assign(bench.hub.orders, { pieces: ["sana ".repeat(1500)], finishReason: "length" });
    await open();
    await send("eka");
    await see("Vastaus päättyi pituusrajaan.");
    bench.hub.orders.pieces = ["lyhyt"];
    await send("toka");
    await see("ei mahtunut mallin muistiin");
    await expect.poll(() => bench.hub.prompts.length).toBe(2);
    expect(bench.hub.prompts.at(-1)?.messages).toHaveLength(2);
    await lookAt(bench.page, PICTURES, "terminal-window");
  });

  it.each([
    ["refuses", "Mallille ei ole juuri nyt yhtään vapaata konetta."],
    ["breaks", "Vastannut kone poistui verkosta kesken vastauksen."],
  ] as const)("may fail, and says so: %s", async (chat, sentence) => {
    bench.hub.orders.chat = chat;
    await open();
    await send("hei");
    await see(sentence);
    await lookAt(bench.page, PICTURES, `terminal-${chat}`);
    await press("Suomi");
    bench.hub.orders.chat = "answers";
    // What never began is tried again; what broke off has a beginning to go on from.
    await press(chat === "refuses" ? "Yritä uudelleen" : "Uusi vastaus");
    await see("21,5 tok/s");
  });

  it("survives other views and a reload", async () => {
    await open();
    await send("muista tämä");
    await see("21,5 tok/s");
    await field().fill("kesken");
    await bench.page.getByRole("link", { name: "Opas" }).click();
    await bench.page.getByRole("link", { name: "Studio" }).click();
    await see("muista tämä");
    expect(await field().inputValue()).toBe("kesken");
    await bench.page.reload();
    await see("muista tämä");
    await see("21,5 tok/s");
    await field().press("ArrowUp");
    expect(await field().inputValue()).toBe("muista tämä");
  });

  it("stays where the hub vanishes in the middle", async () => {
    bench.hub.orders.chat = "hangs";
    await open();
    await send("hei");
    await see("def summa(a, b):");
    bench.hub.orders.apiWorks = false;
    await bench.context.setOffline(true);
    bench.hub.cut();
    await see("Yhteys keskukseen katkesi.");
    await see("def summa(a, b):");
    await button("Jatka vastausta").waitFor();
    await bench.context.setOffline(false);
  });
});

describe("a hostile answer", () => {
  const attack = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked=1'>",
    "[x](javascript:window.hacked=1)",
    "<a href='javascript:window.hacked=1'>y</a>",
    "![z](https://tracker.example/pixel.png)",
    "```html\n</code></pre><script>window.hacked=1</script>\n```",
    "<style>body{display:none}</style>",
  ].join("\n\n");

  it("is shown as text and does nothing", async () => {
    const elsewhere: string[] = [];
    bench.page.on("request", (request) => {
      if (!request.url().startsWith(bench.hub.url)) elsewhere.push(request.url());
    });
    bench.hub.orders.pieces = attack.match(/[\s\S]{1,5}/g) ?? [];
    await open();
    await send("hyökkää");
    await see("21,5 tok/s");
    await see("<script>window.hacked = 1</script>");
    expect(await bench.page.evaluate(() => "hacked" in window)).toBe(false);
    expect(await answer().locator("img, script, style, a[href^=javascript]").count()).toBe(0);
    expect(elsewhere).toEqual([]);
    await lookAt(bench.page, PICTURES, "terminal-hostile");
  });

  it.each([
    ["a line of a megabyte", Array.from({ length: 1000 }, () => "x".repeat(1000))],
    ["endless repetition", Array.from({ length: 4000 }, () => "ja sitten sama uudestaan ")],
    ["endless lines", Array.from({ length: 6000 }, (_, index) => `- kohta ${index}\n`)],
    ["endless code", ["```python\n", ...Array.from({ length: 3000 }, () => "print('hei', 1, None)\n")]],
  ])("leaves the page usable: %s", async (name, pieces) => {
    bench.hub.orders.pieces = pieces;
    await open();
    await send("hei");
    await see("12 tokenia");
    await see("Teksti on pitkä");
    await field().fill("sivu toimii");
    expect(await field().inputValue()).toBe("sivu toimii");
    const download = bench.page.waitForEvent("download");
    await press("Lataa koko teksti");
    expect((await download).suggestedFilename()).toBe("kipina-vastaus.md");
    if (name === "endless repetition") {
      await field().fill("");
      await bench.page.screenshot({ path: `${PICTURES}terminal-endless.png` });
    }
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
