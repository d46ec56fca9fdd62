// Whether somebody is in: asked first, and again whenever the hub says that nobody is.

import { Observable } from "../compute/observable";
import { HubError, type HubFailure } from "../hub/client";
import type { AdminApi, Session } from "./api";

export type DoorState =
  | { kind: "asking" }
  /** There is no way in from here. */
  | { kind: "closed" }
  /** A password opens it; `failure`: why the last one did not. */
  | { kind: "login"; failure: HubFailure | null; trying: boolean }
  | { kind: "in"; session: Session }
  /** The hub does not answer, or is older than the page. */
  | { kind: "failed"; failure: HubFailure };

export class Door extends Observable<DoorState> {
  readonly #api: AdminApi;

  constructor(api: AdminApi) {
    super({ kind: "asking" });
    this.#api = api;
  }

  async ask(): Promise<void> {
    try {
      this.set({ kind: "in", session: await this.#api.session() });
    } catch (error) {
      this.#refuse(failureOf(error));
    }
  }

  async logIn(password: string): Promise<void> {
    this.set({ kind: "login", failure: null, trying: true });
    try {
      this.set({ kind: "in", session: await this.#api.logIn(password) });
    } catch (error) {
      const failure = failureOf(error);
      if (isClosed(failure)) this.set({ kind: "closed" });
      else this.set({ kind: "login", failure, trying: false });
    }
  }

  async logOut(): Promise<void> {
    await this.#api.logOut().catch(() => undefined);
    await this.ask();
  }

  /** What a request failed with: where it means that nobody is in, the door shuts. */
  hear(failure: HubFailure): void {
    if (failure.kind === "refused" && (failure.status === 401 || isClosed(failure))) this.#refuse(failure);
  }

  #refuse(failure: HubFailure): void {
    if (failure.kind === "refused" && failure.status === 401)
      this.set({ kind: "login", failure: null, trying: false });
    else if (isClosed(failure)) this.set({ kind: "closed" });
    else this.set({ kind: "failed", failure });
  }
}

export function failureOf(error: unknown): HubFailure {
  return error instanceof HubError ? error.failure : { kind: "unreachable" };
}

function isClosed(failure: HubFailure): boolean {
  return failure.kind === "refused" && failure.code === "admin_closed";
}
