// @vitest-environment jsdom

import { describe, expect, it } from "vitest";

import { readBlocks, type Block } from "./blocks";
import { excerptOf } from "./excerpt";
import { GrowingMarkdown } from "./growing";
import { highlighted } from "./highlight";
import { inlineHtml } from "./inline";
import { outline } from "./outline";

const blocksOf = (source: string): Block[] =>
  readBlocks(source)
    .map(({ block }) => block)
    .filter((block) => block !== null);

const answer = `# Otsikko

Tavallista **lihavaa** ja \`koodia\`,
toinen rivi.

1. Asenna:
   \`\`\`bash
   uv add fastapi
   \`\`\`
2. Aja

- [x] tehty
- [ ] kesken

> lainaus

| a | b |
|---|--:|
| 1 | *2* |

---

\`\`\`Python
print("<b>")
\`\`\`
`;

describe("blocks", () => {
  it("are headings, prose, lists, quotes, tables and code", () => {
    expect(blocksOf(answer)).toMatchObject([
      { kind: "heading", depth: 1, html: "Otsikko" },
      {
        kind: "paragraph",
        html: "Tavallista <strong>lihavaa</strong> ja <code>koodia</code>,<br>toinen rivi.",
      },
      {
        kind: "list",
        start: 1,
        items: [
          {
            done: null,
            blocks: [
              { kind: "paragraph", html: "Asenna:" },
              { kind: "code", language: "bash", text: "uv add fastapi" },
            ],
          },
          { done: null, blocks: [{ kind: "paragraph", html: "Aja" }] },
        ],
      },
      {
        kind: "list",
        start: null,
        items: [
          { done: true, blocks: [{ kind: "paragraph", html: "tehty" }] },
          { done: false, blocks: [{ kind: "paragraph", html: "kesken" }] },
        ],
      },
      { kind: "quote", blocks: [{ kind: "paragraph", html: "lainaus" }] },
      {
        kind: "table",
        head: [{ html: "a" }, { html: "b", align: "right" }],
        rows: [[{ html: "1" }, { html: "<em>2</em>" }]],
      },
      { kind: "rule" },
      { kind: "code", language: "python", text: 'print("<b>")' },
    ]);
  });

  it("keep an outline with no level left out", () => {
    expect(outline(blocksOf("### a\n\n# b\n\n#### c\n\n## d\n\ntext"), 3)).toEqual([3, 3, 4, 4, null]);
  });
});

describe("a growing text", () => {
  it.each([1, 7, 50])("ends as the whole text would, %i characters at a time", (step) => {
    const growing = new GrowingMarkdown();
    let shown: Block[] = [];
    for (let end = step; end < answer.length + step; end += step) {
      shown = growing.update(answer.slice(0, end));
    }
    expect(shown).toEqual(blocksOf(answer));
  });

  it("keeps the blocks that have not changed", () => {
    const growing = new GrowingMarkdown();
    const before = growing.update("eka\n\ntoka\n\nkolmas");
    const after = growing.update("eka\n\ntoka\n\nkolmas kasvaa\n\nja jatkuu");
    expect(after[0]).toBe(before[0]);
    expect(after[1]).toBe(before[1]);
    expect(after[2]).toEqual({ kind: "paragraph", html: "kolmas kasvaa" });
  });

  it("may become another text altogether, and has any line ends", () => {
    const growing = new GrowingMarkdown();
    growing.update("a\n\nb\n\nc\n\nd");
    expect(growing.update("uusi")).toEqual([{ kind: "paragraph", html: "uusi" }]);
    growing.update("a\r\n\r\nb\r\n\r\nc\r\n\r\nd");
    expect(growing.update("a\r\n\r\nb\r\n\r\nc\r\n\r\nd\r\n\r\ne")).toHaveLength(5);
  });
});

describe("hostile text", () => {
  it.each([
    ["<script>alert(1)</script>", "script"],
    ["hello <img src=x onerror=alert(1)> there", "img"],
    ["<svg/onload=alert(1)>", "svg"],
    ["<iframe src='javascript:alert(1)'></iframe>", "iframe"],
    ["a <math><mi//xlink:href='data:x,<script>alert(4)</script>'>", "math"],
    ["<style>body{display:none}</style>", "style"],
    ["<form action=/x><input name=body></form>", "form"],
    ["<a id=location name=cookie href=//evil>x</a>", "a[id]"],
  ])("is shown as text: %s", (source, selector) => {
    const { shown, text } = show(source);
    expect(shown.querySelector(selector)).toBeNull();
    expect(text).toContain(source.slice(0, 10));
  });

  it.each([
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:x)",
    "[x](//evil.example)",
    "[x](/settings/)",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](data:image/png;base64,AA)",
    "[x][y]\n\n[y]: javascript:alert(1)",
  ])("has no link that does harm: %s", (source) => {
    const { shown } = show(source);
    expect(shown.querySelector("[href], [src], [onerror]")).toBeNull();
  });

  it("links to other places in a tab of their own, and shows pictures as links", () => {
    const link = show(
      '[x](https://kipina.example/"onclick=alert(1)) ![y](https://kipina.example/a.png)',
    ).shown;
    for (const anchor of link.querySelectorAll("a")) {
      expect([...anchor.attributes].map(({ name }) => name).sort()).toEqual(["href", "rel", "target"]);
      expect(anchor.rel).toBe("noopener noreferrer nofollow");
    }
    expect(link.querySelectorAll("a")).toHaveLength(2);
    expect(link.querySelector("img")).toBeNull();
  });

  it("stays harmless in code", () => {
    const html = highlighted("x = '</span><img src=x onerror=alert(1)>'", "python");
    const shown = document.createElement("div");
    shown.innerHTML = html ?? "";
    expect(shown.querySelector("img")).toBeNull();
    expect(shown.querySelector(".hljs-string")?.textContent).toContain("<img");
    expect(highlighted("x", "no-such-language")).toBeNull();
    expect(highlighted("x".repeat(30_000), "python")).toBeNull();
  });

  it.each([
    ["one endless line", "x".repeat(60_000)],
    ["endless repetition", "ja sitten ".repeat(6000)],
    ["repeated lines", "rivi\n".repeat(12_000)],
    ["repeated paragraphs", "kappale\n\n".repeat(6000)],
    ["nested quotes", ">".repeat(60_000)],
    ["nested quotes over lines", Array.from({ length: 300 }, (_, i) => `${"> ".repeat(i % 12)}x`).join("\n")],
    ["nested lists", Array.from({ length: 300 }, (_, i) => `${" ".repeat(2 * i)}- x`).join("\n")],
    ["brackets", "[".repeat(7999)],
    ["stars", "*a **b ".repeat(1100)],
    ["many lines of stars", `${"*a **b _c ".repeat(700)}\n`.repeat(8)],
    ["backticks", Array.from({ length: 110 }, (_, i) => "`".repeat(i)).join(" ")],
    ["a table of pipes", `|a${"|a".repeat(900)}|\n|-${"|-".repeat(900)}|\n`.repeat(12)],
    ["open tags", "<a ".repeat(2600)],
    ["comments", "<!--\n".repeat(12_000)],
  ])("takes no longer than a person waits: %s", { timeout: 30_000 }, (_, source) => {
    const began = performance.now();
    const growing = new GrowingMarkdown();
    growing.update(source.slice(0, source.length / 2));
    expect(growing.update(source).length).toBeGreaterThan(0);
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  function show(source: string): { shown: HTMLElement; text: string } {
    const shown = document.createElement("div");
    for (const block of blocksOf(source)) {
      const part = document.createElement("div");
      if ("html" in block) part.innerHTML = block.html;
      if (block.kind === "plain") part.textContent = block.text;
      shown.append(part);
    }
    return { shown, text: shown.textContent };
  }
});

it("shows the beginning of what is too long, and whole characters", () => {
  expect(excerptOf("abc", 2)).toBe("ab");
  expect(excerptOf("a🐻b", 2)).toBe("a");
  expect(excerptOf("a🐻b", 3)).toBe("a🐻");
  expect(inlineHtml("a & b")).toBe("a &amp; b");
});
