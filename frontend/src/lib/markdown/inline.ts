// A line of markdown as HTML that is safe to show: the text comes from models, which anybody may run.

import DOMPurify from "dompurify";
import { Lexer, Parser, Renderer, type Tokens } from "marked";

const SAFE_ADDRESS = /^(?:https?:\/\/|mailto:)/i;

/** What a model writes as HTML is shown as it stands, and nothing is fetched from anywhere. */
class PlainRenderer extends Renderer {
  override html({ raw }: Tokens.HTML | Tokens.Tag): string {
    return escapeHtml(raw);
  }

  override image({ href, text }: Tokens.Image): string {
    return link(href, escapeHtml(text || href));
  }

  override link({ href, tokens }: Tokens.Link): string {
    return link(href, this.parser.parseInline(tokens));
  }

  override checkbox({ checked }: Tokens.Checkbox): string {
    return checked ? "☑ " : "☐ ";
  }
}

const options = { gfm: true, breaks: true, renderer: new PlainRenderer() };

/** The blocks of a text; what stands in them is not read yet, so that none costs more than it may. */
export function lexBlocks(source: string): Lexer["tokens"] {
  const lexer = new Lexer(options);
  lexer.blockTokens(source.replace(/\r\n?/g, "\n"), lexer.tokens);
  return lexer.tokens;
}

export function inlineHtml(source: string): string {
  const html = new Parser(options).parseInline(new Lexer(options).inlineTokens(source));
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: ["a", "strong", "em", "del", "code", "br"],
    ALLOWED_ATTR: ["href", "target", "rel"],
    ALLOWED_URI_REGEXP: SAFE_ADDRESS,
    ADD_URI_SAFE_ATTR: ["target", "rel"],
    ALLOW_ARIA_ATTR: false,
    ALLOW_DATA_ATTR: false,
  });
}

/** The highlighter's HTML: nothing but coloured spans. */
export function sanitiseHighlighted(html: string): string {
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: ["span"],
    ALLOWED_ATTR: ["class"],
    ALLOW_ARIA_ATTR: false,
    ALLOW_DATA_ATTR: false,
  });
}

/** Elsewhere opens in a tab of its own: this one may be computing. */
function link(href: string, html: string): string {
  if (!SAFE_ADDRESS.test(href)) return html;
  return `<a href="${escapeHtml(href)}" target="_blank" rel="noopener noreferrer nofollow">${html}</a>`;
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
