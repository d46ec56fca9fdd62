// Is there room for a file? Asked before the download, not found out at its end.

import { WeightsError } from "./errors";

/** Browsers count what they store beside the files, too. */
const SPARE_BYTES = 16 * 1024 * 1024;

export interface SpaceEstimate {
  quota?: number;
  usage?: number;
}

/** Throws `storage_full` where the browser says that the missing part of a file won't fit. */
export function requireSpace(missingBytes: number, estimate: SpaceEstimate): void {
  if (missingBytes === 0 || estimate.quota === undefined) return;
  const freeBytes = Math.max(0, estimate.quota - (estimate.usage ?? 0));
  const neededBytes = missingBytes + SPARE_BYTES;
  if (neededBytes > freeBytes) throw new WeightsError({ code: "storage_full", neededBytes, freeBytes });
}
