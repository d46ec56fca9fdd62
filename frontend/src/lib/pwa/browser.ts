// The page's updates in a real browser.

import { Updates, type WorkerContainer } from "./updates";

const REGISTER_AFTER_MS = 3000;

export interface BrowserUpdates {
  updates: Updates;
  /** Returns what undoes it. */
  watch(): () => void;
}

export function browserUpdates(): BrowserUpdates {
  // Typed as always there, and missing where the page is not secure. While developing there is no worker.
  const { serviceWorker } = navigator as { serviceWorker?: WorkerContainer };
  const updates = new Updates({
    container: import.meta.env.PROD ? serviceWorker : undefined,
    reload: () => {
      location.reload();
    },
    now: () => Date.now(),
  });
  const onReturn = (): void => {
    if (!document.hidden) updates.returned();
  };
  // What the page shows first comes first: keeping its files takes the processor and the network for seconds.
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const begin = (): void => {
    waiting = setTimeout(() => void updates.register(), REGISTER_AFTER_MS);
  };
  return {
    updates,
    watch: () => {
      if (document.readyState === "complete") begin();
      else window.addEventListener("load", begin, { once: true });
      document.addEventListener("visibilitychange", onReturn);
      return () => {
        clearTimeout(waiting);
        window.removeEventListener("load", begin);
        document.removeEventListener("visibilitychange", onReturn);
      };
    },
  };
}
