// Measures Kipinä's engine and its peers by turns, each in a page of its own in a Chromium without a window.
//
// usage: node measure.mjs WASM_FOLDER PEERS_FOLDER LLAMA_MJS RESULTS.md [MODEL_ID MODEL_FILE]...
// THREADS, RUNS, PROMPT_TOKENS, CHROMIUM_FLAGS and PARTS are explained in bench/browser.sh.

import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { loadAverage, record } from "../support/figures.mjs";
import { Bench, packageOf } from "./bench.mjs";
import { section } from "./report.mjs";

const [wasm, peers, llama, resultsFile, ...modelArguments] = process.argv.slice(2);
const models = [];
for (let at = 0; at < modelArguments.length; at += 2) models.push({ id: modelArguments[at], file: modelArguments[at + 1] });

const threads = Number(process.env.THREADS);
const runs = Number(process.env.RUNS);
const parts = new Set(process.env.PARTS.split(" "));
const unknown = [...parts].filter((part) => !["beside", "native", "single", "long", "turns", "memory"].includes(part));
if (unknown.length > 0) throw new Error(`PARTS has no ${unknown.join(", ")}`);
const loadAtStart = loadAverage();

const DECODE = "128+64";
const PROMPT = `${process.env.PROMPT_TOKENS}+1`;
const LONG = "2000+64";
const TURNS = "800+64+20";
/** Nearly all of the context of 4 096. */
const FULL = "3968+64";

const flags = process.env.CHROMIUM_FLAGS.split(" ").filter(Boolean);
const bench = await Bench.start({ wasm, peers, models: dirname(models[0].file), flags });

async function natively(file) {
  await bench.begin();
  const result = JSON.parse(execFileSync("node", [llama, file, String(threads), DECODE], { stdio: ["ignore", "pipe", "ignore"] }));
  console.error("natively", JSON.stringify(result));
  return result;
}

/** One run of one model; `main` is the model of which everything is measured, not only what has a peer. */
async function measureModel({ file }, main) {
  const wanted = { beside: [PROMPT, DECODE], native: [DECODE], ...(main && { long: [LONG, DECODE], turns: [TURNS] }) };
  const measurements = [...new Set([...parts].flatMap((part) => wanted[part] ?? []))];
  const run = {};
  if (measurements.length > 0) run.kipina = await bench.inPage("kipina", { build: "threads", threads, measurements });
  if (parts.has("beside")) run.wllama = await bench.inPage("wllama", { threads, measurements: [PROMPT, DECODE] });
  if (parts.has("native")) run.native = await natively(file);
  if (main && parts.has("single")) {
    run.kipinaSingle = await bench.inPage("kipina", { build: "plain", threads: 1, measurements: [DECODE] });
    run.wllamaSingle = await bench.inPage("wllama", { threads: 1, measurements: [DECODE] });
  }
  return run;
}

/** The most memory while a stored model is loaded and answers a prompt that fills its context. */
async function measureMemory() {
  const options = { build: "threads", threads, measurements: [FULL] };
  const { most } = await bench.chromium.peakMegabytes(() => bench.inPage("kipina", options));
  console.error("memory", most);
  return most;
}

const results = models.map(({ id, file }) => ({ id, megabytes: statSync(file).size / 1e6, runs: [], memory: [] }));

async function measureAll() {
  for (const [index, model] of models.entries()) {
    await bench.store(basename(model.file));
    for (let run = 1; run <= runs; run += 1) {
      console.error(`${model.id}, run ${run} of ${runs}`);
      results[index].runs.push(await measureModel(model, index === 0));
    }
    if (index > 0 || !parts.has("memory")) continue;
    for (let run = 1; run <= runs; run += 1) results[index].memory.push(await measureMemory());
  }
}

function report(failure) {
  const native = packageOf(join(dirname(llama), "node_modules/node-llama-cpp")).version;
  const versions = { ...bench.versions, native };
  const names = { DECODE, PROMPT, LONG, TURNS, FULL };
  record(resultsFile, section({ results, versions, flags, threads, loadAtStart, begun: bench.begun, names, failure }));
}

try {
  await measureAll();
  report();
} catch (error) {
  // An hour's runs are worth telling, also where a later one failed.
  if (results[0].runs.length > 0) report(error);
  throw error;
} finally {
  await bench.end();
}
