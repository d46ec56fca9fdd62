// The lines that a person has sent, kept in the browser: the arrow keys bring them back.

import * as v from "valibot";

import type { KeyValue } from "../settings/storage";

const KEY = "kipina.history";
const MOST_LINES = 200;
/** Longer ones are pasted rather than written, and would fill the browser's storage. */
const LONGEST = 4000;

const kept = v.array(v.pipe(v.string(), v.maxLength(LONGEST)));

export class History {
  readonly #storage: KeyValue;
  #lines: string[];
  /** Where the arrows are; the number of lines for what is being written. */
  #at: number;
  #draft = "";

  constructor(storage: KeyValue) {
    this.#storage = storage;
    this.#lines = load(storage);
    this.#at = this.#lines.length;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  add(line: string): void {
    // Another tab may have added its own meanwhile.
    const lines = load(this.#storage);
    const known = lines.length > 0 ? lines : this.#lines;
    const others = known.filter((other) => other !== line);
    this.#lines = (line.length > LONGEST ? known : [...others, line]).slice(-MOST_LINES);
    this.#storage.setItem(KEY, JSON.stringify(this.#lines));
    this.rest();
  }

  /** The line before; null where there is none. `current` is what stands in the prompt line. */
  previous(current: string): string | null {
    if (this.#at === 0) return null;
    if (this.#at === this.#lines.length) this.#draft = current;
    this.#at -= 1;
    return this.#lines[this.#at] ?? null;
  }

  /** The line after, at last what was being written; null where the arrows have not gone back. */
  next(): string | null {
    if (this.#at >= this.#lines.length) return null;
    this.#at += 1;
    return this.#lines[this.#at] ?? this.#draft;
  }

  /** The person writes: the arrows begin anew. */
  rest(): void {
    this.#at = this.#lines.length;
  }
}

function load(storage: KeyValue): string[] {
  try {
    return v.parse(kept, JSON.parse(storage.getItem(KEY) ?? "[]")).slice(-MOST_LINES);
  } catch {
    return [];
  }
}
