// What an error in the worker means to the person at the page.

import type { ComputeFailure } from "../compute/failure";
import { WeightsError } from "../weights/errors";
import { EngineMissing, EngineUnreachable } from "./engine";

export function describeFailure(error: unknown): ComputeFailure {
  if (error instanceof WeightsError) return error.failure;
  if (error instanceof EngineMissing) return { code: "no_engine" };
  if (error instanceof EngineUnreachable) return { code: "engine_unreachable" };
  const message = error instanceof Error ? error.message : String(error);
  // Browsers and allocators each have their own words for it.
  const outOfMemory = error instanceof RangeError || /out of memory|allocat/i.test(message);
  return outOfMemory ? { code: "out_of_memory" } : { code: "engine", message };
}
