// `GET /api/stats/live`: the statistics as they change, over a connection that mends itself.

import { HubError, request, type HubFailure } from "./client";
import { events, pauseAfter, sleep } from "./events";
import { parseStats, type Stats } from "./stats";

/** The hub breaks every silence after 15 s: after three of them the connection is dead, whatever it looks like. */
const SILENCE_MS = 45_000;

/** What is true now comes at once, or not at all. */
const FIRST_WORD_MS = 10_000;

/** A connection that spoke so recently is taken for alive. */
const RECENT_MS = 20_000;

/** A hub that refuses has its reasons. */
const REFUSED_PAUSE_MS = 60_000;

export interface Listener {
  onStats(stats: Stats): void;
  /** The hub does not answer; it is tried again and again. */
  onLost(): void;
  /** The hub answers, but not with a feed. */
  onRefused(): void;
}

/** Whether a feed is heard, and how it is got back. */
export class LiveFeed {
  readonly #fetcher: typeof fetch;
  readonly #listener: Listener;
  #running: AbortController | null = null;
  #heardAt: number | null = null;
  #pausing = false;

  constructor(fetcher: typeof fetch, listener: Listener) {
    this.#fetcher = fetcher;
    this.#listener = listener;
  }

  /** What was told last is true now. */
  get isLive(): boolean {
    return this.#heardAt !== null;
  }

  /** It waits before it tries again. */
  get isPausing(): boolean {
    return this.#pausing;
  }

  start(): void {
    if (this.#running !== null) return;
    this.#running = new AbortController();
    void this.#run(this.#running.signal);
  }

  stop(): void {
    this.#running?.abort();
    this.#running = null;
    this.#heardAt = null;
    this.#pausing = false;
  }

  /** Something happened to the page or the network: tries at once instead of after a pause. */
  wake(): void {
    if (this.#heardAt === null || Date.now() - this.#heardAt > RECENT_MS) this.restart();
  }

  restart(): void {
    this.stop();
    this.start();
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    for (;;) {
      const { heard, failure } = await this.#listen(signal);
      if (signal.aborted) return;
      if (failure !== null && failure.kind !== "unreachable") {
        this.#listener.onRefused();
        // An older hub will not have learnt it in a minute.
        if (failure.kind === "unreadable" || failure.status === 404) return;
        await this.#pause(REFUSED_PAUSE_MS, signal);
      } else {
        // Proxies end long connections, and so do hubs that stop: the next try tells which.
        failures = heard ? 0 : failures + 1;
        if (!heard) this.#listener.onLost();
        await this.#pause(pauseAfter(failures), signal);
      }
      if (isOver(signal)) return;
    }
  }

  async #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    this.#pausing = true;
    await sleep(milliseconds, signal);
    // By then another run may have begun.
    if (!signal.aborted) this.#pausing = false;
  }

  /** Hands on what is told until the connection ends, and why it did. */
  async #listen(signal: AbortSignal): Promise<{ heard: boolean; failure: HubFailure | null }> {
    const connection = new AbortController();
    const end = (): void => {
      connection.abort();
    };
    let patience = setTimeout(end, FIRST_WORD_MS);
    const onBytes = (): void => {
      clearTimeout(patience);
      patience = setTimeout(end, SILENCE_MS);
      if (this.#heardAt !== null) this.#heardAt = Date.now();
    };
    let heard = false;
    try {
      const ending = AbortSignal.any([signal, connection.signal]);
      const response = await request(this.#fetcher, "/api/stats/live", {
        headers: { accept: "text/event-stream" },
        cache: "no-store",
        signal: ending,
      });
      for await (const { data } of events(response, ending, onBytes)) {
        const stats = parseStats(data);
        if (stats === null) throw new HubError({ kind: "unreadable" });
        if (signal.aborted) break;
        heard = true;
        this.#heardAt = Date.now();
        this.#listener.onStats(stats);
      }
      return { heard, failure: null };
    } catch (error) {
      return { heard, failure: error instanceof HubError ? error.failure : { kind: "unreachable" } };
    } finally {
      clearTimeout(patience);
      connection.abort();
      if (!signal.aborted) this.#heardAt = null;
    }
  }
}

/** A function, since TypeScript takes a signal for what it was before the pause. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
