// A page waits for its stylesheets before anything is drawn, and Astro names those of all views in each page. What the
// page's own HTML can use becomes one small file, Astro's inline styles among it, which a strict Content-Security-Policy
// refuses; the rest comes with the scripts of the views, which ask for it.

import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import type { AstroIntegration } from "astro";
import postcss, { type Rule } from "postcss";

export function frameStyles(): AstroIntegration {
  return {
    name: "frame-styles",
    hooks: {
      "astro:build:done": async ({ dir }) => {
        const root = fileURLToPath(dir);
        const pages = (await readdir(root, { recursive: true })).filter((name) => name.endsWith(".html"));
        for (const page of pages) {
          const html = await readFile(root + page, "utf8");
          const css: string[] = [];
          for (const style of stylesOf(html)) {
            css.push("text" in style ? style.text : await readFile(root + style.path, "utf8"));
          }
          const used = usedStyles(css.join("\n"), html);
          const name = `_astro/frame.${createHash("sha256").update(used).digest("hex").slice(0, 8)}.css`;
          await writeFile(root + name, used);
          await writeFile(root + page, withStylesheet(html, `/${name}`));
        }
      },
    },
  };
}

const STYLE = /<link rel="stylesheet" href="([^"]+)">\s*|<style[^>]*>([\s\S]+?)<\/style>/g;

/** Linked and inline, in the page's order. */
export function stylesOf(html: string): ({ path: string } | { text: string })[] {
  return [...html.matchAll(STYLE)].map(([, path, text]) =>
    path === undefined ? { text: text ?? "" } : { path },
  );
}

/** The page with one stylesheet instead of its own. */
export function withStylesheet(html: string, path: string): string {
  return html.replace(STYLE, "").replace("</title>", `</title><link rel="stylesheet" href="${path}">`);
}

/** Svelte marks a component's elements and its rules with one class. */
const COMPONENT = /svelte-[a-z0-9]+/g;

/** The rules of no component, and of the components that are in the page. */
export function usedStyles(css: string, html: string): string {
  const present = new Set(html.match(COMPONENT));
  const isUsed = (name: string): boolean => (name.match(COMPONENT) ?? []).every((mark) => present.has(mark));
  const root = postcss.parse(css);
  root.walkAtRules("keyframes", (animation) => {
    if (!isUsed(animation.params)) animation.remove();
  });
  root.walkRules((rule: Rule) => {
    rule.selectors = rule.selectors.filter(isUsed);
    if (rule.selector === "") rule.remove();
  });
  root.walkAtRules((block) => {
    if (block.nodes?.length === 0) block.remove();
  });
  return root.toString();
}
