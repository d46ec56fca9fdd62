// The page's projects in memory, and behind them the store: what can't be kept stays here as long as the page does.

import { Observable } from "../compute/observable";
import type { ProjectRecord } from "./record";
import { keepingAfter, type Keeping, type ProjectStore } from "./store";

export class Keeper {
  /** The latest changed first; null until the store has answered. */
  readonly records = new Observable<readonly ProjectRecord[] | null>(null);
  readonly keeping = new Observable<Keeping>("kept");
  readonly #store: ProjectStore;
  readonly #onKept: (id: string) => void;
  /** What is still to be written, the newest of each; null: to be removed. */
  readonly #pending = new Map<string, ProjectRecord | null>();
  /** What the store has not got, for all that is known. */
  readonly #unkept = new Set<string>();
  #writing: Promise<void> | null = null;

  constructor(store: ProjectStore, onKept: (id: string) => void) {
    this.#store = store;
    this.#onKept = onKept;
  }

  async load(): Promise<void> {
    const stored = await this.#attempt(() => this.#store.all(), []);
    const own = (this.records.value ?? []).filter(({ id }) => this.#isOwn(id));
    const gone = (id: string): boolean => this.#pending.get(id) === null;
    const others = stored.filter(({ id }) => !gone(id) && !own.some((record) => record.id === id));
    this.#show([...own, ...others]);
  }

  find(id: string): ProjectRecord | null {
    return this.records.value?.find((record) => record.id === id) ?? null;
  }

  /** As it is in the store now, where another tab may have written it. */
  async fresh(id: string): Promise<ProjectRecord | null> {
    if (this.#isOwn(id)) return this.find(id);
    const known = this.find(id);
    const stored = await this.#attempt(() => this.#store.get(id), known);
    if (stored !== null)
      this.#show([stored, ...(this.records.value ?? []).filter((other) => other.id !== id)]);
    else this.forget(id);
    return stored;
  }

  /** Resolves once the store has it, or could not take it. */
  put(record: ProjectRecord): Promise<void> {
    this.#show([record, ...(this.records.value ?? []).filter(({ id }) => id !== record.id)]);
    return this.#write(record.id, record);
  }

  remove(id: string): Promise<void> {
    this.forget(id);
    return this.#write(id, null);
  }

  /** Another tab has removed it. */
  forget(id: string): void {
    this.#unkept.delete(id);
    this.#show((this.records.value ?? []).filter((record) => record.id !== id));
  }

  #isOwn(id: string): boolean {
    return this.#unkept.has(id) || this.#pending.has(id);
  }

  #show(records: readonly ProjectRecord[]): void {
    this.records.set([...records].sort((a, b) => b.changedAt - a.changedAt));
  }

  #write(id: string, record: ProjectRecord | null): Promise<void> {
    this.#pending.set(id, record);
    this.#writing ??= this.#drain();
    return this.#writing;
  }

  /** The newest only: while one is written, the team may have gone three steps on. */
  async #drain(): Promise<void> {
    for (const [id, record] of this.#pending) {
      try {
        await (record === null ? this.#store.remove(id) : this.#store.put(record));
        this.#unkept.delete(id);
        if (this.#unkept.size === 0) this.keeping.set("kept");
        this.#onKept(id);
      } catch (error) {
        if (record !== null) this.#unkept.add(id);
        this.keeping.set(keepingAfter(error));
      }
      // A newer one that came meanwhile is the next.
      if (this.#pending.get(id) === record) this.#pending.delete(id);
    }
    this.#writing = null;
    if (this.#pending.size > 0) await (this.#writing = this.#drain());
  }

  async #attempt<Result>(act: () => Promise<Result>, otherwise: Result): Promise<Result> {
    try {
      return await act();
    } catch (error) {
      this.keeping.set(keepingAfter(error));
      return otherwise;
    }
  }
}
