// Measures llama.cpp on one model: `node llama.mjs MODEL THREADS PROMPT_TOKENS DECODE_TOKENS` prints one
// JSON line. What engine/examples/speed.rs measures, on the same prompt.

import fs from "node:fs";
import {performance} from "node:perf_hooks";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const [modelPath, ...numbers] = process.argv.slice(2);
const [threads, promptTokens, decodeTokens] = numbers.map(Number);
if (!(threads > 0 && promptTokens > 0 && decodeTokens > 0)) {
    console.error("usage: node llama.mjs MODEL THREADS PROMPT_TOKENS DECODE_TOKENS");
    process.exit(2);
}

let log = "";
const llama = await getLlama({
    gpu: false,
    build: "never",
    skipDownload: true,
    maxThreads: 0, // as many as the context asks for
    logLevel: LlamaLogLevel.info,
    logger: (_level, message) => (log += message + "\n"),
});

let start = performance.now();
const elapsed = () => performance.now() - start;
const model = await llama.loadModel({modelPath});
const loadMs = elapsed();
const context = await model.createContext({
    contextSize: 4096,
    batchSize: 512,
    threads,
    flashAttention: false,
    performanceTracking: true,
});
const sequence = context.getSequence();

const [the, ...rest] = model.tokenize(" the", true);
if (rest.length > 0) throw new Error("' the' is more than one token");

// Timed from outside: what a program that uses node-llama-cpp gets. The prompt's last chunk gives the first
// token as well; the others are decoding alone.
start = performance.now();
const tokens = sequence.evaluate(Array(promptTokens).fill(the), {temperature: 0, yieldEogToken: true});
let last = (await tokens.next()).value;
const prefillMs = elapsed();
await context.printTimings();
const prefillOwn = ownTimings().prompt;

start = performance.now();
for (let i = 0; i < decodeTokens; i++) last = (await tokens.next()).value;
const decodeMs = elapsed();
await context.printTimings();
const decodeOwn = ownTimings().decode;

/** llama.cpp's own clock around its computing: no JavaScript and no sampling in it. */
function ownTimings() {
    const read = (name) => {
        const line = [...log.matchAll(new RegExp(`${name} time =\\s+([0-9.]+) ms /\\s+([0-9]+) (?:tokens|runs)`, "g"))].at(-1);
        return line && {ms: Number(line[1]), tokens: Number(line[2])};
    };
    const timings = {prompt: read("prompt eval"), decode: read("(?<!prompt )eval")};
    log = "";
    return timings;
}

const variant = /libggml-cpu-([a-z0-9]+)\.so/.exec(fs.existsSync("/proc/self/maps") ? fs.readFileSync("/proc/self/maps", "utf8") : "");
console.log(JSON.stringify({
    load_ms: loadMs,
    prefill_tokens: promptTokens,
    prefill_ms: prefillMs,
    prefill_own: prefillOwn,
    decode_tokens: decodeTokens,
    decode_ms: decodeMs,
    decode_own: decodeOwn,
    kernels: variant?.[1] ?? process.arch,
    threads: context.currentThreads || threads,
    release: llama.llamaCppRelease.release,
}));
await llama.dispose();
