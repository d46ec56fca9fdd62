// Measures Kipinä's engine and its peers by turns, in one page of a Chromium without a window.
//
// usage: node measure.mjs WASM_FOLDER PEERS_FOLDER LLAMA_MJS RESULTS.md [MODEL_ID MODEL_FILE]...
// THREADS, RUNS, PROMPT_TOKENS and PARTS are explained in bench/browser.sh.

import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { Chromium, pause } from "../support/chromium.mjs";
import { loadAverage, record } from "../support/figures.mjs";
import { becomesQuiet } from "../support/quiet.mjs";
import { section } from "./report.mjs";
import { serve } from "./server.mjs";

const [wasm, peers, llama, resultsFile, ...modelArguments] = process.argv.slice(2);
const models = [];
for (let at = 0; at < modelArguments.length; at += 2) models.push({ id: modelArguments[at], file: modelArguments[at + 1] });

const threads = Number(process.env.THREADS);
const runs = Number(process.env.RUNS);
const parts = new Set(process.env.PARTS.split(" "));
const unknown = [...parts].filter((part) => !["beside", "native", "single", "long", "turns", "memory"].includes(part));
if (unknown.length > 0) throw new Error(`PARTS has no ${unknown.join(", ")}`);
const loadAtStart = loadAverage();
const begun = { quiet: 0, all: 0 };

const DECODE = "128+64";
const PROMPT = `${process.env.PROMPT_TOKENS}+1`;
const LONG = "2000+64";
const TURNS = "800+64+20";
/** Nearly all of the context of 4 096. */
const FULL = "3968+64";

/** A page without an engine has less than this; it takes two seconds to end one's threads. */
const EMPTY_MEGABYTES = 150;
const LONGEST_EMPTYING_MS = 20_000;

const here = dirname(fileURLToPath(import.meta.url));
const wllamaFolder = join(peers, "node_modules/@wllama/wllama");
const server = await serve({
  "/": join(here, "page"),
  "/wasm/": wasm,
  "/wllama/": join(wllamaFolder, "esm"),
  "/models/": dirname(models[0].file),
});
const chromium = await Chromium.headless();

async function open() {
  const tab = await chromium.openTab(server.url);
  await tab.until(`globalThis.bench !== undefined && crossOriginIsolated`);
  return tab;
}

/** What the page's `bench[name](options)` comes to, once whatever was in memory before is gone. */
async function inPage(tab, name, options) {
  const began = performance.now();
  while (chromium.pageMegabytes() > EMPTY_MEGABYTES) {
    if (performance.now() - began > LONGEST_EMPTYING_MS) throw new Error(`the page still holds ${chromium.pageMegabytes()} MB`);
    await pause(200);
  }
  await begin();
  const result = await tab.evaluate(`bench.${name}(${JSON.stringify(options)})`);
  console.error(name, JSON.stringify({ ...options, ...result }));
  return result;
}

async function begin() {
  begun.all += 1;
  if (await becomesQuiet()) begun.quiet += 1;
  else console.error("the machine does not become quiet");
}

async function natively(file) {
  await begin();
  const result = JSON.parse(execFileSync("node", [llama, file, String(threads), DECODE], { stdio: ["ignore", "pipe", "ignore"] }));
  console.error("natively", JSON.stringify(result));
  return result;
}

/** One run of one model; `main` is the model of which everything is measured, not only what has a peer. */
async function measureModel(tab, { file }, main) {
  const wanted = { beside: [PROMPT, DECODE], native: [DECODE], ...(main && { long: [LONG, DECODE], turns: [TURNS] }) };
  const measurements = [...new Set([...parts].flatMap((part) => wanted[part] ?? []))];
  const run = {};
  if (measurements.length > 0) run.kipina = await inPage(tab, "kipina", { build: "threads", threads, measurements });
  if (parts.has("beside")) run.wllama = await inPage(tab, "wllama", { threads, measurements: [PROMPT, DECODE] });
  if (parts.has("native")) run.native = await natively(file);
  if (main && parts.has("single")) {
    run.kipinaSingle = await inPage(tab, "kipina", { build: "plain", threads: 1, measurements: [DECODE] });
    run.wllamaSingle = await inPage(tab, "wllama", { threads: 1, measurements: [DECODE] });
  }
  return run;
}

/** The most memory while a stored model is loaded and answers a prompt that fills its context, in a page that did nothing else. */
async function measureMemory() {
  const tab = await open();
  const options = { build: "threads", threads, measurements: [FULL] };
  const { most } = await chromium.peakMegabytes(() => inPage(tab, "kipina", options));
  console.error("memory", most);
  await tab.close();
  return most;
}

try {
  const results = models.map(({ id, file }) => ({ id, megabytes: statSync(file).size / 1e6, runs: [], memory: [] }));
  for (const [index, model] of models.entries()) {
    let tab = await open();
    await tab.evaluate(`bench.store(${JSON.stringify(`/models/${basename(model.file)}`)})`);
    await tab.close();
    tab = await open();
    for (let run = 1; run <= runs; run += 1) {
      console.error(`${model.id}, run ${run} of ${runs}`);
      results[index].runs.push(await measureModel(tab, model, index === 0));
    }
    await tab.close();
    if (index > 0 || !parts.has("memory")) continue;
    for (let run = 1; run <= runs; run += 1) results[index].memory.push(await measureMemory());
  }
  const packageOf = (folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const versions = {
    chromium: await chromium.version(),
    wllama: packageOf(wllamaFolder).version,
    native: packageOf(join(dirname(llama), "node_modules/node-llama-cpp")).version,
  };
  record(resultsFile, section({ results, versions, threads, loadAtStart, begun, names: { DECODE, PROMPT, LONG, TURNS, FULL } }));
} finally {
  await chromium.end();
  server.end();
}
