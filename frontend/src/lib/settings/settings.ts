// A person's choices, kept in the browser.

import * as v from "valibot";

import type { KeyValue } from "./storage";

const sampling = v.object({
  temperature: v.optional(v.number(), 0.7),
  top_k: v.optional(v.number(), 40),
  top_p: v.optional(v.number(), 0.95),
  repeat_penalty: v.optional(v.number(), 1.1),
  max_tokens: v.optional(v.number(), 1024),
});

const settings = v.object({
  /** Null: what Kipinä would choose. */
  modelId: v.optional(v.nullable(v.string()), null),
  threads: v.optional(v.nullable(v.number()), null),
  onlyOwn: v.optional(v.boolean(), false),
  compute: v.optional(v.picklist(["auto", "gpu", "cpu"]), "auto"),
  /** Computing begins when the page is opened, without a press of a button. */
  autoStart: v.optional(v.boolean(), false),
  /** Single keys go to views and open the map of the keys. */
  shortcuts: v.optional(v.boolean(), true),
  /** For a hub that wants one. */
  apiKey: v.optional(v.nullable(v.string()), null),
  /** What new agents begin with. */
  sampling: v.optional(sampling, {}),
});

/** How tokens are drawn; the fields are those of the chat API. */
export type Sampling = v.InferOutput<typeof sampling>;

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
