// Measures llama.cpp on one model: `node llama.mjs MODEL THREADS MEASUREMENT...` prints one JSON line, of the same
// measurements and in the same form as engine/examples/speed.rs, with llama.cpp's own clock beside ours.

import fs from "node:fs";
import {performance} from "node:perf_hooks";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const [modelPath, threadCount, ...measurements] = process.argv.slice(2);
const threads = Number(threadCount);
if (!(threads > 0)) {
    console.error("usage: node llama.mjs MODEL THREADS MEASUREMENT...");
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

const loading = stopwatch();
const model = await llama.loadModel({modelPath});
const loadMs = loading();
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
const repeated = (count) => Array(count).fill(the);

const measured = {};
for (const name of measurements) measured[name] = await measure(name);

/** `PROMPT+DECODE`, or the second turn of such a conversation: `PROMPT+DECODE+MORE`. */
async function measure(name) {
    const [promptTokens, decodeTokens, more] = name.split("+").map(Number);
    const prompt = repeated(promptTokens);
    const first = await run(prompt, decodeTokens, false);
    if (more === undefined) return first.report;
    const second = [...prompt, ...first.answer, ...repeated(more)];
    const {report} = await run(second, decodeTokens, true);
    return {...report, without_cache: (await run(second, decodeTokens, false)).report};
}

/**
 * Timed from outside: what a program that uses node-llama-cpp gets. The prompt's last chunk gives the first
 * token as well; the others are decoding alone.
 */
async function run(prompt, decodeTokens, keepCache) {
    const total = stopwatch();
    if (keepCache) await sequence.adaptStateToTokens(prompt, false);
    else await sequence.clearHistory();
    const cachedTokens = sequence.nextTokenIndex;
    const tokens = sequence.evaluate(prompt.slice(cachedTokens), {temperature: 0, yieldEogToken: true});
    const answer = [(await tokens.next()).value];
    const prefillMs = total();
    await context.printTimings();
    const prefillOwn = ownTimings().prompt;

    const decoding = stopwatch();
    for (let i = 0; i < decodeTokens; i++) answer.push((await tokens.next()).value);
    const decodeMs = decoding();
    await context.printTimings();
    const decodeOwn = ownTimings().decode;
    await tokens.return();
    const report = {
        prompt_tokens: prompt.length,
        cached_tokens: cachedTokens,
        prefill_ms: prefillMs,
        prefill_own: prefillOwn,
        first_token_ms: prefillMs,
        decoded_tokens: decodeTokens,
        decode_ms: decodeMs,
        decode_own: decodeOwn,
    };
    return {report, answer};
}

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

function stopwatch() {
    const start = performance.now();
    return () => performance.now() - start;
}

const variant = /libggml-cpu-([a-z0-9]+)\.so/.exec(fs.existsSync("/proc/self/maps") ? fs.readFileSync("/proc/self/maps", "utf8") : "");
console.log(JSON.stringify({
    load_ms: loadMs,
    kernels: variant?.[1] ?? process.arch,
    threads: context.currentThreads || threads,
    release: llama.llamaCppRelease.release,
    measured,
}));
await llama.dispose();
