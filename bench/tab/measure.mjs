// usage: node measure.mjs KIPINA_HUB RESULTS.md MODEL_ID RUNS

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

import { Chromium, pause } from "../support/chromium.mjs";
import { loadAverage, machine, median, record, table, today } from "../support/figures.mjs";

const [program, resultsFile, model, runs] = process.argv.slice(2);
const count = Number(runs);
const GRACE_SECONDS = 10;

const loadAtStart = loadAverage();

async function startHub() {
  const folder = mkdtempSync(join(tmpdir(), "kipina-bench-hub-"));
  const models = process.env.MODELS_DIR ?? join(homedir(), ".cache/kipina/models");
  const environment = { ...process.env, PORT: "0", LC_ALL: "C.UTF-8", DATABASE_PATH: join(folder, "kipina.sqlite"), MODELS_DIR: models };
  const child = spawn(program, [], { env: environment, stdio: ["ignore", "pipe", "ignore"] });
  const url = await new Promise((resolve, reject) => {
    child.stdout.on("data", (text) => resolve(/http:\/\/\S+/.exec(text)[0]));
    child.once("exit", () => reject(new Error("the hub ended")));
  });
  const listed = await (await fetch(`${url}/api/models`)).json();
  const { file, bytes } = listed.models.find(({ id }) => id === model);
  const end = () => {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, megabytes: (bytes ?? statSync(join(models, file)).size) / 1e6, end };
}

let asked = 0;
/** A prompt that nobody has seen before, and 128 tokens of answer. */
async function ask(url) {
  asked += 1;
  const content = `Write a long story about the number ${asked}. ${"Mention trees and rivers. ".repeat(22)}`;
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, max_tokens: 128, temperature: 0, messages: [{ role: "user", content }] }),
  });
  const body = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(body));
  return { decode: body.kipina.tokens_per_second, firstMs: body.kipina.first_token_ms, prompt: body.usage.prompt_tokens };
}

/** Medians over some prompts. */
async function speed(url) {
  const answers = [];
  for (let run = 0; run < count; run += 1) answers.push(await ask(url));
  return { decode: median(answers.map((a) => a.decode)), firstMs: median(answers.map((a) => a.firstMs)), prompt: answers[0].prompt };
}

async function firstToken(url) {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, max_tokens: 1, messages: [{ role: "user", content: "Hei" }] }),
  });
  if (!response.ok) throw new Error(await response.text());
}

const hub = await startHub();
const chromium = await Chromium.withWindow({ grace: GRACE_SECONDS });
try {
  const address = `${hub.url}/compute/?model=${model}`;
  const open = async () => {
    const tab = await chromium.openTab(address);
    await tab.bringToFront();
    await tab.until(`document.querySelector("fieldset li") !== null`);
    return tab;
  };
  const startTab = async (tab) => {
    const began = performance.now();
    await tab.press("Alusta");
    await tab.shows("valmis");
    await firstToken(hub.url);
    return performance.now() - began;
  };

  let tab = await open();
  const fetched = await chromium.peakMegabytes(() => startTab(tab));
  const fromDisk = [];
  for (let run = 0; run < count; run += 1) {
    await tab.close();
    await pause(3000);
    tab = await open();
    fromDisk.push(await chromium.peakMegabytes(() => startTab(tab)));
  }
  const reloaded = await chromium.peakMegabytes(async () => {
    await tab.send("Page.reload");
    await pause(500);
    await tab.shows("valmis");
    await firstToken(hub.url);
  });

  const visible = await chromium.peakMegabytes(() => speed(hub.url));
  const front = await chromium.openTab("about:blank");
  await front.bringToFront();
  await pause(1000);
  const hiddenState = await tab.evaluate("document.visibilityState");
  const hidden = await speed(hub.url);
  await pause((GRACE_SECONDS + 5) * 1000);
  const timers = await tab.evaluate(`(async () => { const began = performance.now(); await new Promise((done) => setTimeout(done, 50)); await new Promise((done) => setTimeout(done, 50)); return performance.now() - began; })()`);
  const longHidden = await speed(hub.url);
  await tab.bringToFront();
  await pause(1000);
  const visibleAgain = await speed(hub.url);

  const times = (megabytes) => `${megabytes.toFixed(0)} MB (${(megabytes / hub.megabytes).toFixed(2)} × the file)`;
  const row = (name, { decode, firstMs }) => [name, decode.toFixed(1), `${firstMs.toFixed(0)} ms`];
  record(resultsFile, `
## ${today()}: a tab that computes

${model} in Chromium with a window, ${machine()}, as many threads as the page chooses;
${count} prompts of ${visible.result.prompt} tokens each, 128 decoded; medians. Load average when it began ${loadAtStart}.

${table(["", "decode, tokens per second", "first token"], [
    row("in front", visible.result),
    row(`${hiddenState}, just now`, hidden),
    row(`${hiddenState} for so long that the page's own timers of 50 ms take ${(timers / 2).toFixed(0)} ms`, longHidden),
    row("in front again", visibleAgain),
  ])}

From the click to the first token: ${(fetched.result / 1000).toFixed(1)} s with the model from the hub, ${(median(fromDisk.map(({ result }) => result)) / 1000).toFixed(1)} s from disk
(${fromDisk.map(({ result }) => (result / 1000).toFixed(1)).join(", ")}). Memory of the page's process, at most: ${times(fetched.most)} while the
model came from the hub, ${times(median(fromDisk.map(({ most }) => most)))} from disk, ${times(reloaded.most)} over a reload,
${times(visible.most)} while it answered.
`);
} finally {
  await chromium.end();
  hub.end();
}
