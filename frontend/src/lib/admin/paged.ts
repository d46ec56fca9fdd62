// A list that grows at its head, as the hub hands it out: the latest first, what is older a page at a time.

import { Observable } from "../compute/observable";
import type { HubFailure } from "../hub/client";
import { failureOf, type Door } from "./door";

/** What the hub gives at a time. */
export interface Page<Entry> {
  entries: readonly Entry[];
  /** What to ask for older entries with; null where there are none. */
  next: number | null;
}

export interface Pages<Entry> {
  /** The latest first; null before the first answer. */
  entries: readonly Entry[] | null;
  hasOlder: boolean;
  loading: boolean;
  /** Why the last question had no answer; null where it had. */
  failure: HubFailure | null;
}

/** Entries have numbers, larger for later ones. */
export class Paged<Entry extends { id: number }> extends Observable<Pages<Entry>> {
  readonly #ask: (before: number | null) => Promise<Page<Entry>>;
  readonly #door: Door;
  #next: number | null = null;
  /** Questions are asked one after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(ask: (before: number | null) => Promise<Page<Entry>>, door: Door) {
    super({ entries: null, hasOlder: false, loading: false, failure: null });
    this.#ask = ask;
    this.#door = door;
  }

  /** What has come since it was asked last, on top of what is known. */
  latest(): Promise<void> {
    return this.#inTurn(() =>
      this.#load(null, (page) => {
        const known = this.value.entries ?? [];
        const newest = known[0];
        const fresh = page.entries.filter(({ id }) => newest === undefined || id > newest.id);
        // Where not even the oldest of the page is known, something may lie between.
        if (fresh.length === page.entries.length) return page;
        return { entries: [...fresh, ...known], next: this.#next };
      }),
    );
  }

  older(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#next === null) return;
      await this.#load(this.#next, ({ entries, next }) => ({
        entries: [...(this.value.entries ?? []), ...entries],
        next,
      }));
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work);
    return this.#turn;
  }

  async #load(before: number | null, add: (page: Page<Entry>) => Page<Entry>): Promise<void> {
    this.set({ ...this.value, loading: true });
    try {
      const { entries, next } = add(await this.#ask(before));
      this.#next = next;
      this.set({ entries, hasOlder: next !== null, loading: false, failure: null });
    } catch (error) {
      const failure = failureOf(error);
      this.set({ ...this.value, loading: false, failure });
      this.#door.hear(failure);
    }
  }
}
