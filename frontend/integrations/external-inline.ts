// Astro writes the loader of its islands into each page as inline scripts and styles, which a strict
// Content-Security-Policy refuses. After the build each of them becomes a file of its own.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import type { AstroIntegration } from "astro";

export function externalInline(): AstroIntegration {
  return {
    name: "external-inline",
    hooks: {
      "astro:build:done": async ({ dir }) => {
        const root = fileURLToPath(dir);
        const pages = (await readdir(root, { recursive: true })).filter((name) => name.endsWith(".html"));
        await mkdir(`${root}_astro`, { recursive: true });
        for (const page of pages) {
          const { html, files } = extractInline(await readFile(root + page, "utf8"));
          await writeFile(root + page, html);
          for (const [name, text] of files) await writeFile(`${root}_astro/${name}`, text);
        }
      },
    },
  };
}

export interface ExtractedPage {
  html: string;
  /** The new files under `_astro/`, by name. */
  files: Map<string, string>;
}

/** The page without inline code. An external classic script runs at the same place as an inline one. */
export function extractInline(html: string): ExtractedPage {
  const files = new Map<string, string>();
  const save = (text: string, extension: string): string => {
    const name = `inline.${createHash("sha256").update(text).digest("hex").slice(0, 8)}.${extension}`;
    files.set(name, text);
    return `/_astro/${name}`;
  };
  const replaced = html
    .replace(/<script(?![^>]*\ssrc=)([^>]*)>([\s\S]+?)<\/script>/g, (_, attributes: string, text: string) => {
      return `<script${attributes} src="${save(text, "js")}"></script>`;
    })
    .replace(/<style[^>]*>([\s\S]+?)<\/style>/g, (_, text: string) => {
      return `<link rel="stylesheet" href="${save(text, "css")}">`;
    });
  return { html: replaced, files };
}
