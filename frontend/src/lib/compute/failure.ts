// Everything that can keep a tab from computing. The dictionaries have a sentence for each.

import type { WeightsFailure } from "../weights/errors";
import type { MissingFeature } from "./features";

export type ComputeFailure =
  | WeightsFailure
  | { code: "browser_too_old"; missing: MissingFeature }
  | { code: "not_enough_memory"; neededBytes: number; deviceBytes: number | null }
  /** The catalogue has no model that this device could hold. */
  | { code: "nothing_fits" }
  /** The address of this page asks for a model that the catalogue doesn't have. */
  | { code: "unknown_model"; modelId: string }
  | { code: "catalogue_unreachable" }
  /** The hub was installed without the engine's wasm build. */
  | { code: "no_engine" }
  | { code: "engine_unreachable" }
  | { code: "out_of_memory" }
  | { code: "engine"; message: string }
  | { code: "worker_lost" }
  | { code: "refused"; closeCode: number; reason: string };

export type FailureCode = ComputeFailure["code"];
