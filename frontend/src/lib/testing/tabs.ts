// One browser's locks and channels, shared by the tabs of a test.

import type { Channel, Locks } from "../compute/tab-lock";

export class FakeLocks implements Locks {
  #queue: Promise<unknown> = Promise.resolve();
  #holders = 0;

  get held(): boolean {
    return this.#holders > 0;
  }

  request(
    _: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    callback: (lock: unknown) => Promise<void> | undefined,
  ): Promise<unknown> {
    if (options.ifAvailable === true && this.held) return Promise.resolve(callback(null));
    const run = async (): Promise<void> => {
      if (options.signal?.aborted === true) throw new DOMException("aborted", "AbortError");
      this.#holders += 1;
      await callback({});
      this.#holders -= 1;
    };
    const granted = this.#holders > 0 ? this.#queue.then(run) : run();
    this.#queue = granted.catch(() => undefined);
    return granted;
  }
}

type Listener = (event: { data: unknown }) => void;

/** Channels that deliver at once, to all but the sender. */
export class LoudChannels {
  readonly #open = new Map<Channel, Set<Listener>>();

  open(): Channel {
    const listeners = new Set<Listener>();
    const channel: Channel = {
      postMessage: (data) => {
        for (const [other, heard] of this.#open) {
          if (other !== channel) for (const listener of [...heard]) listener({ data });
        }
      },
      addEventListener: (_, listener) => listeners.add(listener),
      removeEventListener: (_, listener) => listeners.delete(listener),
    };
    this.#open.set(channel, listeners);
    return channel;
  }
}
