// What tabs of this browser tell each other of projects, and the lock that lets one of them work on a project.

import type { Channel, Locks } from "../compute/tab-lock";

type Message =
  | { type: "changed"; id: string }
  | { type: "removed"; id: string }
  /** Another tab wants to work on it. */
  | { type: "yield"; id: string };

export class Tabs {
  readonly #locks: Locks | null;
  readonly #channel: Channel | null;

  /** Null where the browser has none of them: then every tab takes itself for the only one. */
  constructor(locks: Locks | null, channel: Channel | null) {
    this.#locks = locks;
    this.#channel = channel;
  }

  tell(message: Message): void {
    this.#channel?.postMessage(message);
  }

  onMessage(listener: (message: Message) => void): void {
    this.#channel?.addEventListener("message", ({ data }) => {
      listener(data as Message);
    });
  }

  /**
   * Holds the project's lock once it is free, until the signal is aborted. `onHeld` is told whether it was free at once:
   * first `false`, where it was not, then `true` as soon as it is.
   */
  hold(id: string, signal: AbortSignal, onHeld: (held: boolean) => void): void {
    if (this.#locks === null) {
      onHeld(true);
      return;
    }
    const locks = this.#locks;
    const name = `kipina-project-${id}`;
    const keep = (lock: unknown): Promise<void> | undefined => {
      if (lock === null || signal.aborted) return undefined;
      onHeld(true);
      return new Promise((release) => {
        signal.addEventListener("abort", () => {
          release();
        });
      });
    };
    const first = (lock: unknown): Promise<void> | undefined => {
      if (lock === null && !signal.aborted) {
        onHeld(false);
        void locks.request(name, { signal }, keep).catch(() => undefined);
      }
      return keep(lock);
    };
    void locks.request(name, { ifAvailable: true }, first).catch(() => {
      onHeld(true);
    });
  }
}
