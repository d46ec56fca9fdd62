// Questions to the worker about the next token, and who waits for their answers.

import type { Distribution } from "../worker/wasm";
import type { FromWorker } from "./messages";

export type DistributionAnswer = Extract<
  FromWorker,
  { type: "distribution_progress" | "distribution" | "no_distribution" }
>;

interface Waiting {
  onProgress: (done: number, total: number) => void;
  resolve: (distribution: Distribution) => void;
  reject: (error: Error) => void;
}

export class Questions {
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  /** `post` gets the question's number. */
  ask(post: (id: number) => void, onProgress: Waiting["onProgress"]): Promise<Distribution> {
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { onProgress, resolve, reject });
      post(id);
    });
  }

  heard(answer: DistributionAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    if (answer.type === "distribution_progress") {
      waiting?.onProgress(answer.done, answer.total);
      return;
    }
    this.#waiting.delete(answer.id);
    if (answer.type === "distribution") waiting?.resolve(answer.distribution);
    else waiting?.reject(new Error(answer.message));
  }

  /** Nobody will answer any more. */
  giveUp(): void {
    for (const { reject } of this.#waiting.values()) reject(new Error("the computing ended"));
    this.#waiting.clear();
  }
}
