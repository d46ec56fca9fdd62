// Tokenises the texts and answers the conversations with llama.cpp, and writes both as golden files.
//
// usage: node make-golden.mjs MODEL.gguf OUTPUT_FOLDER

import fs from "node:fs";
import path from "node:path";
import {Template} from "@huggingface/jinja";
import {getLlama, LlamaLogLevel, readGgufFileInfo} from "node-llama-cpp";
import {conversations} from "./conversations.mjs";
import {texts} from "./texts.mjs";

const GOLDEN_ANSWERS = 12;
const ANSWER_TOKENS = 96;
/** Over how many tokens an answer must be steady. */
const STEADY_TOKENS = 48;

const [modelPath, outputFolder] = process.argv.slice(2);
if (outputFolder == null) {
    console.error("usage: node make-golden.mjs MODEL.gguf OUTPUT_FOLDER");
    process.exit(2);
}

const {metadata} = await readGgufFileInfo(modelPath, {sourceType: "filesystem", readTensorInfo: false});
const vocabulary = metadata.tokenizer.ggml;
const chatTemplate = new Template(metadata.tokenizer.chat_template);

const llama = await getLlama({gpu: false, build: "never", skipDownload: true, logLevel: LlamaLogLevel.error});
const model = await llama.loadModel({modelPath});

// Special tokens are parsed; node-llama-cpp adds neither a first nor a last token by itself.
const tokenise = (text) => model.tokenize(text, true);

function render(messages) {
    return chatTemplate.render({
        messages,
        add_generation_prompt: true,
        bos_token: vocabulary.tokens[vocabulary.bos_token_id],
        eos_token: vocabulary.tokens[vocabulary.eos_token_id],
    });
}

const newContext = (change = {}) => model.createContext({
    contextSize: 1024,
    batchSize: 512,
    // One thread computes the same numbers, and does not crawl where other programs run.
    threads: {ideal: 1, min: 1},
    flashAttention: false,
    experimentalKvCacheKeyType: "F16",
    experimentalKvCacheValueType: "F16",
    ...change,
});

/**
 * The reference in variants that are as right as itself: the same tokens in one batch, and with
 * roundings that another kernel might make.
 */
const VARIANTS = [
    {},
    {flashAttention: true},
    {experimentalKvCacheKeyType: "Q8_0"},
    {flashAttention: true, experimentalKvCacheKeyType: "Q8_0", experimentalKvCacheValueType: "Q8_0"},
];

/** The greedy continuation, without the token that ends it; `end_id` is that token, if it came. */
async function answer(promptIds, count) {
    const context = await newContext();
    const ids = [];
    let endId = null;
    const greedy = {temperature: 0, repeatPenalty: undefined, yieldEogToken: true};
    for await (const id of context.getSequence().evaluate(promptIds, greedy)) {
        if (model.isEogToken(id)) {
            endId = id;
            break;
        }
        ids.push(id);
        if (ids.length === count) break;
    }
    await context.dispose();
    return {ids, endId};
}

/** At how many places, over all variants, another token than the answer's is the likeliest. */
async function unsteadyPlaces(promptIds, answerIds) {
    const tokens = [...promptIds, ...answerIds];
    const first = promptIds.length - 1;
    const asked = tokens.map((id, index) =>
        index >= first && index < tokens.length - 1
            ? [id, {generateNext: {token: true, options: {temperature: 0}}}]
            : id
    );
    let unsteady = 0;
    for (const variant of VARIANTS) {
        const context = await newContext(variant);
        const results = await context.getSequence().controlledEvaluate(asked);
        await context.dispose();
        unsteady += answerIds.filter((id, index) => results[first + index].next.token !== id).length;
        // No use in knowing how unsteady exactly.
        if (unsteady > 2) break;
    }
    return unsteady;
}

/** One entry per line, so that a changed entry is one line of a diff. */
function write(name, entries) {
    const file = path.join(outputFolder, name);
    fs.writeFileSync(file, "[\n" + entries.map((entry) => JSON.stringify(entry)).join(",\n") + "\n]\n");
    console.log(`${file}: ${entries.length} entries`);
}

fs.mkdirSync(outputFolder, {recursive: true});
write("tokens.json", texts.map((text) => ({text, ids: tokenise(text)})));

const candidates = [];
for (const messages of conversations) {
    const prompt = render(messages);
    const promptIds = tokenise(prompt);
    const {ids} = await answer(promptIds, STEADY_TOKENS);
    const long = ids.length === STEADY_TOKENS;
    const unsteady = long ? await unsteadyPlaces(promptIds, ids) : Infinity;
    candidates.push({messages, prompt, promptIds, unsteady});
    console.log(`unsteady ${unsteady}: ${JSON.stringify(model.detokenize(ids).slice(0, 70))}`);
}
// Sorting is stable: of equals, the first.
const surest = candidates.sort((a, b) => a.unsteady - b.unsteady).slice(0, GOLDEN_ANSWERS);

const answers = [];
for (const {messages, prompt, promptIds, unsteady} of surest) {
    const {ids, endId} = await answer(promptIds, ANSWER_TOKENS);
    answers.push({messages, prompt, prompt_ids: promptIds, answer_ids: ids, end_id: endId, unsteady});
}
write("greedy.json", answers);
await llama.dispose();
