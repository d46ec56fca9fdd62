// A text's blocks as plain data for the component that shows them.

import type { Token, Tokens } from "marked";

import { inlineHtml, lexBlocks } from "./inline";

export interface Item {
  /** Null where the item is no task. */
  done: boolean | null;
  blocks: readonly Block[];
}

export interface Cell {
  html: string;
  align: "left" | "center" | "right" | null;
}

export type Block =
  | { kind: "heading"; depth: number; html: string }
  | { kind: "paragraph"; html: string }
  | { kind: "code"; language: string; text: string }
  | { kind: "list"; start: number | null; items: readonly Item[] }
  | { kind: "quote"; blocks: readonly Block[] }
  | { kind: "table"; head: readonly Cell[]; rows: readonly (readonly Cell[])[] }
  | { kind: "rule" }
  /** Shown as it stands. */
  | { kind: "plain"; text: string };

/** Longer lines and paragraphs are no prose; reading them as markdown may take a time that grows with the square. */
const PROSE_LENGTH = 5000;
/** Quotes in lists in quotes: deeper ones are shown as they stand. */
const DEEPEST = 8;
/** A line that opens so many quotes and lists at once is there to do harm. */
const NESTED = new RegExp(`^[ \\t]*(?:(?:>|[-*+][ \\t]|\\d{1,9}[.)][ \\t])[ \\t]*){${DEEPEST + 4},}`, "m");
const LONG_LINE = new RegExp(`[^\\n]{${PROSE_LENGTH + 1}}`);

export interface SourceBlock {
  raw: string;
  block: Block | null;
}

/** Every block with the text that it was made of; those that show nothing have no block. */
export function readBlocks(source: string, known: readonly SourceBlock[] = []): SourceBlock[] {
  if (LONG_LINE.test(source) || NESTED.test(source)) {
    return [{ raw: source, block: { kind: "plain", text: source } }];
  }
  return lexBlocks(source).map((token, index) => {
    const before = known[index];
    // The same object again: then nothing of it is drawn anew.
    return before?.raw === token.raw ? before : { raw: token.raw, block: blockOf(token, 0) };
  });
}

function blockOf(token: Token, depth: number): Block | null {
  if (depth > DEEPEST) return { kind: "plain", text: token.raw };
  switch (token.type) {
    case "heading": {
      const { depth: level, text } = token as Tokens.Heading;
      // Inside of something else a heading is no part of the text's outline.
      return depth === 0
        ? { kind: "heading", depth: level, html: inlineHtml(text) }
        : { kind: "paragraph", html: inlineHtml(`**${text}**`) };
    }
    case "code": {
      const { text, lang } = token as Tokens.Code;
      return { kind: "code", language: /^[\w+#.-]{1,24}/.exec(lang ?? "")?.[0].toLowerCase() ?? "", text };
    }
    case "list": {
      const { ordered, start, items } = token as Tokens.List;
      return {
        kind: "list",
        start: ordered ? Number(start) || 0 : null,
        items: items.map((item) => ({
          done: item.task ? item.checked === true : null,
          blocks: blocksOf(item.tokens, depth + 1),
        })),
      };
    }
    case "blockquote":
      return { kind: "quote", blocks: blocksOf((token as Tokens.Blockquote).tokens, depth + 1) };
    case "table": {
      const { header, rows } = token as Tokens.Table;
      return { kind: "table", head: header.map(cellOf), rows: rows.map((row) => row.map(cellOf)) };
    }
    case "hr":
      return { kind: "rule" };
    case "space":
    case "def":
    case "checkbox":
      return null;
    case "paragraph":
    case "text":
      return proseOf((token as Tokens.Paragraph).text);
    default:
      // HTML above all: what a model writes as a page is shown as text.
      return { kind: "plain", text: token.raw.trimEnd() };
  }
}

function blocksOf(tokens: readonly Token[], depth: number): Block[] {
  return tokens.map((token) => blockOf(token, depth)).filter((block) => block !== null);
}

function proseOf(text: string): Block {
  return text.length > PROSE_LENGTH ? { kind: "plain", text } : { kind: "paragraph", html: inlineHtml(text) };
}

function cellOf({ text, align }: Tokens.TableCell): Cell {
  return { html: inlineHtml(text), align };
}
