// The tokenizer's worker: opens each family's tokenizer when it is first asked for.

/// <reference lib="webworker" />

import { TokenizerError } from "./failure";
import type { FromTokenizer, ToTokenizer } from "./messages";
import { openTokenizer, type OpenTokenizer } from "./open";

const opened = new Map<string, Promise<OpenTokenizer>>();

addEventListener("message", (event: MessageEvent<ToTokenizer>) => {
  void answer(event.data).then((message) => {
    postMessage(message);
  });
});

async function answer({ id, want, source, text }: ToTokenizer): Promise<FromTokenizer> {
  try {
    const tokenizer = await tokenizerOf(source);
    return want === "count" ? { id, count: tokenizer.count(text) } : { id, tokens: tokenizer.tokenize(text) };
  } catch (error) {
    return { id, failure: error instanceof TokenizerError ? error.failure : "unsupported" };
  }
}

function tokenizerOf(source: ToTokenizer["source"]): Promise<OpenTokenizer> {
  const { family } = source;
  const tokenizer = opened.get(family) ?? openTokenizer(source);
  opened.set(family, tokenizer);
  tokenizer.catch(() => {
    // The next question tries again: the network may be back.
    opened.delete(family);
  });
  return tokenizer;
}
