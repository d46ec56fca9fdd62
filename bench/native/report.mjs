// Compares two files of JSON lines, one line per run, and writes what came out as a section of Markdown.
//
// usage: node report.mjs KIPINA.jsonl LLAMA.jsonl RESULTS.md MODEL_ID

import fs from "node:fs";
import os from "node:os";

const [kipinaFile, llamaFile, resultsFile, modelId] = process.argv.slice(2);
const runs = (file) => fs.readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line));

/** Tokens per second of every run, and their median. */
function speeds(entries, tokensAndMs) {
    const sorted = entries.map(tokensAndMs).map(([tokens, ms]) => (tokens / ms) * 1000).sort((a, b) => a - b);
    return {median: sorted[Math.floor(sorted.length / 2)], least: sorted[0], most: sorted.at(-1)};
}

const kipina = runs(kipinaFile);
const llama = runs(llamaFile);
const [{prefill_tokens: promptTokens, threads}] = kipina;
const decodeTokens = kipina[0].decode_tokens;
if (kipina.some((run) => run.decode_tokens !== llama[0].decode_tokens)) {
    console.error(`the engine ended after ${decodeTokens} tokens, llama.cpp after ${llama[0].decode_tokens}: not comparable`);
    process.exit(1);
}

const rows = [
    ["prompt, as a program sees it", (run) => [run.prefill_tokens, run.prefill_ms], (run) => [run.prefill_tokens, run.prefill_ms]],
    ["prompt, by llama.cpp's own clock", (run) => [run.prefill_tokens, run.prefill_ms], (run) => [run.prefill_own.tokens, run.prefill_own.ms]],
    ["decode, as a program sees it", (run) => [run.decode_tokens, run.decode_ms], (run) => [run.decode_tokens, run.decode_ms]],
    ["decode, by llama.cpp's own clock", (run) => [run.decode_tokens, run.decode_ms], (run) => [run.decode_own.tokens, run.decode_own.ms]],
].map(([name, ofKipina, ofLlama]) => ({name, kipina: speeds(kipina, ofKipina), llama: speeds(llama, ofLlama)}));

const show = ({median, least, most}) => `${median.toFixed(1)} (${least.toFixed(1)}–${most.toFixed(1)})`;
const cells = rows.map(({name, kipina, llama}) => [name, show(kipina), show(llama), (kipina.median / llama.median).toFixed(2)]);
const load = (entries) => Math.round(entries.map((run) => run.load_ms).sort((a, b) => a - b)[Math.floor(entries.length / 2)]);

const version = JSON.parse(fs.readFileSync(new URL("package.json", import.meta.url))).dependencies["node-llama-cpp"];
const cpu = os.cpus();
const section = `
## ${new Date().toISOString().slice(0, 10)}: the native engine beside llama.cpp

${modelId}, prompt of ${promptTokens} tokens, ${decodeTokens} decoded, ${threads} threads, ${kipina.length} runs each,
by turns. ${cpu[0].model.trim()}, ${cpu.length} cores; load average when it began ${process.env.LOAD_AT_START ?? "unknown"}.
llama.cpp as in node-llama-cpp ${version}, kernels for ${llama[0].kernels}; the engine's kernels: ${kipina[0].kernels}.

| tokens per second, median (range) | Kipinä | llama.cpp | ratio |
|---|---|---|---|
${cells.map((cell) => `| ${cell.join(" | ")} |`).join("\n")}

Loading the model took ${load(kipina)} ms and ${load(llama)} ms.
`;
console.log(section);
if (!fs.existsSync(resultsFile)) {
    fs.writeFileSync(resultsFile, "# Measured\n\nEach section was written by the script that measured it; the newest stands last.\n");
}
fs.appendFileSync(resultsFile, section);
