// Which model a press of "Start" means.

import { fit } from "../compute/fit";
import { findModel, type CatalogueModel } from "../hub/catalogue";

export type ModelChoice =
  | { kind: "model"; model: CatalogueModel }
  /** Asked for by name, and not in the catalogue. */
  | { kind: "unknown"; modelId: string }
  /** Nothing fits this device. */
  | { kind: "none" };

/** The first wish that was made; without any, the catalogue's first model that fits. */
export function chooseModel(
  models: readonly CatalogueModel[],
  wishes: { thisVisit: string | null; kept: string | null },
  deviceBytes: number | null,
): ModelChoice {
  if (wishes.thisVisit !== null) {
    const model = findModel(models, wishes.thisVisit);
    return model === undefined ? { kind: "unknown", modelId: wishes.thisVisit } : { kind: "model", model };
  }
  // A kept choice may have left the catalogue since.
  const kept = wishes.kept === null ? undefined : findModel(models, wishes.kept);
  const model = kept ?? models.find((candidate) => fit(candidate, deviceBytes).fits);
  return model === undefined ? { kind: "none" } : { kind: "model", model };
}
