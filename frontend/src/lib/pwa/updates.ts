// A new version of the page: found by the browser, offered to a person, and never forced on them. The service
// worker itself is made by `integrations/service-worker.ts`.

import { Observable } from "../compute/observable";

/** "ready": a new version waits; "elsewhere": another tab has taken it, and this one is the old version still. */
export type UpdateState = "none" | "ready" | "elsewhere";

/** The parts of a `ServiceWorkerContainer` and of what it registers that are used. */
export interface WorkerContainer extends EventTarget {
  readonly controller: object | null;
  register(script: string, options: { updateViaCache: "none" }): Promise<WorkerRegistration | undefined>;
}

export interface WorkerRegistration extends EventTarget {
  readonly installing: WorkerHandle | null;
  readonly waiting: WorkerHandle | null;
  update(): Promise<unknown>;
}

export interface WorkerHandle extends EventTarget {
  readonly state: string;
  postMessage(message: unknown): void;
}

export interface UpdateSurroundings {
  /** Absent where the page is not secure. */
  container: WorkerContainer | undefined;
  reload(): void;
  now(): number;
}

const SCRIPT = "/sw.js";
/** A tab that stays open for days asks again when somebody comes back to it. */
const ASK_AGAIN_MS = 3_600_000;

export class Updates extends Observable<UpdateState> {
  readonly #surroundings: UpdateSurroundings;
  #registration: WorkerRegistration | null = null;
  #applying = false;
  #asked = 0;

  constructor(surroundings: UpdateSurroundings) {
    super("none");
    this.#surroundings = surroundings;
  }

  async register(): Promise<void> {
    const { container } = this.#surroundings;
    if (container === undefined) return;
    // The first worker of all takes the page over without being news.
    let known = container.controller !== null;
    container.addEventListener("controllerchange", () => {
      if (this.#applying) this.#surroundings.reload();
      else if (known) this.set("elsewhere");
      known = true;
    });
    try {
      // Tools that block workers answer with nothing.
      this.#registration = (await container.register(SCRIPT, { updateViaCache: "none" })) ?? null;
    } catch {
      // Forbidden, or the hub has no such file: the page works without.
      return;
    }
    this.#asked = this.#surroundings.now();
    if (this.#registration !== null) this.#follow(this.#registration, container);
  }

  /** Somebody came back to the page. */
  returned(): void {
    if (this.#surroundings.now() - this.#asked >= ASK_AGAIN_MS) void this.check();
  }

  /** Asks for a new version now. */
  async check(): Promise<void> {
    this.#asked = this.#surroundings.now();
    try {
      await this.#registration?.update();
    } catch {
      // No hub, no news.
    }
  }

  /** What a person wants: the page is loaded anew as soon as the new version is in charge. */
  apply(): void {
    const waiting = this.#registration?.waiting ?? null;
    if (waiting === null) {
      this.#surroundings.reload();
      return;
    }
    this.#applying = true;
    waiting.postMessage({ type: "SKIP_WAITING" });
  }

  later(): void {
    this.set("none");
  }

  #follow(registration: WorkerRegistration, container: WorkerContainer): void {
    if (registration.waiting !== null && container.controller !== null) this.set("ready");
    registration.addEventListener("updatefound", () => {
      const { installing } = registration;
      installing?.addEventListener("statechange", () => {
        if (installing.state === "installed" && container.controller !== null) this.set("ready");
      });
    });
  }
}
