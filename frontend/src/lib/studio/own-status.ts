// What the status bar says of this tab's computing.

import { faceOf, tokensPerSecondSoFar, type Compute, type Face } from "../compute/state";

export interface OwnStatus {
  face: Face;
  modelId: string | null;
  /** Of a download or a building, from 0 to 1. */
  fraction: number | null;
  tokensPerSecond: number | null;
  /** What computes: the adapter's name, or the processor. */
  computes: { gpu: string | null } | null;
  /** What a press of a button would do here; "look": only the view of the computing can tell what is the matter. */
  offer: "start" | "retry" | "look" | "pause" | "resume" | "stop" | "none";
}

export function ownStatus({ state, tally }: Compute): OwnStatus {
  const running = state.kind === "running";
  return {
    face: faceOf(state),
    modelId: "modelId" in state && state.kind !== "failed" ? state.modelId : null,
    fraction: fractionOf(state),
    tokensPerSecond: !running
      ? null
      : state.prompts.length > 0
        ? (tally.tokensPerSecondNow ?? tokensPerSecondSoFar(tally))
        : tokensPerSecondSoFar(tally),
    computes: running ? { gpu: state.computation.gpu } : null,
    offer: offerOf(state),
  };
}

function fractionOf(state: Compute["state"]): number | null {
  if (state.kind === "building") return share(state.done, state.total);
  if (state.kind === "running" && state.rebuilding !== null) {
    return share(state.rebuilding.done, state.rebuilding.total);
  }
  if (state.kind === "downloading") return share(state.progress.doneBytes, state.progress.totalBytes);
  return null;
}

function share(done: number, total: number): number {
  return total > 0 ? Math.min(1, done / total) : 0;
}

function offerOf(state: Compute["state"]): OwnStatus["offer"] {
  switch (state.kind) {
    case "idle":
    case "stopped":
      return "start";
    case "failed":
      return "retry";
    case "asking":
    case "elsewhere":
      return "look";
    case "running":
      return state.paused ? "resume" : "pause";
    case "checking":
    case "preparing":
    case "downloading":
    case "building":
      return "stop";
    case "stopping":
      return "none";
  }
}
