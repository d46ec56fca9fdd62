// The browser's storage in a test, with room for as much as is asked for.

import { forgivingStorage, type KeyValue } from "../settings/storage";

export class MemoryStorage implements KeyValue {
  readonly values = new Map<string, string>();
  /** Nothing more fits. */
  full = false;

  getItem(key: string): string | null {
    return this.values.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    if (this.full) throw new DOMException("full", "QuotaExceededError");
    this.values.set(key, value);
  }

  removeItem(key: string): void {
    this.values.delete(key);
  }

  /** As the page sees it. */
  forgiving(): KeyValue {
    return forgivingStorage(() => this);
  }
}
