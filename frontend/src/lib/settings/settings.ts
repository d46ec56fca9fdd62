// A person's choices, kept in the browser.

import * as v from "valibot";

import type { KeyValue } from "./storage";

const settings = v.object({
  /** Null: what Kipinä would choose. */
  modelId: v.optional(v.nullable(v.string()), null),
  threads: v.optional(v.nullable(v.number()), null),
  onlyOwn: v.optional(v.boolean(), false),
});

export type Settings = v.InferOutput<typeof settings>;

const KEY = "kipina.settings";

export const defaultSettings: Settings = v.parse(settings, {});

/** What can't be read, as from an older page, is as if it had never been chosen. */
export function loadSettings(storage: KeyValue): Settings {
  try {
    return v.parse(settings, JSON.parse(storage.getItem(KEY) ?? "{}"));
  } catch {
    return defaultSettings;
  }
}

export function saveSettings(storage: KeyValue, value: Settings): void {
  storage.setItem(KEY, JSON.stringify(value));
}
