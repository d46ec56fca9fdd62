// Single keys that go somewhere. They can be switched off, since they get in the way of speech input
// (WCAG 2.1.4), and never act while somebody types.

import type { View } from "./router";

export type ShortcutAction =
  { kind: "keys" } | { kind: "prompt" } | { kind: "view"; view: View } | { kind: "join" };

/** After `g`; the letters are those of the Finnish names. */
export const viewKeys: Record<View, string> = {
  studio: "s",
  projects: "p",
  network: "v",
  compute: "l",
  guide: "o",
  settings: "a",
  admin: "y",
};

export const GO_KEY = "g";
export const KEYS_KEY = "?";
export const PROMPT_KEY = "/";
export const JOIN_KEY = "+";

/** The second key must follow the first. */
const PATIENCE_MS = 1500;

/** The part of a `KeyboardEvent` that is used. */
export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  repeat: boolean;
}

export class Shortcuts {
  #goAt: number | null = null;

  /** What this key means now, with what was pressed before it; null for nothing. */
  press({ key, ctrlKey, metaKey, altKey, repeat }: KeyPress, now: number): ShortcutAction | null {
    // Modifiers come as keys of their own on the way to `?`.
    if (key === "Shift") return null;
    const going = this.#goAt !== null && now - this.#goAt <= PATIENCE_MS;
    this.#goAt = null;
    if (ctrlKey || metaKey || altKey || repeat) return null;
    if (going) {
      const view = Object.entries(viewKeys).find(([, letter]) => letter === key.toLowerCase())?.[0];
      return view === undefined ? null : { kind: "view", view: view as View };
    }
    switch (key) {
      case GO_KEY:
        this.#goAt = now;
        return null;
      case KEYS_KEY:
        return { kind: "keys" };
      case PROMPT_KEY:
        return { kind: "prompt" };
      case JOIN_KEY:
        return { kind: "join" };
      default:
        return null;
    }
  }
}

/** The part of an element that is used. */
export interface Focused {
  tagName: string;
  type?: string;
  isContentEditable?: boolean;
  closest?(selector: string): unknown;
}

/** Whether keys are text, or belong to what has them, as in an editor or an open dialog. */
export function takesKeys(focused: Focused | null): boolean {
  if (focused === null) return false;
  if (focused.isContentEditable === true) return true;
  if (focused.closest?.("dialog, [role=textbox], [role=combobox]")) return true;
  if (focused.tagName === "INPUT")
    return !["checkbox", "radio", "range", "button"].includes(focused.type ?? "");
  return focused.tagName === "TEXTAREA" || focused.tagName === "SELECT";
}
