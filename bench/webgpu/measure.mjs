// Measures Kipinä's engine on WebGPU and wllama by turns, each in a page of its own in a Chromium without a
// window, and Kipinä's natively.
//
// usage: node measure.mjs WASM_FOLDER PEERS_FOLDER SPEED_PROGRAM RESULTS.md
// THREADS, PARTS and what `settings` reads are explained in bench/webgpu.sh.

import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";

import { Bench } from "../browser/bench.mjs";
import { loadAverage, record } from "../support/figures.mjs";
import { section } from "./report.mjs";

const [wasm, peers, speed, resultsFile] = process.argv.slice(2);
const threads = Number(process.env.THREADS);
const parts = new Set(process.env.PARTS.split(" "));
const unknown = [...parts].filter((part) => !["page", "native"].includes(part));
if (unknown.length > 0) throw new Error(`PARTS has no ${unknown.join(", ")}`);
const loadAtStart = loadAverage();

/** A processor that plays a GPU takes seconds for a token. */
function settings({ software }) {
  const { KIPINA_MODEL, RUNS, PROMPT_TOKENS, CONTEXT_TOKENS, DECODE_TOKENS } = process.env;
  const context = CONTEXT_TOKENS ?? (software ? 32 : 128);
  const decode = `${context}+${DECODE_TOKENS ?? (software ? 4 : 64)}`;
  const prompt = PROMPT_TOKENS ?? (software ? 32 : 512);
  return {
    model: KIPINA_MODEL ?? (software ? "smollm2:135m" : "qwen2.5-coder:0.5b"),
    runs: Number(RUNS ?? (software ? 1 : 3)),
    decode,
    // Whoever decodes after a prompt has computed it.
    prompt: Number(prompt) === Number(context) ? decode : `${prompt}+1`,
  };
}

/** How Chromium finds a GPU where it trusts no driver; the last of them is always there. */
const WAYS = [
  ["--enable-features=Vulkan", "--ignore-gpu-blocklist"],
  ["--use-webgpu-adapter=swiftshader"],
];

/** A page on the first adapter that there is. */
async function startOnAdapter() {
  const models = process.env.MODELS_DIR ?? join(homedir(), ".cache/kipina/models");
  for (const way of WAYS) {
    const bench = await Bench.start({ wasm, peers, models, flags: ["--enable-unsafe-webgpu", ...way] });
    const tab = await bench.open();
    const adapter = await tab.evaluate("bench.adapter()");
    await tab.close();
    if (adapter !== null) return { bench, adapter };
    await bench.end();
  }
  throw new Error("Chromium has no WebGPU");
}

async function natively(bench, file, measurements) {
  await bench.begin();
  const output = execFileSync(speed, [file, "gpu", ...measurements], { stdio: ["ignore", "pipe", "inherit"] });
  console.error("natively", String(output).trim());
  return JSON.parse(output);
}

async function measureRun(bench, file, measurements) {
  const run = {};
  if (parts.has("page")) {
    run.kipina = await bench.inPage("kipina", { build: "threads", threads, compute: "gpu", measurements });
    run.wllama = await bench.inPage("wllama", { threads, compute: "gpu", measurements });
  }
  if (parts.has("native")) run.native = await natively(bench, file, measurements);
  return run;
}

const { bench, adapter } = await startOnAdapter();
try {
  const { model, runs, decode, prompt } = settings(adapter);
  const file = execFileSync("scripts/fetch-model.sh", [model], { stdio: ["ignore", "pipe", "inherit"] }).toString().trim();
  if (parts.has("page")) await bench.store(basename(file));
  const results = [];
  for (let run = 1; run <= runs; run += 1) {
    console.error(`${model} on ${adapter.name}, run ${run} of ${runs}`);
    results.push(await measureRun(bench, file, [...new Set([prompt, decode])]));
  }
  const { versions, begun } = bench;
  const asked = { model, threads, names: { decode, prompt }, fileBytes: statSync(file).size };
  record(resultsFile, section({ results, adapter, versions, begun, loadAtStart, asked }));
} finally {
  await bench.end();
}
