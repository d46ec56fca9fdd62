import svelte from "@astrojs/svelte";
import { defineConfig, passthroughImageService } from "astro/config";

import { externalInline } from "./integrations/external-inline";
import { serviceWorker } from "./integrations/service-worker";
import packageFile from "./package.json" with { type: "json" };

export default defineConfig({
  integrations: [svelte(), externalInline(), serviceWorker()],
  image: { service: passthroughImageService() },
  devToolbar: { enabled: false },
  build: { inlineStylesheets: "never" },
  vite: {
    // A data: URL would need a hole in the Content-Security-Policy.
    build: { assetsInlineLimit: 0 },
    // The worker imports the engine when it is needed, which only a module can.
    worker: { format: "es" },
    define: { "import.meta.env.PUBLIC_VERSION": JSON.stringify(packageFile.version) },
  },
});
