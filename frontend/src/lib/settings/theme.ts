// Dark, light, or whatever the system has. `public/first-paint.js` reads the same key before anything is shown.

import type { KeyValue } from "./storage";

export const themes = ["dark", "light", "system"] as const;

export type Theme = (typeof themes)[number];

const KEY = "kipina.theme";

export function loadTheme(storage: KeyValue): Theme {
  const kept = storage.getItem(KEY);
  return themes.find((theme) => theme === kept) ?? "dark";
}

export function saveTheme(storage: KeyValue, theme: Theme): void {
  storage.setItem(KEY, theme);
}

export function showTheme(root: { dataset: DOMStringMap }, theme: Theme): void {
  root.dataset["theme"] = theme;
}
