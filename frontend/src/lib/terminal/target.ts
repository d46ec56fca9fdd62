// Which model a prompt goes to, and why it can't go anywhere.

import { get } from "svelte/store";

import { TAB_CONTEXT_LENGTH } from "../compute/fit";
import { answeringModel } from "../compute/state";
import { findModel, type CatalogueModel } from "../hub/catalogue";
import type { Studio } from "../studio/studio";
import type { Obstacle } from "./entries";

export type Target =
  { kind: "model"; model: string; contextLength: number } | { kind: "obstacle"; obstacle: Obstacle };

/** What decides where a prompt goes. */
export interface Circumstances {
  /** The model with which this tab answers; null where it does not. */
  own: string | null;
  /** Only this tab may answer. */
  ownNodes: boolean;
  /** The agent's own model; null where it takes whichever answers. */
  wanted: string | null;
  /** The model that answers when nobody names one. */
  answering: string | null;
  models: readonly CatalogueModel[];
}

export function chooseTarget({ own, ownNodes, wanted, answering, models }: Circumstances): Target {
  // Somebody who wants no other machine to see a prompt must not have it sent there because this one stopped.
  if (ownNodes && own === null) return { kind: "obstacle", obstacle: "own_idle" };
  const model = ownNodes ? own : (wanted ?? answering);
  if (model === null) return { kind: "obstacle", obstacle: "nobody" };
  // Any machine may answer, and a tab keeps the least room.
  const longest = findModel(models, model)?.context_length ?? TAB_CONTEXT_LENGTH;
  return { kind: "model", model, contextLength: Math.min(TAB_CONTEXT_LENGTH, longest) };
}

export function targetOf(studio: Studio, wanted: string | null): Target {
  return chooseTarget({
    own: answeringModel(studio.compute.value.state),
    ownNodes: studio.ownNodes.value,
    wanted,
    answering: get(studio.answering),
    models: studio.hub.value.models ?? [],
  });
}
