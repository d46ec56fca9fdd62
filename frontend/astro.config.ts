import svelte from "@astrojs/svelte";
import { defineConfig, passthroughImageService } from "astro/config";

import { externalScripts } from "./integrations/external-scripts";
import { frameStyles } from "./integrations/frame-styles";
import { preload } from "./integrations/preload";
import { serviceWorker } from "./integrations/service-worker";
import packageFile from "./package.json" with { type: "json" };

const viewModules = {
  "index.html": "terminal/StudioView.svelte",
  "projects/index.html": "projects/ProjectsView.svelte",
  "network/index.html": "network/NetworkView.svelte",
  "compute/index.html": "compute/ComputeView.svelte",
  "guide/index.html": "guide/GuideView.svelte",
  "settings/index.html": "settings/SettingsView.svelte",
};

export default defineConfig({
  // The order matters: each takes what those before it have written, and the service worker's list has the checksums.
  integrations: [svelte(), externalScripts(), frameStyles(), preload(viewModules), serviceWorker()],
  image: { service: passthroughImageService() },
  devToolbar: { enabled: false },
  build: { inlineStylesheets: "never" },
  vite: {
    // A data: URL would need a hole in the Content-Security-Policy.
    build: {
      assetsInlineLimit: 0,
      rollupOptions: {
        output: {
          // One piece instead of five: all of it is needed by the frame, or nearly.
          manualChunks: (id) =>
            /node_modules\/(svelte|clsx|esm-env|@astrojs\/svelte)\//.test(id) ? "svelte" : undefined,
        },
      },
    },
    // The worker imports the engine when it is needed, which only a module can.
    worker: { format: "es" },
    define: { "import.meta.env.PUBLIC_VERSION": JSON.stringify(packageFile.version) },
  },
});
