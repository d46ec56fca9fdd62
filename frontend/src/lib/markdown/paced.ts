// Draws at most once a frame, and leaves the page time for everything else where drawing is slow.

export interface Clock {
  now(): number;
  /** Returns what calls the frame off. */
  onFrame(run: () => void): () => void;
  after(milliseconds: number, run: () => void): () => void;
}

/** Of the page's time, drawing gets a quarter. */
const REST = 3;
const FRAME_MS = 16;

export class Paced {
  readonly #clock: Clock;
  readonly #draw: () => Promise<void>;
  #undo: (() => void) | null = null;
  #drawing = false;
  #wanted = false;
  #ended = false;

  constructor(draw: () => Promise<void>, clock: Clock = browserClock) {
    this.#draw = draw;
    this.#clock = clock;
  }

  /** Something has changed: it is drawn soon. */
  request(): void {
    this.#wanted = true;
    if (this.#undo === null && !this.#drawing && !this.#ended) this.#plan(0);
  }

  end(): void {
    this.#ended = true;
    this.#undo?.();
    this.#undo = null;
  }

  #plan(rest: number): void {
    const frame = (): void => {
      this.#undo = this.#clock.onFrame(() => void this.#run());
    };
    if (rest <= FRAME_MS) frame();
    else this.#undo = this.#clock.after(rest, frame);
  }

  async #run(): Promise<void> {
    this.#undo = null;
    this.#wanted = false;
    this.#drawing = true;
    const began = this.#clock.now();
    await this.#draw();
    this.#drawing = false;
    // TypeScript does not see that others may have run meanwhile.
    if (!this.#isWanted() || this.#ended) return;
    this.#plan((this.#clock.now() - began) * REST);
  }

  #isWanted(): boolean {
    return this.#wanted;
  }
}

const browserClock: Clock = {
  now: () => performance.now(),
  onFrame(run) {
    // No frames come to a page that is out of sight; what it shows may wait, but not for ever.
    if (document.hidden) return browserClock.after(1000, run);
    const frame = requestAnimationFrame(run);
    return () => {
      cancelAnimationFrame(frame);
    };
  },
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds);
    return () => {
      clearTimeout(timer);
    };
  },
};
