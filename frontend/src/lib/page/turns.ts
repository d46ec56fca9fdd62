// Building that can wait: each piece in a task of its own, in the order it was asked for, so that what a person presses
// in between is answered at once.

export class Turns {
  readonly #waiting = new Set<() => void>();
  readonly #schedule: (run: () => void) => void;
  #scheduled = false;

  /** `schedule` runs what it is given in a later task. */
  constructor(schedule: (run: () => void) => void) {
    this.#schedule = schedule;
  }

  /** Returns what takes the piece back, as long as its turn has not come. */
  ask(piece: () => void): () => void {
    // The same function asked for twice is two pieces.
    const mine = (): void => {
      piece();
    };
    this.#waiting.add(mine);
    this.#next();
    return () => {
      this.#waiting.delete(mine);
    };
  }

  /** Comes after all that was asked for before. */
  come(): Promise<void> {
    return new Promise((resolve) => this.ask(resolve));
  }

  /** For whoever can't wait: all that was asked for comes now. */
  rush(): void {
    for (const piece of [...this.#waiting]) {
      this.#waiting.delete(piece);
      piece();
    }
  }

  #next(): void {
    if (this.#scheduled || this.#waiting.size === 0) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      const [first] = this.#waiting;
      if (first === undefined) return;
      this.#waiting.delete(first);
      // First, so that a piece that throws stops no other.
      this.#next();
      first();
    });
  }
}

export const turns = new Turns((run) => setTimeout(run));
