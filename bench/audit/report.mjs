// What the margins say: `node report.mjs FOLDER RESULTS.md`. The folder has a file of audit results for each
// runtime and fraud, `MODEL+KIND+NAME.jsonl`, KIND being `honest` or `fraud`.
//
// Pools are drawn as the hub fills them: whole answers, until there are 300 tokens. How often a pool lies above
// the threshold is counted over many; how sure that is, by drawing from as many answers drawn from the answers.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { machine, record, table, today } from "../support/figures.mjs";

const [folder, resultsFile] = process.argv.slice(2);
const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

const POOL_TOKENS = 300;
const CLIP = 1;
const POOLS = 20_000;
const RESAMPLES = 200;
const POOLS_OF_A_RESAMPLE = 2_000;
const SAMPLINGS = ["greedy", "nucleus", "open"];

/** Its own generator, so that the same margins give the same figures. */
let state = 0x9e3779b9;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

const draw = (list) => list[Math.floor(random() * list.length)];

/** An answer is the sum of its clipped margins, and how many they are. */
function answersOf(file, sampling) {
  const lines = readFileSync(join(folder, file), "utf8").trim().split("\n").map((line) => JSON.parse(line));
  return lines
    .filter(({ task_id, sampling_margins }) => task_id.startsWith(`${sampling}-`) && sampling_margins.length > 0)
    .map(({ sampling_margins }) => ({
      tokens: sampling_margins.length,
      sum: sampling_margins.reduce((sum, margin) => sum + Math.min(margin, CLIP), 0),
    }));
}

function pool(answers) {
  let tokens = 0;
  let sum = 0;
  while (tokens < POOL_TOKENS) {
    const answer = draw(answers);
    tokens += answer.tokens;
    sum += answer.sum;
  }
  return sum / tokens;
}

const pools = (answers, count) => Float64Array.from({ length: count }, () => pool(answers)).sort();
const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
const shareAbove = (sorted, threshold) => {
  const first = sorted.findIndex((mean) => mean > threshold);
  return first < 0 ? 0 : 1 - first / sorted.length;
};

/** The middle 95 % of what the share would have been with other answers of the same kind. */
function interval(answers, threshold) {
  const shares = Float64Array.from({ length: RESAMPLES }, () => {
    const others = answers.map(() => draw(answers));
    return shareAbove(pools(others, POOLS_OF_A_RESAMPLE), threshold);
  }).sort();
  return [quantile(shares, 0.025), quantile(shares, 0.975)];
}

/** As the hub has them. */
function thresholds() {
  const source = readFileSync(join(root, "scheduler/src/audit/thresholds.rs"), "utf8");
  const values = new Map([...source.matchAll(/const (\w+): f32 = ([\d.]+);/g)].map(([, name, value]) => [name, Number(value)]));
  const rows = source.matchAll(/\(Runtime::Engine, Runtime::(\w+), Sampled::(\w+), (\w+)\)/g);
  return new Map([...rows].map(([, audited, sampled, name]) => [`${audited} ${sampled.toLowerCase()}`, values.get(name)]));
}

/** Which rows of the table a node of this name is judged by: of its runtime, and of whether it told its tokens. */
function rowOf(name, sampling) {
  const [who, untold] = name.split(", ");
  const runtimes = { engine: "Engine", "llama.cpp": "Other" };
  // A fraud says that it is what is judged most mildly.
  const runtime = runtimes[who] ?? (who === "tab" || untold === undefined ? "Tab" : "Other");
  return { runtime, sampled: sampling === "greedy" || untold !== undefined ? sampling : "seeded" };
}

const limits = thresholds();
const percent = (share) => `${(share * 100).toFixed(2)} %`;
const rows = readdirSync(folder)
  .filter((file) => file.endsWith(".jsonl"))
  .sort()
  .flatMap((file) => {
    const [model, kind, ...name] = file.slice(0, -".jsonl".length).split("+");
    return SAMPLINGS.map((sampling) => ({ model, kind, name: name.join("+"), sampling, answers: answersOf(file, sampling) }));
  })
  .filter(({ answers }) => answers.length > 0);

const lines = rows.map(({ model, kind, name, sampling, answers }) => {
  const { runtime, sampled } = rowOf(name, sampling);
  const threshold = limits.get(`${runtime} ${sampled}`);
  const sorted = pools(answers, POOLS);
  const tokens = answers.reduce((sum, answer) => sum + answer.tokens, 0);
  const mean = answers.reduce((sum, answer) => sum + answer.sum, 0) / tokens;
  const [least, most] = interval(answers, threshold);
  const tail = kind === "honest" ? quantile(sorted, 0.999) : quantile(sorted, 0.01);
  const above = `${percent(shareAbove(sorted, threshold))} (${percent(least)}–${percent(most)})`;
  return [model, kind, name, sampling === sampled ? sampling : `${sampling}, ${sampled}`, `${answers.length} / ${tokens}`, mean.toFixed(4), tail.toFixed(4), threshold, above];
});

record(
  resultsFile,
  `
## ${today()}: audits

\`bench/audit.sh\`, ${machine()}. The native engine judges. Means are of margins below what sampling
allows, clipped at ${CLIP} logit, or where it is seeded, of how far the draw was, as a share of the probability; pools are whole answers until ${POOL_TOKENS} tokens, ${POOLS} drawn. The tail is what 999 of 1 000 honest pools
stay below, and 99 of 100 frauds' exceed. In brackets, 95 % of ${RESAMPLES} redrawn sets of answers.

${table(["model", "", "who", "sampling", "answers / tokens", "mean", "tail", "threshold", "pools above it"], lines)}
`,
);
