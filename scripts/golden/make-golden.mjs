// Tokenises the texts and answers the conversations with llama.cpp, and writes both as golden files.
//
// usage: node make-golden.mjs MODEL.gguf OUTPUT_FOLDER

import fs from "node:fs";
import path from "node:path";
import {Template} from "@huggingface/jinja";
import {getLlama, LlamaLogLevel, readGgufFileInfo} from "node-llama-cpp";
import {conversations} from "./conversations.mjs";
import {texts} from "./texts.mjs";

const GOLDEN_ANSWERS = 10;
const ANSWER_TOKENS = 96;
/** Over how many tokens an answer must be sure. */
const SURE_TOKENS = 48;

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

/**
 * The greedy continuation, without the token that ends it; `end_id` is that token, if it came. `lead` is how
 * far, at the closest call, the likeliest token's logit lay above the next one's. Ends early where the lead
 * falls below `leastLead`.
 */
async function answer(promptIds, count, leastLead) {
    const context = await model.createContext({
        contextSize: 1024,
        batchSize: 512,
        // One thread computes the same numbers, and does not crawl where other programs run.
        threads: {ideal: 1, min: 1},
        flashAttention: false,
        experimentalKvCacheKeyType: "F16",
        experimentalKvCacheValueType: "F16",
    });
    const ids = [];
    let endId = null;
    let lead = Infinity;
    const greedy = {temperature: 0, repeatPenalty: undefined, yieldEogToken: true};
    const steps = context.getSequence().evaluateWithMetadata(promptIds, {probabilities: true}, greedy);
    for await (const {token, probabilities} of steps) {
        const [first, second] = probabilities.values();
        if (ids.length < SURE_TOKENS) lead = Math.min(lead, Math.log(first / second));
        if (model.isEogToken(token)) {
            endId = token;
            break;
        }
        ids.push(token);
        if (ids.length === count || lead < leastLead) break;
    }
    await context.dispose();
    return {ids, endId, lead};
}

/** One entry per line, so that a changed entry is one line of a diff. */
function write(name, entries) {
    const file = path.join(outputFolder, name);
    fs.writeFileSync(file, "[\n" + entries.map((entry) => JSON.stringify(entry)).join(",\n") + "\n]\n");
    console.log(`${file}: ${entries.length} entries`);
}

fs.mkdirSync(outputFolder, {recursive: true});
write("tokens.json", texts.map((text) => ({text, ids: tokenise(text)})));

// The leads of the surest answers so far, largest first.
const leads = [];
const candidates = [];
for (const messages of conversations) {
    const prompt = render(messages);
    const promptIds = tokenise(prompt);
    const {ids, lead} = await answer(promptIds, SURE_TOKENS, leads[GOLDEN_ANSWERS - 1] ?? 0);
    console.log(`lead ${lead.toFixed(3)}, ${ids.length} tokens: ${JSON.stringify(model.detokenize(ids).slice(0, 60))}`);
    if (ids.length < SURE_TOKENS) continue;
    candidates.push({messages, prompt, promptIds, lead});
    leads.push(lead);
    leads.sort((a, b) => b - a);
}
const surest = candidates.sort((a, b) => b.lead - a.lead).slice(0, GOLDEN_ANSWERS);

const answers = [];
for (const {messages, prompt, promptIds} of surest) {
    const {ids, endId, lead} = await answer(promptIds, ANSWER_TOKENS, 0);
    answers.push({messages, prompt, prompt_ids: promptIds, answer_ids: ids, end_id: endId, lead});
}
write("greedy.json", answers);
await llama.dispose();
