// The page's updates in a real browser.

import { Updates, type WorkerContainer } from "./updates";

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
  // What the page shows first comes first.
  const begin = (): void => {
    void updates.register();
  };
  return {
    updates,
    watch: () => {
      if (document.readyState === "complete") begin();
      else window.addEventListener("load", begin, { once: true });
      document.addEventListener("visibilitychange", onReturn);
      return () => {
        window.removeEventListener("load", begin);
        document.removeEventListener("visibilitychange", onReturn);
      };
    },
  };
}
