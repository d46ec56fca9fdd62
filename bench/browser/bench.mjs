// The measuring page in a Chromium without a window, with the engines and models that it loads.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { Chromium, pause } from "../support/chromium.mjs";
import { becomesQuiet } from "../support/quiet.mjs";
import { serve } from "./server.mjs";

/** A page without an engine has less than this. */
const EMPTY_MEGABYTES = 150;
const LONGEST_EMPTYING_MS = 20_000;

const here = dirname(fileURLToPath(import.meta.url));

export const packageOf = (folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

export class Bench {
  /** Of what was measured, and of that what began while nothing else computed. */
  begun = { quiet: 0, all: 0 };

  /** `wasm`, `peers`, `models`: folders; `flags`: Chromium's. */
  static async start({ wasm, peers, models, flags }) {
    const wllama = join(peers, "node_modules/@wllama/wllama");
    const server = await serve({
      "/": join(here, "page"),
      "/wasm/": wasm,
      "/wllama/": join(wllama, "esm"),
      "/models/": models,
    });
    const chromium = await Chromium.headless(flags);
    const versions = { chromium: await chromium.version(), wllama: packageOf(wllama).version };
    return Object.assign(new Bench(), { server, chromium, versions });
  }

  async open() {
    const tab = await this.chromium.openTab(this.server.url);
    await tab.until(`globalThis.bench !== undefined && crossOriginIsolated`);
    return tab;
  }

  /** Puts a file of the models' folder where `inPage` finds it. */
  async store(name) {
    const tab = await this.open();
    await tab.evaluate(`bench.store(${JSON.stringify(`/models/${name}`)})`);
    await tab.close();
  }

  /** What `bench[name](options)` comes to in a page that did nothing else, once whatever was in memory before is gone. */
  async inPage(name, options) {
    const tab = await this.open();
    try {
      await this.#becomesEmpty();
      await this.begin();
      const result = await tab.evaluate(`bench.${name}(${JSON.stringify(options)})`);
      console.error(name, JSON.stringify({ ...options, ...result }));
      return result;
    } finally {
      await tab.close();
    }
  }

  /** A closed page's process needs a moment to end. */
  async #becomesEmpty() {
    const began = performance.now();
    while (this.chromium.pageMegabytes() > EMPTY_MEGABYTES) {
      if (performance.now() - began > LONGEST_EMPTYING_MS) {
        throw new Error(`a page still holds ${this.chromium.pageMegabytes()} MB`);
      }
      await pause(200);
    }
  }

  async begin() {
    this.begun.all += 1;
    if (await becomesQuiet()) this.begun.quiet += 1;
    else console.error("the machine does not become quiet");
  }

  async end() {
    await this.chromium.end();
    this.server.end();
  }
}
