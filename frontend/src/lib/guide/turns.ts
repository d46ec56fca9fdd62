// The guide's experiments ask one model, which gives up a question when the next one comes: they take turns, and
// only an experiment itself gives up what it asked before.

import type { Studio } from "../studio/studio";
import type { Distribution, DistributionInput } from "../worker/wasm";

type Progress = (done: number, total: number) => void;
type Ask = (input: DistributionInput, count: number, onProgress: Progress) => Promise<Distribution>;

interface Waiting {
  begin(): void;
  giveUp(): void;
}

export class Turns {
  readonly #ask: Ask;
  readonly #waiting = new Map<string, Waiting>();
  /** Whose turn it is, and which of their questions. */
  #now: { who: string; question: number } | null = null;
  #last = 0;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  async ask(
    who: string,
    input: DistributionInput,
    count: number,
    onProgress: Progress = () => undefined,
  ): Promise<Distribution> {
    if (this.#now !== null && this.#now.who !== who) await this.#untilFree(who);
    this.#last += 1;
    const question = this.#last;
    this.#now = { who, question };
    try {
      return await this.#ask(input, count, onProgress);
    } finally {
      if (this.#now.question === question) this.#next();
    }
  }

  #untilFree(who: string): Promise<void> {
    this.#waiting.get(who)?.giveUp();
    return new Promise((resolve, reject) => {
      this.#waiting.set(who, {
        begin: resolve,
        giveUp: () => {
          reject(new Error("another question took its place"));
        },
      });
    });
  }

  #next(): void {
    this.#now = null;
    const [first] = this.#waiting;
    if (first === undefined) return;
    const [who, waiting] = first;
    this.#waiting.delete(who);
    // Taken before it goes on, so that nobody comes between.
    this.#now = { who, question: this.#last };
    waiting.begin();
  }
}

const known = new WeakMap<Studio, Turns>();

export function turnsOf(studio: Studio): Turns {
  const turns =
    known.get(studio) ??
    new Turns((input, count, onProgress) => studio.compute.distribution(input, count, onProgress));
  known.set(studio, turns);
  return turns;
}
