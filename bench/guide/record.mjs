// Records for the guide what a model says and how its tokenizer cuts, so that a page without a model has real
// figures to show: node bench/guide/record.mjs "$(scripts/build-wasm.sh)" "$(scripts/fetch-model.sh qwen2.5-coder:0.5b)" \
//   > frontend/src/lib/guide/recorded.json

import { openSync, readFileSync, readSync, statSync } from "node:fs";

const MODEL = "qwen2.5-coder:0.5b";
/** Enough for a top-k of 100 after the repeat penalty has moved 64. */
const CANDIDATES = 170;

const QUESTION = "Write a Python function that adds two numbers.";
const TEXTS = {
  winter: "The best thing about winter in Finland is",
  cat: "Once upon a time there was a cat. The cat saw a cat, and the cat",
  even: "def is_even(n):\n    return n %",
};
const TOKENS = {
  own: `${TEXTS.even} 2 == 0`,
  english:
    "Write a function that adds a note to the database and returns its id.",
  finnish:
    "Kirjoita funktio, joka lisää muistiinpanon tietokantaan ja palauttaa sen tunnisteen.",
};

const [wasm, path] = process.argv.slice(2);
if (wasm === undefined || path === undefined)
  throw new Error("usage: record.mjs WASM_FOLDER MODEL_FILE");
const {
  default: instantiate,
  ComputeNode,
  Tokenizer,
} = await import(`${wasm}/plain/node.js`);
await instantiate({
  module_or_path: readFileSync(`${wasm}/plain/node_bg.wasm`),
});

const descriptor = openSync(path);
const file = {
  size: () => statSync(path).size,
  read: (offset, into) => {
    const piece = new Uint8Array(into.length);
    const length = readSync(descriptor, piece, 0, piece.length, offset);
    into.set(piece.subarray(0, length));
    return length;
  },
};
const node = await ComputeNode.load(
  file,
  { threads: 1, contextLength: 1024, compute: "cpu" },
  () => undefined,
);
const tokenizer = Tokenizer.load(file);

const texts = [];
for (const [key, text] of Object.entries(TEXTS)) {
  texts.push({ key, text, distribution: await distribution(text, CANDIDATES) });
}
const user = { role: "user", content: QUESTION };
const begun = {
  none: await distribution([user], 24),
  fence: await distribution(
    [user, { role: "assistant", content: "```python\n" }],
    24,
  ),
};
const tokens = Object.fromEntries(
  Object.entries(TOKENS).map(([key, text]) => [
    key,
    { text, tokens: tokenizer.tokenize(text) },
  ]),
);
process.stdout.write(
  `${JSON.stringify({ model: MODEL, question: QUESTION, texts, begun, tokens })}\n`,
);
process.exit(0);

async function distribution(input, count) {
  const found = await node.distribution(input, count, () => undefined);
  return {
    ...found,
    prefillMs: Math.round(found.prefillMs),
    candidates: found.candidates.map((candidate) => ({
      ...candidate,
      logit: rounded(candidate.logit),
    })),
    rest: found.rest.map(([logit, number]) => [rounded(logit), number]),
  };
}

/** Three decimals are plenty for a bar, and little to fetch. */
function rounded(logit) {
  return Math.round(logit * 1000) / 1000;
}
