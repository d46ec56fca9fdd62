// What a model says comes next: recorded for a few texts, computed for any once a model is loaded in this tab.

import { Observable } from "../compute/observable";
import type { Distribution } from "../worker/wasm";

export interface RecordedText {
  key: string;
  text: string;
  distribution: Distribution;
}

export interface NextTokenView {
  text: string;
  distribution: Distribution;
  /** Null: it was recorded. */
  modelId: string | null;
  /** While it is being computed for the text. */
  progress: { done: number; total: number } | null;
  failure: "empty" | "failed" | null;
}

export type AskDistribution = (
  text: string,
  onProgress: (done: number, total: number) => void,
) => Promise<Distribution>;

/** A pause in typing. */
const PAUSE_MS = 350;

export class NextToken extends Observable<NextTokenView> {
  readonly recorded: readonly [RecordedText, ...RecordedText[]];
  readonly #ask: AskDistribution;
  #model: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What was asked for an earlier text must not be shown with a later one. */
  #run = 0;

  constructor(recorded: readonly [RecordedText, ...RecordedText[]], ask: AskDistribution) {
    const [{ text, distribution }] = recorded;
    super({ text, distribution, modelId: null, progress: null, failure: null });
    this.recorded = recorded;
    this.#ask = ask;
  }

  /** The model that is loaded in this tab, if any: with one, texts can be edited. */
  setModel(modelId: string | null): void {
    if (modelId === this.#model) return;
    this.#model = modelId;
    if (modelId === null) this.#showRecorded(this.value.text);
    else this.#compute(this.value.text, 0);
  }

  /** One of the recorded texts. */
  choose(text: string): void {
    if (this.#model === null) this.#showRecorded(text);
    else this.#compute(text, 0);
  }

  edit(text: string): void {
    if (this.#model !== null) this.#compute(text, PAUSE_MS);
  }

  append(token: string): void {
    if (this.#model !== null) this.#compute(this.value.text + token, 0);
  }

  /** Nobody looks any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#run += 1;
  }

  #showRecorded(text: string): void {
    this.stop();
    const found = this.recorded.find((recorded) => recorded.text === text) ?? this.recorded[0];
    const { distribution } = found;
    this.set({ text: found.text, distribution, modelId: null, progress: null, failure: null });
  }

  #compute(text: string, pauseMs: number): void {
    this.stop();
    if (text === "") {
      this.set({ ...this.value, text, progress: null, failure: "empty" });
      return;
    }
    this.set({ ...this.value, text, progress: { done: 0, total: 0 }, failure: null });
    const run = this.#run;
    this.#timer = setTimeout(() => void this.#answer(text, run), pauseMs);
  }

  async #answer(text: string, run: number): Promise<void> {
    const modelId = this.#model;
    const stale = (): boolean => run !== this.#run;
    try {
      const distribution = await this.#ask(text, (done, total) => {
        if (!stale()) this.set({ ...this.value, progress: { done, total } });
      });
      if (!stale()) this.set({ text, distribution, modelId, progress: null, failure: null });
    } catch {
      if (!stale()) this.set({ ...this.value, progress: null, failure: "failed" });
    }
  }
}
