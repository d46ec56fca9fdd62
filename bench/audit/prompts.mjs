// Writes prompts that audits are measured with, as frames of the wire, one a line:
// `node prompts.mjs MODEL_ID COUNT [cut]`.
//
// Each has a piece of this repository before its question, and each way of sampling, or those in SAMPLINGS. With `cut`, the
// first half of what the user says is missing: what a node would compute that saves itself the reading.
// They are raw prompts, rendered here, so that every runtime gets the same text; both models speak ChatML.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [model, count, cut] = process.argv.slice(2);
const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

const QUESTIONS = [
  "Explain in a few sentences what this is for.",
  "List what could go wrong here, and what happens then.",
  "Write a short test for this in Python.",
  "Rewrite this for a reader who has never programmed.",
  "Which names in this text are the most important, and what do they mean?",
  "Continue this text with one more paragraph in the same style.",
  "Kerro suomeksi lyhyesti, mistä tässä on kyse.",
  "Summarise this as a list of five points.",
  "Write a function in JavaScript that does something related to this, with a comment.",
  "What would you change in this, and why?",
  "Write a commit message for a change to this text.",
  "Ask three questions that somebody should answer before using this.",
];

const SAMPLINGS = {
  greedy: { temperature: 0, top_k: 0, top_p: 1, min_p: 0, repeat_penalty: 1.05 },
  // The product's own defaults.
  nucleus: { temperature: 0.7, top_k: 20, top_p: 0.8, min_p: 0, repeat_penalty: 1.05 },
  // Nothing is impossible.
  open: { temperature: 1, top_k: 0, top_p: 1, min_p: 0, repeat_penalty: 1 },
};
const wanted = (process.env.SAMPLINGS ?? Object.keys(SAMPLINGS).join(" ")).split(" ");
const MOST_TOKENS = 64;
const PIECE = 400;

const folders = { docs: ".md", "scheduler/src": ".rs", "pipeline/src": ".rs", "hub/src/nodes": ".rs", "engine/src": ".rs" };
const files = Object.entries(folders).flatMap(([folder, ending]) =>
  readdirSync(join(root, folder)).filter((name) => name.endsWith(ending)).sort().map((name) => readFileSync(join(root, folder, name), "utf8")),
);
const pieces = files.flatMap((text) => Array.from({ length: Math.floor(text.length / PIECE) }, (_, at) => text.slice(at * PIECE, (at + 1) * PIECE)));

for (let number = 0; number < Number(count); number++) {
  // A prime, so that pieces and questions meet in ever new ways.
  const piece = pieces[(number * 37) % pieces.length];
  const said = `${piece}\n\n${QUESTIONS[number % QUESTIONS.length]}`;
  const read = cut === "cut" ? said.slice(said.length / 2) : said;
  const prompt =
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n" +
    `<|im_start|>user\n${read}<|im_end|>\n<|im_start|>assistant\n`;
  for (const [name, sampling] of Object.entries(SAMPLINGS)) {
    if (!wanted.includes(name)) continue;
    const task_id = `${name}-${number}`;
    console.log(JSON.stringify({ type: "llm_prompt", task_id, model, prompt, sampling: { ...sampling, seed: number, max_tokens: MOST_TOKENS } }));
  }
}
