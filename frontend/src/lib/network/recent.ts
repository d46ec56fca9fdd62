// The last minutes of the network's rates, as far as this page heard of them.

import type { Rates } from "../hub/stats";

export const RECENT_MINUTES = 10;
const RECENT_MS = RECENT_MINUTES * 60_000;

/** One moment; null rates where the page heard nothing from here on. */
export interface Moment {
  /** Unix time in milliseconds. */
  at: number;
  rates: Rates | null;
}

/** The hub tells of changes only, so each moment holds until the next. */
export class RecentRates {
  #moments: Moment[] = [];

  hear(at: number, rates: Rates): void {
    this.#add({ at, rates });
  }

  /** Nothing is known from now on: the hub is gone, or the page does not listen. */
  lose(at: number): void {
    const last = this.#moments.at(-1);
    if (last !== undefined && last.rates !== null) this.#add({ at, rates: null });
  }

  /** What happened within the last minutes, oldest first; it begins where the page does, or at the left edge. */
  until(now: number): Moment[] {
    const edge = now - RECENT_MS;
    const moments = this.#moments.filter(({ at }) => at > edge);
    const before = this.#moments.findLast(({ at }) => at <= edge);
    return before === undefined ? moments : [{ ...before, at: edge }, ...moments];
  }

  #add(moment: Moment): void {
    // A clock that was set back starts a new line.
    const last = this.#moments.at(-1);
    if (last !== undefined && moment.at < last.at) this.#moments = [];
    this.#moments = [...this.until(moment.at), moment];
  }
}
