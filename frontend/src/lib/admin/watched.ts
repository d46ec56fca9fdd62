// Something of the hub's that is shown: asked for again and again while somebody looks, and after each change.

import { Observable } from "../compute/observable";
import type { HubFailure } from "../hub/client";
import { failureOf, type Door } from "./door";

export interface Seen<Value> {
  /** The last that was told; null before the first answer. */
  value: Value | null;
  /** Why the last question had no answer; null where it had. */
  failure: HubFailure | null;
}

const PAUSE_MS = 2000;

export class Watched<Value> extends Observable<Seen<Value>> {
  readonly #ask: () => Promise<Value>;
  readonly #door: Door;
  #asked = 0;

  constructor(ask: () => Promise<Value>, door: Door) {
    super({ value: null, failure: null });
    this.#ask = ask;
    this.#door = door;
  }

  /** From now on until it is undone; while the page is hidden nobody is asked. */
  watch(isHidden: () => boolean, pauseMs = PAUSE_MS): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const step = async (): Promise<void> => {
      if (!isHidden()) await this.refresh();
      // Nobody else's wish: who comes again meanwhile has steps of his own.
      if (!isOver) timer = setTimeout(() => void step(), pauseMs);
    };
    void step();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }

  async refresh(): Promise<void> {
    this.#asked += 1;
    const turn = this.#asked;
    try {
      const value = await this.#ask();
      // An answer that was overtaken tells of the past.
      if (turn === this.#asked) this.set({ value, failure: null });
    } catch (error) {
      if (turn !== this.#asked) return;
      const failure = failureOf(error);
      this.set({ value: this.value.value, failure });
      this.#door.hear(failure);
    }
  }
}
