// What happens to the page while it computes: hidden, shown, asleep, back online. Events only, no timers.

import type { ComputeController } from "./controller";

/** Returns what undoes it. */
export function watchPage(
  controller: ComputeController,
  onReturn: () => void,
  onHidden: () => void,
): () => void {
  const visibility = (): void => {
    controller.setTabHidden(document.hidden);
    if (document.hidden) onHidden();
    else back();
  };
  const back = (): void => {
    controller.wake();
    onReturn();
  };
  // A tab may be opened in the background.
  if (document.hidden) onHidden();
  document.addEventListener("visibilitychange", visibility);
  // A frozen tab and a page from the back-forward cache go on where they were.
  document.addEventListener("resume", back);
  window.addEventListener("pageshow", back);
  window.addEventListener("online", back);
  window.addEventListener("offline", onReturn);
  return () => {
    document.removeEventListener("visibilitychange", visibility);
    document.removeEventListener("resume", back);
    window.removeEventListener("pageshow", back);
    window.removeEventListener("online", back);
    window.removeEventListener("offline", onReturn);
  };
}
