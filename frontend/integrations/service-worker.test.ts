import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { generateSW } from "workbox-build";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { workerOptions } from "./service-worker";

let root: string;

beforeAll(async () => {
  root = `${await mkdtemp(join(tmpdir(), "kipina-site-"))}/`;
  const files = ["index.html", "404.html", "guide/index.html", "_astro/a.12345678.js", "wasm/plain/node.js"];
  for (const file of files) {
    await mkdir(join(root, file, ".."), { recursive: true });
    await writeFile(root + file, file);
  }
});

afterAll(() => rm(root, { recursive: true }));

describe("the service worker", () => {
  it(
    "keeps the pages and their files, and not the engine or the page of what is missing",
    { timeout: 60_000 },
    async () => {
      const { count, warnings } = await generateSW(workerOptions(root));
      expect(warnings).toEqual([]);
      expect(count).toBe(3);
      const script = await readFile(`${root}sw.js`, "utf8");
      for (const kept of ["index.html", "guide/index.html", "_astro/a.12345678.js"])
        expect(script).toContain(`"${kept}"`);
      for (const left of ["404.html", "wasm/plain/node.js"]) expect(script).not.toContain(`"${left}"`);
    },
  );

  const [engine] = workerOptions("/").runtimeCaching ?? [];
  const takes = (path: string, sameOrigin = true): boolean => {
    const pattern = engine?.urlPattern;
    if (typeof pattern !== "function") throw new Error("no function");
    const url = new URL(path, "https://hub.test");
    const request = new Request(url);
    return Boolean(pattern({ url, sameOrigin, request, event: undefined as never }));
  };

  it("takes the engine from its cache", () => {
    expect(takes("/wasm/threads/node_bg.wasm")).toBe(true);
  });

  const scripts = ["/kipina-node", "/kipina-node.ps1", "/join.sh", "/download/SHA256SUMS"];

  it.each(scripts)("leaves %s to the hub, opened as a page too", (path) => {
    const views = workerOptions("/").navigateFallbackAllowlist ?? [];
    expect(views.length).toBeGreaterThan(0);
    expect(views.some((view) => view.test(path))).toBe(false);
  });

  it.each([
    "/v1/chat/completions",
    "/api/stats",
    "/api/stats/live",
    "/ws",
    "/models/m.gguf",
    "/",
    ...scripts,
  ])("never touches %s", (path) => {
    expect(takes(path)).toBe(false);
  });

  it("never touches another server's files", () => {
    expect(takes("/wasm/threads/node.js", false)).toBe(false);
  });

  it("answers for views that lack the last slash, and for nothing else unknown", () => {
    const allowed = workerOptions("/").navigateFallbackAllowlist ?? [];
    const answers = (path: string) => allowed.some((pattern) => pattern.test(path));
    expect(["/settings", "/guide"].map(answers)).toEqual([true, true]);
    expect(["/settings/x", "/nothing", "/kipina-node", "/join.sh", "/v1/models"].filter(answers)).toEqual([]);
  });
});
