// What can go wrong between a model's source and its place on disk.

export type WeightsFailure =
  /** The connection broke and did not come back. */
  | { code: "network_lost" }
  /** No source has the file. */
  | { code: "source_missing" }
  /** A source has a file of another length under this name. */
  | { code: "wrong_length" }
  /** The checksum was wrong twice. */
  | { code: "corrupt" }
  | { code: "storage_full"; neededBytes: number; freeBytes: number | null }
  /** The browser lets this page store nothing. */
  | { code: "storage_unavailable" };

export class WeightsError extends Error {
  override readonly name = "WeightsError";

  constructor(readonly failure: WeightsFailure) {
    super(failure.code);
  }
}

/** Turns the browser's "disk full" into ours; other errors pass as they are. */
export function asStorageError(error: unknown, neededBytes: number): unknown {
  if (error instanceof DOMException && error.name === "QuotaExceededError") {
    return new WeightsError({ code: "storage_full", neededBytes, freeBytes: null });
  }
  return error;
}
