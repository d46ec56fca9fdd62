// A failure as one sentence that says what to do.

import type { ComputeFailure } from "../compute/failure";
import type { HubFailure } from "../hub/client";
import type { Dictionary } from "./fi";
import type { Formats } from "./format";

/** Codes with which a hub says why it closes a connection. */
const UNAUTHORISED = 4001;
const UNSUPPORTED_VERSION = 4002;
const TOO_MANY_NODES = 4008;
const BANNED = 4009;

export function failureSentence(failure: ComputeFailure, text: Dictionary, formats: Formats): string {
  const { failures } = text;
  switch (failure.code) {
    case "storage_full": {
      const needed = formats.bytes(failure.neededBytes);
      return failure.freeBytes === null
        ? failures.storage_full_unknown(needed)
        : failures.storage_full(needed, formats.bytes(failure.freeBytes));
    }
    case "browser_too_old":
      return failure.missing === "secure_context"
        ? failures.insecure(text.compute.slower.secure_context)
        : failures.browser_too_old(text.compute.slower[failure.missing]);
    case "not_enough_memory":
      return failures.not_enough_memory(formats.bytes(failure.neededBytes));
    case "unknown_model":
      return failures.unknown_model(failure.modelId);
    case "engine":
      return failures.engine(failure.message);
    case "refused":
      return refusalSentence(failure.closeCode, failure.reason, text);
    case "network_lost":
    case "source_missing":
    case "wrong_length":
    case "corrupt":
    case "storage_unavailable":
    case "nothing_fits":
    case "catalogue_unreachable":
    case "no_engine":
    case "engine_unreachable":
    case "out_of_memory":
    case "worker_lost":
      return failures[failure.code];
  }
}

function refusalSentence(closeCode: number, reason: string, { failures }: Dictionary): string {
  switch (closeCode) {
    case UNAUTHORISED:
      return failures.refused_key;
    case UNSUPPORTED_VERSION:
      return failures.refused_version;
    case TOO_MANY_NODES:
      return failures.refused_nodes;
    case BANNED:
      return failures.refused_ban(reason);
    default:
      return failures.refused(reason);
  }
}

export function answerFailureSentence(failure: HubFailure, text: Dictionary): string {
  const { errors } = text.prompt;
  if (failure.kind !== "refused") return errors[failure.kind];
  switch (failure.code) {
    case "no_node_available":
    case "model_not_found":
    case "missing_api_key":
    case "invalid_api_key":
    case "expired_api_key":
    case "insufficient_scope":
    case "model_not_allowed":
    case "insufficient_quota":
    case "rate_limit_exceeded":
    case "deadline_expired":
    case "context_length_exceeded":
    case "cancelled_by_operator":
    case "out_of_memory":
    case "node_lost":
    case "hub_stopping":
      return errors[failure.code];
    default:
      return errors.other(failure.message || `HTTP ${failure.status}`);
  }
}
