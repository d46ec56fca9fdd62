// A page's scripts import each other, and a browser that finds out one by one waits for each. The built pages name
// them all: those of the island, and those of the view that the address shows.

import { readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import type { AstroIntegration } from "astro";
import type { Plugin } from "vite";

export interface BuiltScript {
  /** As in `_astro/Shell.12345678.js`. */
  file: string;
  /** The paths of the modules in it. */
  modules: readonly string[];
  imports: readonly string[];
  styles: readonly string[];
}

/** `viewModules`: by page, as in `guide/index.html`, the end of the path of its view's component. */
export function preload(viewModules: Readonly<Record<string, string>>): AstroIntegration {
  const built: BuiltScript[] = [];
  const collect: Plugin = {
    name: "collect-scripts",
    generateBundle(_, bundle) {
      for (const output of Object.values(bundle)) {
        if (output.type !== "chunk" || !output.fileName.startsWith("_astro/")) continue;
        built.push({
          file: output.fileName,
          modules: output.moduleIds,
          imports: output.imports,
          styles: [...(output.viteMetadata?.importedCss ?? [])],
        });
      }
    },
  };
  return {
    name: "preload",
    hooks: {
      "astro:config:setup": ({ updateConfig }) => {
        updateConfig({ vite: { plugins: [collect] } });
      },
      "astro:build:done": async ({ dir }) => {
        const root = fileURLToPath(dir);
        const files = new Set(await readdir(root, { recursive: true }));
        // Astro takes away the scripts of pages that were nothing but styles.
        const left = built.filter(({ file }) => files.has(file));
        for (const page of files) {
          const view = viewModules[page];
          if (view === undefined) continue;
          await writeFile(root + page, withPreloads(await readFile(root + page, "utf8"), view, left));
        }
      },
    },
  };
}

export function withPreloads(html: string, view: string, built: readonly BuiltScript[]): string {
  const island = [...html.matchAll(/(?:component|renderer)-url="\/([^"]+)"/g)].map(([, file]) => file ?? "");
  const shown = built.find(({ modules }) => modules.some((module) => module.endsWith(view)));
  if (shown === undefined) throw new Error(`no script of ${view}`);
  const scripts = withImports([...island, shown.file], built);
  const styles = scripts.flatMap((script) => built.find(({ file }) => file === script)?.styles ?? []);
  const links = [
    ...scripts.map((file) => `<link rel="modulepreload" href="/${file}">`),
    ...[...new Set(styles)]
      // Those of the frame are in the page already.
      .filter((file) => !html.includes(`href="/${file}"`))
      .map((file) => `<link rel="preload" as="style" href="/${file}">`),
  ];
  return html.replace("</head>", `${links.join("")}</head>`);
}

function withImports(files: readonly string[], built: readonly BuiltScript[]): string[] {
  const found = new Set<string>();
  const add = (file: string): void => {
    const known = built.find((script) => script.file === file);
    if (known === undefined || found.has(file)) return;
    found.add(file);
    known.imports.forEach(add);
  };
  for (const file of files) add(file);
  return [...found];
}
