// Whether a model fits this device, and what it needs. Estimates err on the careful side: a clear "no" before
// the download is better than a dead tab after it.

import type { CatalogueModel } from "../hub/catalogue";
import { modelSources } from "../weights/sources";

const GIB = 1024 ** 3;
/** What 32-bit WebAssembly can address. */
const WASM_LIMIT_BYTES = 4 * GIB;
/** Packed weights and the file's tensor that is being packed. */
const MEMORY_PER_FILE_BYTE = 1.25;
/** Keys and values of the context, the tokenizer, the engine itself. */
const MEMORY_BESIDE_WEIGHTS_BYTES = 200_000_000;
/** A tab that takes more of a device's memory than this makes everything else on it crawl. */
const SHARE_OF_DEVICE = 0.5;
/** Bytes per weight where the catalogue gives no length: Q4_K_M of three thousand million weights and more. */
const BYTES_PER_WEIGHT = 0.7;

/** Tokens of prompt and answer together that a tab keeps room for. */
export const TAB_CONTEXT_LENGTH = 4096;

export type Fit =
  | { fits: true }
  | { fits: false; reason: "no_source" }
  | { fits: false; reason: "beyond_wasm"; neededBytes: number }
  | { fits: false; reason: "device_memory"; neededBytes: number; deviceBytes: number };

export interface FileSize {
  bytes: number;
  /** False where the catalogue does not say and the size is estimated. */
  exact: boolean;
}

/** What the catalogue tells about a file's size. */
type Sized = Pick<CatalogueModel, "bytes" | "parameters">;

export function fileSize(model: Sized): FileSize {
  return model.bytes === undefined
    ? { bytes: Math.round(model.parameters * BYTES_PER_WEIGHT), exact: false }
    : { bytes: model.bytes, exact: true };
}

export function memoryNeeded(model: Sized): number {
  return Math.round(fileSize(model).bytes * MEMORY_PER_FILE_BYTE + MEMORY_BESIDE_WEIGHTS_BYTES);
}

/** `deviceBytes` is null where the browser does not tell. */
export function fit(model: CatalogueModel, deviceBytes: number | null): Fit {
  const neededBytes = memoryNeeded(model);
  if (neededBytes > WASM_LIMIT_BYTES) return { fits: false, reason: "beyond_wasm", neededBytes };
  if (deviceBytes !== null && neededBytes > deviceBytes * SHARE_OF_DEVICE) {
    return { fits: false, reason: "device_memory", neededBytes, deviceBytes };
  }
  if (modelSources(model).length === 0) return { fits: false, reason: "no_source" };
  return { fits: true };
}
