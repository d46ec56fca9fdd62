// The model that is loaded in this tab; null without one.

import type { ComputeState } from "../../lib/compute/state";

export function loadedModel(state: ComputeState): string | null {
  return state.kind === "running" ? state.modelId : null;
}
