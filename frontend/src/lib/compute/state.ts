// The state of this tab's computing, as one plain value.

import type { DownloadProgress } from "../weights/download";
import type { Computation } from "../worker/wasm";
import type { ComputeFailure } from "./failure";
import type { Rate } from "./transfer-rate";

/** Why a person is asked before anything starts. */
export type Concern = "battery" | "data_saver";

/** The tab that computes in this one's stead. */
export interface Holder {
  modelId: string;
  /** Milliseconds since 1970. */
  since: number;
}

export type Connection =
  { kind: "connecting" } | { kind: "connected"; nodeId: string } | { kind: "waiting"; reason: string };

/** A prompt that is being answered here. */
export interface RunningPrompt {
  taskId: string;
  tokens: number;
  /** The first token's time and count: decoding is measured from there. */
  first: { at: number; tokens: number } | null;
}

export type ComputeState =
  | { kind: "idle" }
  | { kind: "checking"; modelId: string }
  | { kind: "asking"; modelId: string; concerns: readonly Concern[] }
  | { kind: "elsewhere"; modelId: string; holder: Holder | null }
  | { kind: "preparing"; modelId: string }
  | { kind: "downloading"; modelId: string; progress: DownloadProgress; rate: Rate }
  | { kind: "building"; modelId: string; done: number; total: number }
  | {
      kind: "running";
      modelId: string;
      connection: Connection;
      paused: boolean;
      prompts: readonly RunningPrompt[];
      computation: Computation;
      /** How far the model is that was lost with its GPU; null while it is whole. */
      rebuilding: { done: number; total: number } | null;
    }
  | { kind: "stopping"; modelId: string }
  | { kind: "stopped"; reason: "person" | "moved" }
  | { kind: "failed"; modelId: string | null; failure: ComputeFailure };

/** What this tab has done since it was opened. */
export interface Tally {
  prompts: number;
  completionTokens: number;
  decodeMs: number;
  /** Of the prompt being answered, else of the last one. */
  tokensPerSecondNow: number | null;
}

export interface Compute {
  state: ComputeState;
  tally: Tally;
  /** The worker died, and this is the next one. */
  restarted: boolean;
}

export const initialCompute: Compute = {
  state: { kind: "idle" },
  tally: { prompts: 0, completionTokens: 0, decodeMs: 0, tokensPerSecondNow: null },
  restarted: false,
};

/** The states in which this tab has work or memory to give up. */
export function isActive(state: ComputeState): boolean {
  switch (state.kind) {
    case "checking":
    case "preparing":
    case "downloading":
    case "building":
    case "running":
    case "stopping":
      return true;
    case "idle":
    case "asking":
    case "elsewhere":
    case "stopped":
    case "failed":
      return false;
  }
}

/** The model with which this tab takes prompts right now. */
export function answeringModel(state: ComputeState): string | null {
  const answers = state.kind === "running" && state.connection.kind === "connected" && !state.paused;
  return answers ? state.modelId : null;
}

/** One word for what a person sees. */
export type Face =
  Exclude<ComputeState["kind"], "running"> | "joining" | "offline" | "ready" | "busy" | "paused";

export function faceOf(state: ComputeState): Face {
  if (state.kind !== "running") return state.kind;
  if (state.connection.kind === "waiting") return "offline";
  if (state.rebuilding !== null) return "building";
  if (state.prompts.length > 0) return "busy";
  if (state.paused) return "paused";
  return state.connection.kind === "connected" ? "ready" : "joining";
}

export function tokensPerSecondSoFar(tally: Tally): number | null {
  return tally.decodeMs > 0 ? (tally.completionTokens * 1000) / tally.decodeMs : null;
}
