// Speed and time left of a transfer, from progress reports as they come.

interface Sample {
  at: number;
  bytes: number;
}

export interface Rate {
  bytesPerSecond: number | null;
  secondsLeft: number | null;
}

/** Long enough to be calm, short enough to notice a change. */
const WINDOW_MS = 5000;
const SHORTEST_MS = 500;

export class TransferRate {
  #samples: Sample[] = [];

  add(at: number, bytes: number): void {
    const last = this.#samples.at(-1);
    // A file that is fetched anew starts a new measurement.
    if (last !== undefined && bytes < last.bytes) this.#samples = [];
    this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) >= WINDOW_MS) this.#samples.shift();
  }

  /** Forgets the past: while waiting nothing is transferred. */
  reset(): void {
    this.#samples = [];
  }

  rate(totalBytes: number): Rate {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < SHORTEST_MS) {
      return { bytesPerSecond: null, secondsLeft: null };
    }
    const bytesPerSecond = ((last.bytes - first.bytes) * 1000) / (last.at - first.at);
    if (bytesPerSecond <= 0) return { bytesPerSecond: null, secondsLeft: null };
    return { bytesPerSecond, secondsLeft: (totalBytes - last.bytes) / bytesPerSecond };
  }
}
