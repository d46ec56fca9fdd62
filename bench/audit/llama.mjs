// Answers prompts with llama.cpp, several at a time: `node llama.mjs MODEL THREADS < llm_prompts > audit_prompts`.

import { readFileSync } from "node:fs";

import { getLlama, LlamaLogLevel } from "node-llama-cpp";

const [modelPath, threads] = process.argv.slice(2);
const prompts = readFileSync(0, "utf8").trim().split("\n").map((line) => JSON.parse(line));

const AT_A_TIME = 4;
const CONTEXT = 1536;
/** How far back the penalty looks, as the engine does. */
const PENALISED = 64;

const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, maxThreads: 0, logLevel: LlamaLogLevel.error });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ sequences: AT_A_TIME, contextSize: CONTEXT, batchSize: 512, threads: Number(threads) });

async function answer(sequence, { sampling, prompt }) {
  const tokens = model.tokenize(prompt, true);
  const all = [...tokens];
  await sequence.clearHistory();
  const stream = sequence.evaluate(tokens, {
    temperature: sampling.temperature,
    topK: sampling.top_k,
    topP: sampling.top_p,
    minP: sampling.min_p,
    seed: sampling.seed,
    yieldEogToken: true,
    repeatPenalty: { punishTokens: () => all.slice(-PENALISED), maxPunishTokens: PENALISED, penalty: sampling.repeat_penalty },
  });
  const given = [];
  let finish_reason = "length";
  for await (const token of stream) {
    if (model.isEogToken(token)) {
      finish_reason = "stop";
      break;
    }
    given.push(token);
    all.push(token);
    if (given.length >= sampling.max_tokens) break;
  }
  return { answer: model.detokenize(given), finish_reason };
}

const waiting = prompts.entries();
const work = async () => {
  const sequence = context.getSequence();
  for (const [, prompt] of waiting) {
    const answered = await answer(sequence, prompt);
    console.log(JSON.stringify({ ...prompt, type: "audit_prompt", ...answered }));
  }
};
await Promise.all(Array.from({ length: AT_A_TIME }, work));
await llama.dispose();
