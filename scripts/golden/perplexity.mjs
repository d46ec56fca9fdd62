// How likely llama.cpp finds each token of a text, as a golden file: what the engine's perplexity is held against.
// Once with a model's own file, and once with its weights written out in f32, which computes the same model
// without rounding a single activation.
//
// The text is cut into windows of 512 tokens (the last may be shorter). Each is computed alone, from an empty
// cache and without a first token of the model's own; every token of it but the first is judged.
//
// usage: node perplexity.mjs MODEL.gguf MODEL-IN-F32.gguf TEXT OUTPUT.json

import fs from "node:fs";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const WINDOW = 512;

const [modelPath, exactPath, textPath, outputPath] = process.argv.slice(2);
if (outputPath == null) {
    console.error("usage: node perplexity.mjs MODEL.gguf MODEL-IN-F32.gguf TEXT OUTPUT.json");
    process.exit(2);
}

const llama = await getLlama({gpu: false, build: "never", skipDownload: true, logLevel: LlamaLogLevel.error});

/** Each window's tokens, and the natural logarithms of the probabilities of all of them but the first. */
async function judge(modelPath) {
    const model = await llama.loadModel({modelPath});
    const ids = model.tokenize(fs.readFileSync(textPath, "utf8"), true);
    const context = await model.createContext({
        contextSize: WINDOW,
        batchSize: WINDOW,
        // One thread computes the same numbers, and does not crawl where other programs run.
        threads: {ideal: 1, min: 1},
        flashAttention: false,
        experimentalKvCacheKeyType: "F16",
        experimentalKvCacheValueType: "F16",
    });
    const sequence = context.getSequence();
    const windows = [];
    for (let start = 0; start < ids.length; start += WINDOW) {
        const window = ids.slice(start, start + WINDOW);
        windows.push({ids: window, logProbabilities: await judgeWindow(sequence, window)});
    }
    await model.dispose();
    return windows;
}

async function judgeWindow(sequence, window) {
    await sequence.clearHistory();
    const ask = (target) => ({
        token: true,
        totalLogitWeight: true,
        logits: {filter: {tokens: [target], includeSelected: true}},
        // At temperature 0 the sampler leaves all logits as they are and selects the largest.
        options: {temperature: 0},
    });
    const last = window.length - 1;
    const input = window.map((id, at) => (at < last ? [id, {generateNext: ask(window[at + 1])}] : id));
    const outputs = await sequence.controlledEvaluate(input);
    return window.slice(1).map((target, at) => {
        // The weight is the sum of exp(logit - largest) over the whole vocabulary.
        const {token: likeliest, totalLogitWeight, logits} = outputs[at].next;
        return logits.get(target) - logits.get(likeliest) - Math.log(totalLogitWeight);
    });
}

function perplexity(windows) {
    const values = windows.flatMap(({logProbabilities}) => logProbabilities);
    const result = Math.exp(-values.reduce((sum, value) => sum + value, 0) / values.length);
    if (!Number.isFinite(result)) throw new Error("llama.cpp gave no logits for some token");
    return result.toFixed(4);
}

const rounded = (values) => values.map((value) => Number(value.toFixed(3)));

const own = await judge(modelPath);
const exact = await judge(exactPath);
const entries = own.map(({ids, logProbabilities}, at) => ({
    ids,
    log_probabilities: rounded(logProbabilities),
    exact_log_probabilities: rounded(exact[at].logProbabilities),
}));
// One window per line.
fs.writeFileSync(outputPath, "[\n" + entries.map((entry) => JSON.stringify(entry)).join(",\n") + "\n]\n");
console.log(`${outputPath}: perplexity ${perplexity(own)}, in f32 ${perplexity(exact)}`);
await llama.dispose();
