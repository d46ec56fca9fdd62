// Counts tokens with a model's own tokenizer, where that can be had soon enough.

import type { TokenizerSource } from "../tokenizer/source";

type Count = (text: string) => number;

/** A project does not wait longer than this for a tokenizer on its way; the next start of the team finds it. */
const PATIENCE_MS = 3_000;

export class Counters {
  readonly #open: (source: TokenizerSource) => Promise<{ count: Count }>;
  readonly #patienceMs: number;
  readonly #opened = new Map<string, Promise<Count | null>>();

  constructor(open: (source: TokenizerSource) => Promise<{ count: Count }>, patienceMs = PATIENCE_MS) {
    this.#open = open;
    this.#patienceMs = patienceMs;
  }

  /** Null where there is none, or none yet. */
  async of(source: TokenizerSource): Promise<Count | null> {
    const { family } = source;
    const opening = this.#opened.get(family) ?? this.#begin(source);
    this.#opened.set(family, opening);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, this.#patienceMs, null);
    });
    const count = await Promise.race([opening, late]);
    clearTimeout(timer);
    return count;
  }

  async #begin(source: TokenizerSource): Promise<Count | null> {
    try {
      const tokenizer = await this.#open(source);
      return (text) => tokenizer.count(text);
    } catch {
      // The next start tries again.
      this.#opened.delete(source.family);
      return null;
    }
  }
}
