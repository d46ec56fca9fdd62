// What the page and the tokenizer's worker say to each other.

import type { Token } from "../worker/wasm";
import type { TokenizerFailure } from "./failure";
import type { TokenizerSource } from "./source";

export interface ToTokenizer {
  id: number;
  want: "tokens" | "count";
  source: TokenizerSource;
  text: string;
}

export type FromTokenizer =
  { id: number; tokens: Token[] } | { id: number; count: number } | { id: number; failure: TokenizerFailure };
