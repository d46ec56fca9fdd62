// Compares two files of JSON lines, one line per run, and writes what came out as a section of Markdown.
//
// usage: node report.mjs KIPINA.jsonl LLAMA.jsonl RESULTS.md MODEL_ID ASKED SHORT LONG TURNS
// The last four are the measurements, as engine/examples/speed.rs was asked for them.

import fs from "node:fs";

import {decodeSpeed, machine, median, prefillSpeed, ratio, record, secondTurn, spread, table, today} from "../support/figures.mjs";

const [kipinaFile, llamaFile, resultsFile, modelId, asked, short, long, turns] = process.argv.slice(2);
const runs = (file) => fs.readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line));
const kipina = runs(kipinaFile);
const llama = runs(llamaFile);

const [promptTokens, decodeTokens] = asked.split("+");
const [shortContext, longContext] = [short, long].map((name) => name.split("+")[0]);
const [firstPrompt, firstAnswer, more] = turns.split("+");

const own = ({ms, tokens}) => (tokens / ms) * 1e3;
const compare = (name, ofKipina, ofLlama = ofKipina) => {
    const [ours, theirs] = [kipina.map(ofKipina), llama.map(ofLlama)];
    return [name, spread(ours), spread(theirs), ratio(ours, theirs)];
};
const speeds = [
    compare("prompt, as a program sees it", (run) => prefillSpeed(run.measured[asked])),
    compare("prompt, by llama.cpp's own clock", (run) => prefillSpeed(run.measured[asked]), (run) => own(run.measured[asked].prefill_own)),
    compare("decode, as a program sees it", (run) => decodeSpeed(run.measured[asked])),
    compare("decode, by llama.cpp's own clock", (run) => decodeSpeed(run.measured[asked]), (run) => own(run.measured[asked].decode_own)),
    compare(`decode at ${shortContext} tokens of context`, (run) => decodeSpeed(run.measured[short])),
    compare(`decode at ${longContext} tokens of context`, (run) => decodeSpeed(run.measured[long])),
];
const both = (name, ofRun) => [name, spread(kipina.map(ofRun), 2), spread(llama.map(ofRun), 2)];
const shares = [
    both(`decode at ${longContext} tokens of context / at ${shortContext}`, ({measured}) => decodeSpeed(measured[long]) / decodeSpeed(measured[short])),
    both("second turn's first token / the same text without its cache", ({measured}) => secondTurn(measured[turns])),
];

const version = JSON.parse(fs.readFileSync(new URL("package.json", import.meta.url))).dependencies["node-llama-cpp"];
const load = (entries) => Math.round(median(entries.map((run) => run.load_ms)));
record(resultsFile, `
## ${today()}: the native engine beside llama.cpp

${modelId}, prompt of ${promptTokens} tokens, ${decodeTokens} decoded, ${kipina[0].threads} threads, ${kipina.length} runs each,
by turns. ${machine()}; load average when it began ${process.env.LOAD_AT_START ?? "unknown"}.
llama.cpp as in node-llama-cpp ${version}, kernels for ${llama[0].kernels}; the engine's kernels: ${kipina[0].kernels}.

${table(["tokens per second, median (range)", "Kipinä", "llama.cpp", "ratio"], speeds)}

The second turn: ${firstPrompt} tokens, the ${Number(firstAnswer) + 1} of their answer, and ${more} more.

${table(["share, median (range)", "Kipinä", "llama.cpp"], shares)}

Loading the model took ${load(kipina)} ms and ${load(llama)} ms.
`);
