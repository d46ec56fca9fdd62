// A text and its tokens: recorded ones of the text that is there first, the real tokenizer's once it is edited.

import { Observable } from "../compute/observable";
import { TokenizerError, type TokenizerFailure } from "../tokenizer/failure";
import type { Token } from "../worker/wasm";

export interface TokenTextView {
  text: string;
  /** Of the text as it was when they were last counted. */
  tokens: readonly Token[];
  busy: boolean;
  /** It takes so long that it should be said. */
  slow: boolean;
  failure: TokenizerFailure | null;
}

/** A pause in typing. */
const PAUSE_MS = 150;
const SLOW_MS = 700;

export class TokenText extends Observable<TokenTextView> {
  readonly #tokenize: (text: string) => Promise<Token[]>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #slowTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    first: { text: string; tokens: readonly Token[] },
    tokenize: (text: string) => Promise<Token[]>,
  ) {
    super({ ...first, busy: false, slow: false, failure: null });
    this.#tokenize = tokenize;
  }

  edit(text: string): void {
    this.set({ ...this.value, text, busy: true, failure: null });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#count(text), PAUSE_MS);
    this.#slowTimer ??= setTimeout(() => {
      this.set({ ...this.value, slow: this.value.busy });
    }, SLOW_MS);
  }

  /** Nobody looks any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#endWait();
  }

  retry(): void {
    this.edit(this.value.text);
  }

  async #count(text: string): Promise<void> {
    try {
      const tokens = text === "" ? [] : await this.#tokenize(text);
      this.#end(text, { tokens, failure: null });
    } catch (error) {
      const failure = error instanceof TokenizerError ? error.failure : "worker_lost";
      this.#end(text, { failure });
    }
  }

  /** What became of an earlier text is of no more use. */
  #end(text: string, outcome: Partial<TokenTextView>): void {
    if (text !== this.value.text) return;
    this.#endWait();
    this.set({ ...this.value, ...outcome, busy: false, slow: false });
  }

  #endWait(): void {
    clearTimeout(this.#slowTimer);
    this.#slowTimer = undefined;
  }
}
