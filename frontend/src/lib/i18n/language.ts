// Which language a person reads: Finnish until they choose another, kept in the browser.

import type { KeyValue } from "../settings/storage";
import { en } from "./en";
import { fi, type Dictionary } from "./fi";

export type Language = "fi" | "en";

export const dictionaries: Record<Language, Dictionary> = { fi, en };

export const languages: readonly Language[] = ["fi", "en"];

const KEY = "kipina.language";

export function loadLanguage(storage: KeyValue): Language {
  return storage.getItem(KEY) === "en" ? "en" : "fi";
}

export function saveLanguage(storage: KeyValue, language: Language): void {
  storage.setItem(KEY, language);
}
