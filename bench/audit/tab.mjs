// A tab of Chromium as a node of the hub at an address: `node tab.mjs WASM_FOLDER MODEL_FILE MODEL_ID THREADS HUB_URL`.
// Computes until it is told to end.

import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { serve } from "../browser/server.mjs";
import { Chromium } from "../support/chromium.mjs";

const [wasm, model, modelId, threads, hubUrl] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const server = await serve({ "/": join(here, "page"), "/wasm/": wasm, "/models/": dirname(model) });
const chromium = await Chromium.headless();
try {
  const tab = await chromium.openTab(server.url);
  await tab.until(`globalThis.bench !== undefined && crossOriginIsolated`);
  await tab.evaluate(`bench.store(${JSON.stringify(`/models/${basename(model)}`)})`);
  const connection = {
    hubUrl,
    name: "tab",
    modelId,
    digest: "",
    webgpu: null,
    owner: "an-owner-of-no-consequence",
    onlyOwn: false,
    paused: false,
    tabHidden: false,
  };
  const settings = { build: "threads", threads: Number(threads), contextLength: 2048, connection };
  await tab.evaluate(`bench.join(${JSON.stringify(settings)})`);
  await new Promise((resolve) => process.once("SIGTERM", resolve));
} finally {
  await chromium.end();
  server.end();
}
