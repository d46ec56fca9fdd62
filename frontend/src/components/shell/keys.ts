// The keyboard's short ways, on the page.

import type { Router } from "../../lib/page/router";
import { Shortcuts, takesKeys, type ShortcutAction } from "../../lib/page/shortcuts";
import type { Studio } from "../../lib/studio/studio";

/** The field that a view gives the keyboard to when somebody wants to write. */
const PROMPT = "[data-prompt]";
/** How long a view may take to show it. */
const PATIENCE_MS = 3000;

/** Returns what undoes it. */
export function followKeys(studio: Studio, router: Router): () => void {
  const shortcuts = new Shortcuts();
  const onKey = (event: KeyboardEvent): void => {
    if (!studio.settings.value.shortcuts || event.defaultPrevented) return;
    if (studio.dialog.value !== null || takesKeys(document.activeElement)) return;
    const action = shortcuts.press(event, event.timeStamp);
    if (action === null) return;
    event.preventDefault();
    act(action, studio, router);
  };
  document.addEventListener("keydown", onKey);
  return () => {
    document.removeEventListener("keydown", onKey);
  };
}

function act(action: ShortcutAction, studio: Studio, router: Router): void {
  switch (action.kind) {
    case "keys":
    case "join":
      studio.dialog.set(action.kind);
      return;
    case "view":
      router.go(action.view);
      return;
    case "prompt":
      if (document.querySelector(PROMPT) === null) router.go("studio");
      focusWhenThere(performance.now() + PATIENCE_MS);
  }
}

function focusWhenThere(until: number): void {
  const prompt = document.querySelector<HTMLElement>(PROMPT);
  if (prompt !== null) prompt.focus();
  else if (performance.now() < until) {
    requestAnimationFrame(() => {
      focusWhenThere(until);
    });
  }
}
