// Astro writes the loader of its islands into each page as inline scripts and styles, which a strict
// Content-Security-Policy refuses. After the build they are files. None of the scripts minds where it stands, so one
// deferred file has them all: nothing in the page waits for it.
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

/** The page without inline code. */
export function extractInline(html: string): ExtractedPage {
  const files = new Map<string, string>();
  const taken: Record<"js" | "css", string[]> = { js: [], css: [] };
  const take =
    (kind: "js" | "css") =>
    (_: string, text: string): string => {
      taken[kind].push(text);
      return "";
    };
  const bare = html
    .replace(/<script>([\s\S]+?)<\/script>/g, take("js"))
    .replace(/<style[^>]*>([\s\S]+?)<\/style>/g, take("css"));
  if (/<script(?![^>]*\ssrc=)/.test(bare)) throw new Error("an inline script of a kind that was never seen");
  const save = (texts: readonly string[], kind: "js" | "css"): string => {
    const text = texts.join("\n");
    const name = `inline.${createHash("sha256").update(text).digest("hex").slice(0, 8)}.${kind}`;
    files.set(name, text);
    return `/_astro/${name}`;
  };
  const links = [
    ...(taken.css.length > 0 ? [`<link rel="stylesheet" href="${save(taken.css, "css")}">`] : []),
    ...(taken.js.length > 0 ? [`<script defer src="${save(taken.js, "js")}"></script>`] : []),
  ];
  return { html: bare.replace("</head>", `${links.join("")}</head>`), files };
}
