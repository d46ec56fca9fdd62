// Astro writes the loader of its islands into each page as inline scripts, which a strict Content-Security-Policy
// refuses. None of them minds where it stands, so after the build one deferred file has them all: nothing in the page
// waits for it.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import type { AstroIntegration } from "astro";

export function externalScripts(): AstroIntegration {
  return {
    name: "external-scripts",
    hooks: {
      "astro:build:done": async ({ dir }) => {
        const root = fileURLToPath(dir);
        const pages = (await readdir(root, { recursive: true })).filter((name) => name.endsWith(".html"));
        await mkdir(`${root}_astro`, { recursive: true });
        for (const page of pages) {
          const { html, file } = extractScripts(await readFile(root + page, "utf8"));
          await writeFile(root + page, html);
          if (file !== null) await writeFile(root + file.path, file.text);
        }
      },
    },
  };
}

export interface ExtractedPage {
  html: string;
  /** The page's own code, and where it goes; null where there is none. */
  file: { path: string; text: string } | null;
}

/** The page without inline code. */
export function extractScripts(html: string): ExtractedPage {
  const taken: string[] = [];
  const bare = html.replace(/<script>([\s\S]+?)<\/script>/g, (_, text: string) => {
    taken.push(text);
    return "";
  });
  if (/<script(?![^>]*\ssrc=)/.test(bare)) throw new Error("an inline script of a kind that was never seen");
  if (taken.length === 0) return { html, file: null };
  const text = taken.join("\n");
  const path = `_astro/inline.${createHash("sha256").update(text).digest("hex").slice(0, 8)}.js`;
  return {
    html: bare.replace("</head>", `<script defer src="/${path}"></script></head>`),
    file: { path, text },
  };
}
