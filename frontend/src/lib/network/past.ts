// The network's past as the view shows it: which range, and what became of asking for it.

import { Observable } from "../compute/observable";
import { HubError } from "../hub/client";
import { fetchHistory, utcOffset, type History, type HistoryRange } from "../hub/history";

export interface PastView {
  range: HistoryRange;
  /** Of this range; null before it came. */
  history: History | null;
  /** `missing`: a hub that knows no history yet. */
  state: "loading" | "ready" | "unavailable" | "unreachable" | "missing";
}

/** Prompts end all the time: the last bucket is looked at again after so long, not after each. */
const STALE_MS = 60_000;

export class Past extends Observable<PastView> {
  readonly #fetcher: typeof fetch;
  readonly #now: () => Date;
  readonly #known = new Map<HistoryRange, History>();
  #askedAt = -Infinity;

  constructor(fetcher: typeof fetch, now: () => Date = () => new Date()) {
    super({ range: "day", history: null, state: "loading" });
    this.#fetcher = fetcher;
    this.#now = now;
  }

  choose(range: HistoryRange): Promise<void> {
    this.set({ range, history: this.#known.get(range) ?? null, state: "loading" });
    return this.load();
  }

  /** Something was answered: looks again, but not too often. */
  async freshen(): Promise<void> {
    const { state } = this.value;
    if (state !== "missing" && this.#now().getTime() - this.#askedAt >= STALE_MS) await this.load();
  }

  async load(): Promise<void> {
    const { range } = this.value;
    const now = this.#now();
    this.#askedAt = now.getTime();
    // What is shown stays until what comes is there.
    if (this.value.history === null) this.set({ ...this.value, state: "loading" });
    let change: Partial<PastView>;
    try {
      const history = await fetchHistory(this.#fetcher, range, utcOffset(now));
      this.#known.set(range, history);
      change = { history, state: "ready" };
    } catch (error) {
      change = { state: stateOf(error) };
    }
    if (this.value.range === range) this.set({ ...this.value, ...change });
  }
}

function stateOf(error: unknown): PastView["state"] {
  if (!(error instanceof HubError)) return "unavailable";
  const { failure } = error;
  if (failure.kind === "unreachable") return "unreachable";
  return failure.kind === "refused" && failure.status === 404 ? "missing" : "unavailable";
}
