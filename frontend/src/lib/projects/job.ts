// One question of the team, from the moment it is asked until it is answered or given up.

import { Observable } from "../compute/observable";
import { nameOf, type Purpose, type WorkRequest } from "./wasm";

/** What a question waits for before anybody answers it. */
export type Wait =
  | { for: "hub" }
  /** Somebody with this model; null: with any. */
  | { for: "node"; model: string | null }
  | { for: "turn" }
  /** Machines were lost with it; a moment's peace first. */
  | { for: "again" };

export interface JobState {
  wait: Wait | null;
  /** Who is asked; null while nobody is. */
  model: string | null;
  startedAt: number | null;
}

export class Job {
  readonly state = new Observable<JobState>({ wait: null, model: null, startedAt: null });
  /** The answer so far: changes with every token. */
  readonly text = new Observable("");
  readonly #abort = new AbortController();

  constructor(readonly request: WorkRequest) {}

  get purpose(): Purpose {
    return this.request.purpose;
  }

  /** The file that the answer is; null where it is none. */
  get path(): string | null {
    return "path" in this.purpose ? this.purpose.path : null;
  }

  get name(): string {
    return nameOf(this.request.purpose);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Nobody waits for its answer any more. */
  withdraw(): void {
    this.#abort.abort();
  }
}
