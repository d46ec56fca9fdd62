// The page's service worker: it keeps the page's own files, so that the page opens without a network, and the
// engine's, after they were used once. Prompts, statistics and models it never sees: only what is named here is
// taken from a cache.

import { stat, unlink } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import type { AstroIntegration } from "astro";
import { generateSW, type GenerateSWOptions } from "workbox-build";

/** Larger files are no part of a page. */
const LARGEST_BYTES = 4 * 1024 * 1024;

export function serviceWorker(): AstroIntegration {
  return {
    name: "service-worker",
    hooks: {
      // After the integrations that change the built files: their checksums are taken here.
      "astro:build:done": async ({ dir, logger }) => {
        const root = fileURLToPath(dir);
        const { count, size, warnings } = await generateSW(workerOptions(root));
        if (warnings.length > 0) throw new Error(warnings.join("\n"));
        await unlink(`${root}sw.js.map`).catch(() => undefined);
        const { size: own } = await stat(`${root}sw.js`);
        logger.info(
          `keeps ${count} files of ${Math.round(size / 1000)} kB; itself ${Math.round(own / 1000)} kB`,
        );
      },
    },
  };
}

export function workerOptions(root: string): GenerateSWOptions {
  return {
    globDirectory: root,
    swDest: `${root}sw.js`,
    mode: "production",
    sourcemap: false,
    // A script of its own would be one more file to go missing.
    inlineWorkboxRuntime: true,
    globPatterns: ["**/*.{html,js,css,svg,png,json,webmanifest,wasm,woff2}"],
    globIgnores: ["404.html", "sw.js", "wasm/**"],
    // Named by their content: asked for once.
    dontCacheBustURLsMatching: /^_astro\//,
    maximumFileSizeToCacheInBytes: LARGEST_BYTES,
    // `?model=…` and the like choose something on the same page.
    ignoreURLParametersMatching: [/^(model|threads|compute)$/],
    // A view's address without its last slash; what else is unknown is the hub's to answer.
    navigateFallback: "/index.html",
    navigateFallbackAllowlist: [/^\/(projects|network|compute|guide|settings|admin)$/],
    cleanupOutdatedCaches: true,
    // A first visit is served from then on; a new version waits until a person takes it.
    clientsClaim: true,
    skipWaiting: false,
    runtimeCaching: [
      {
        // The engine's files have no checksum in their names: the hub is asked each time whether they are still
        // the same. Headers are kept with them, without which threads would be lost offline.
        urlPattern: ({ sameOrigin, url }) => sameOrigin && url.pathname.startsWith("/wasm/"),
        handler: "NetworkFirst",
        options: {
          cacheName: "kipina-engine",
          cacheableResponse: { statuses: [200] },
          expiration: { maxEntries: 24, purgeOnQuotaError: true },
        },
      },
    ],
  };
}
