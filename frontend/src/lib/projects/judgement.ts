// What a request that came to nothing means for a project: whether to wait, to ask somebody else, or to give up.

import { HubError } from "../hub/client";

export type Judgement =
  /** The hub does not answer: it comes back, or the person's network does. */
  | "hub"
  /** No machine has the model now. */
  | "nobody"
  /** All machines have enough to do. */
  | "busy"
  /** A machine began and did not end. */
  | "lost"
  /** The machine's window is smaller than it was thought to be. */
  | "window"
  /** The hub wants a key, or another one, or gives this one no more today. */
  | "key"
  /** Asking again would come to the same. */
  | "hopeless";

/** What can be wrong with a key: the codes that there are words for. */
const KEY_TROUBLES = [
  "missing_api_key",
  "invalid_api_key",
  "expired_api_key",
  "insufficient_scope",
  "model_not_allowed",
  "insufficient_quota",
];

export function judge(error: unknown): Judgement {
  if (!(error instanceof HubError)) return "hopeless";
  const { failure } = error;
  if (failure.kind === "unreachable") return "hub";
  if (failure.kind === "unreadable") return "lost";
  const code = failure.code ?? "";
  if (KEY_TROUBLES.includes(code)) return "key";
  switch (code) {
    case "no_node_available":
      return "nobody";
    case "rate_limit_exceeded":
    case "queue_full":
    case "deadline_expired":
    case "hub_stopping":
      return "busy";
    case "context_length_exceeded":
      return "window";
    case "node_lost":
    case "out_of_memory":
      return "lost";
  }
  if (failure.status === 401) return "key";
  if (failure.status === 429 || failure.status === 503) return "busy";
  return failure.status === 200 || failure.status >= 500 ? "lost" : "hopeless";
}

/** The code that says what is wrong with the key. */
export function keyTroubleOf(error: unknown): string {
  const code = error instanceof HubError && error.failure.kind === "refused" ? error.failure.code : null;
  return KEY_TROUBLES.find((trouble) => trouble === code) ?? "invalid_api_key";
}

/** The hub's own words; none of them, the kind of failure. */
export function wordsOf(error: unknown): string {
  if (error instanceof HubError) {
    const { failure } = error;
    if (failure.kind !== "refused") return failure.kind;
    return failure.message || `HTTP ${failure.status}`;
  }
  return error instanceof Error ? error.message : String(error);
}
