// Answers in the terminal: as they come, asked for again, cut off, hostile.

import { describe, expect, it } from "vitest";

import { Bench, PICTURES } from "./bench";
import { lookAt } from "./browser";
import { terminalSteps } from "./terminal-steps";

const bench = new Bench();
const { see, button, press, field, answer, open, send } = terminalSteps(bench);

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
