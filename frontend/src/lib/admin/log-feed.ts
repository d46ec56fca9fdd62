// `GET /api/admin/log`: the hub's log as it is written, over a connection that mends itself and loses no line.

import * as v from "valibot";

import { Observable } from "../compute/observable";
import { request, type HubFailure } from "../hub/client";
import { events, pauseAfter, sleep } from "../hub/events";
import { failureOf, type Door } from "./door";

export const levels = ["error", "warn", "info", "debug", "trace"] as const;
export type Level = (typeof levels)[number];

const line = v.object({
  at_ms: v.number(),
  level: v.picklist(levels),
  target: v.string(),
  message: v.string(),
});

const missed = v.object({ missed: v.number() });

export type LogItem =
  | { kind: "line"; id: string; atMs: number; level: Level; target: string; message: string }
  /** Lines that came faster than they were read. */
  | { kind: "missed"; id: string; count: number };

export interface LogView {
  items: readonly LogItem[];
  connected: boolean;
  /** Why the last try did not connect; null while nothing is wrong. It is tried again either way. */
  failure: HubFailure | null;
}

/** As many as the hub keeps. */
const MOST_ITEMS = 1000;

/** The hub breaks every silence after 15 s. */
const SILENCE_MS = 45_000;

export class LogFeed extends Observable<LogView> {
  readonly #fetcher: typeof fetch;
  readonly #door: Door;
  #running: AbortController | null = null;
  #last: string | null = null;
  #gaps = 0;

  constructor(fetcher: typeof fetch, door: Door) {
    super({ items: [], connected: false, failure: null });
    this.#fetcher = fetcher;
    this.#door = door;
  }

  /** Follows from the beginning, with lines of this level and graver. Returns what ends it. */
  follow(level: Level): () => void {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.#last = null;
    this.set({ items: [], connected: false, failure: null });
    void this.#run(level, running.signal);
    return () => {
      running.abort();
    };
  }

  clear(): void {
    this.set({ ...this.value, items: [] });
  }

  async #run(level: Level, signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!isOver(signal)) {
      failures = (await this.#listen(level, signal)) ? 0 : failures + 1;
      if (isOver(signal)) return;
      this.set({ ...this.value, connected: false });
      await sleep(pauseAfter(failures), signal);
    }
  }

  /** Whether it was connected at all. */
  async #listen(level: Level, signal: AbortSignal): Promise<boolean> {
    const connection = new AbortController();
    const end = (): void => {
      connection.abort();
    };
    let patience = setTimeout(end, SILENCE_MS);
    const onBytes = (): void => {
      clearTimeout(patience);
      patience = setTimeout(end, SILENCE_MS);
    };
    let connected = false;
    try {
      const ending = AbortSignal.any([signal, connection.signal]);
      const response = await request(this.#fetcher, `/api/admin/log?level=${level}`, {
        headers: this.#last === null ? {} : { "last-event-id": this.#last },
        cache: "no-store",
        signal: ending,
      });
      connected = true;
      this.set({ ...this.value, connected, failure: null });
      for await (const event of events(response, ending, onBytes)) {
        if (isOver(signal)) break;
        this.#hear(event);
      }
    } catch (error) {
      if (!isOver(signal) && !connection.signal.aborted) this.#fail(failureOf(error), connected);
    } finally {
      clearTimeout(patience);
      connection.abort();
    }
    return connected;
  }

  #fail(failure: HubFailure, connected: boolean): void {
    // A connection that broke is nothing to complain of: the next one may be there at once.
    if (!connected) this.set({ ...this.value, failure });
    this.#door.hear(failure);
  }

  #hear(event: { id?: string | undefined; event?: string | undefined; data: string }): void {
    const item = itemOf(event, `gap-${this.#gaps}`);
    // Of a newer hub: what this page does not understand it leaves out.
    if (item === null) return;
    if (item.kind === "missed") this.#gaps += 1;
    else this.#last = item.id;
    this.set({ ...this.value, items: [...this.value.items, item].slice(-MOST_ITEMS) });
  }
}

function itemOf(
  event: { id?: string | undefined; event?: string | undefined; data: string },
  gap: string,
): LogItem | null {
  const data = parsed(event.data);
  if (event.event === "missed") {
    const told = v.safeParse(missed, data);
    return told.success ? { kind: "missed", id: gap, count: told.output.missed } : null;
  }
  const told = v.safeParse(line, data);
  if (!told.success || event.id === undefined) return null;
  const { at_ms: atMs, level, target, message } = told.output;
  return { kind: "line", id: event.id, atMs, level, target, message };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** A function, since TypeScript takes a signal for what it was before the pause. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
