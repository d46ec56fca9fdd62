// A model reads a text again and again, each time changed in another place: what it remembers shows in the times.

import { Observable } from "../compute/observable";
import type { Distribution } from "../worker/wasm";

export type ReadingKind = "read" | "again" | "end" | "beginning";

export interface Run {
  kind: ReadingKind;
  tokens: number;
  cachedTokens: number;
  milliseconds: number;
}

export interface ReadingView {
  runs: readonly Run[];
  progress: { done: number; total: number } | null;
  failed: boolean;
}

type Ask = (text: string, onProgress: (done: number, total: number) => void) => Promise<Distribution>;

/** What the model reads: about four hundred tokens of ordinary English. */
const PARAGRAPH =
  "A library keeps its books in order so that anybody can find them. Each book has a number, and the numbers " +
  "say where it stands. A reader who knows the number walks straight to the shelf; a reader who does not asks " +
  "at the desk. When a book comes back it is put where it was, and when a new one arrives the others make room. ";
const TEXT = PARAGRAPH.repeat(5);
const SENTENCES = [
  "The lights go out at eight.",
  "On Sundays the doors stay closed.",
  "Children sit by the window.",
];
const BEGINNINGS = ["Once more:", "Listen:", "To begin with:", "Another day:"];

export class Reading extends Observable<ReadingView> {
  readonly #ask: Ask;
  #text = TEXT;
  #changes = 0;

  constructor(ask: Ask) {
    super({ runs: [], progress: null, failed: false });
    this.#ask = ask;
  }

  async read(kind: ReadingKind): Promise<void> {
    if (this.value.progress !== null) return;
    this.#change(kind);
    this.set({ ...this.value, progress: { done: 0, total: 0 }, failed: false });
    try {
      const { promptTokens, cachedTokens, prefillMs } = await this.#ask(this.#text, (done, total) => {
        this.set({ ...this.value, progress: { done, total } });
      });
      const run = { kind, tokens: promptTokens, cachedTokens, milliseconds: prefillMs };
      this.set({ runs: [...this.value.runs, run], progress: null, failed: false });
    } catch {
      this.set({ ...this.value, progress: null, failed: true });
    }
  }

  #change(kind: ReadingKind): void {
    if (kind === "end") this.#text += ` ${pick(SENTENCES, this.#changes)}`;
    if (kind === "beginning") this.#text = `${pick(BEGINNINGS, this.#changes)} ${this.#text}`;
    this.#changes += 1;
  }
}

function pick(from: readonly string[], index: number): string {
  return from[index % from.length] ?? "";
}

/** Tokens per second of what was really read; null where that is too little to tell. */
export function readingSpeed({ tokens, cachedTokens, milliseconds }: Run): number | null {
  const read = tokens - cachedTokens;
  return read < 32 || milliseconds <= 0 ? null : (read * 1000) / milliseconds;
}
