// One tab of a browser computes at a time: two would hold the model in memory twice.
//
// The lock is the browser's own and ends with the tab, however that ends. A tab that holds a lock is also
// one that browsers don't freeze in the background. The channel lets tabs tell each other about it.

import type { Holder } from "./state";

const NAME = "kipina-compute";
/** A tab in the background may take a moment; a frozen one does not answer at all. */
const ANSWER_MS = 500;

type Message = { type: "who" } | { type: "me"; holder: Holder } | { type: "yield" };

/** The part of `BroadcastChannel` that is used. */
export interface Channel {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  removeEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
}

/** The part of `LockManager` that is used. */
export interface Locks {
  request(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    callback: (lock: unknown) => Promise<void> | undefined,
  ): Promise<unknown>;
}

export class TabLock {
  readonly #locks: Locks;
  readonly #channel: Channel;
  #held: { holder: Holder; release: () => void } | null = null;
  /** Settles when the browser has taken the lock back. */
  #released: Promise<unknown> = Promise.resolve();
  #onYield: () => void = () => undefined;

  constructor(locks: Locks, channel: Channel) {
    this.#locks = locks;
    this.#channel = channel;
    channel.addEventListener("message", ({ data }) => {
      this.#heard(data as Message);
    });
  }

  /** Called when another tab wants to compute instead. */
  set onYield(listener: () => void) {
    this.#onYield = listener;
  }

  async acquire(holder: Holder): Promise<boolean> {
    if (this.#held !== null) {
      this.#held.holder = holder;
      return true;
    }
    await this.#released;
    return new Promise((resolve, reject) => {
      const request = this.#locks.request(NAME, { ifAvailable: true }, (lock) => {
        if (lock === null) {
          resolve(false);
          return undefined;
        }
        return new Promise<void>((release) => {
          this.#held = { holder, release };
          resolve(true);
        });
      });
      request.catch(reject);
      this.#released = request.catch(() => undefined);
    });
  }

  release(): void {
    this.#held?.release();
    this.#held = null;
  }

  /** Resolves when no tab holds the lock; rejects with `AbortError` when aborted. */
  async untilFree(signal: AbortSignal): Promise<void> {
    await this.#locks.request(NAME, { signal }, () => Promise.resolve());
  }

  /** Who computes; null where that tab does not answer. */
  whoHolds(): Promise<Holder | null> {
    return new Promise((resolve) => {
      const end = (holder: Holder | null): void => {
        clearTimeout(timer);
        this.#channel.removeEventListener("message", listen);
        resolve(holder);
      };
      const listen = ({ data }: { data: unknown }): void => {
        const message = data as Message;
        if (message.type === "me") end(message.holder);
      };
      const timer = setTimeout(end, ANSWER_MS, null);
      this.#channel.addEventListener("message", listen);
      this.#post({ type: "who" });
    });
  }

  askToYield(): void {
    this.#post({ type: "yield" });
  }

  #heard(message: Message): void {
    if (this.#held === null) return;
    if (message.type === "who") this.#post({ type: "me", holder: this.#held.holder });
    if (message.type === "yield") this.#onYield();
  }

  #post(message: Message): void {
    this.#channel.postMessage(message);
  }
}
