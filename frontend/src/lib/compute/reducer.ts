// How the tab's computing changes: state and action in, state out. No clock, no browser.

import type { DownloadProgress } from "../weights/download";
import type { Computation, NodeEvent } from "../worker/wasm";
import type { ComputeFailure } from "./failure";
import type { Compute, ComputeState, Concern, Holder, RunningPrompt, Tally } from "./state";
import type { Rate } from "./transfer-rate";

export type Action =
  | { type: "start"; modelId: string; restarted: boolean }
  | { type: "ask"; concerns: readonly Concern[] }
  | { type: "declined" }
  | { type: "elsewhere"; holder: Holder | null }
  /** The other tab has let go. */
  | { type: "free_again" }
  | { type: "prepare" }
  | { type: "progress"; progress: DownloadProgress; rate: Rate }
  | { type: "building"; done: number; total: number }
  | { type: "loaded"; computation: Computation }
  | { type: "node"; event: NodeEvent; at: number }
  | { type: "paused"; paused: boolean }
  | { type: "stopping" }
  | { type: "stopped"; reason: "person" | "moved" }
  | { type: "failed"; failure: ComputeFailure };

type Running = Extract<ComputeState, { kind: "running" }>;

/** An action that makes no sense in a state leaves it as it is: messages may cross. */
export function reduce(compute: Compute, action: Action): Compute {
  if (action.type === "node") return heard(compute, action.event, action.at);
  const state = move(compute.state, action);
  if (action.type === "start") return { ...compute, state, restarted: action.restarted };
  return state === compute.state ? compute : { ...compute, state };
}

function move(state: ComputeState, action: Exclude<Action, { type: "node" }>): ComputeState {
  switch (action.type) {
    case "start":
      return { kind: "checking", modelId: action.modelId };
    case "ask":
      return state.kind === "checking"
        ? { kind: "asking", modelId: state.modelId, concerns: action.concerns }
        : state;
    case "declined":
      return state.kind === "asking" ? { kind: "idle" } : state;
    case "elsewhere":
      return state.kind === "checking" || state.kind === "elsewhere"
        ? { kind: "elsewhere", modelId: state.modelId, holder: action.holder }
        : state;
    case "free_again":
      return state.kind === "elsewhere" ? { kind: "idle" } : state;
    case "prepare":
      return state.kind === "checking" || state.kind === "asking"
        ? { kind: "preparing", modelId: state.modelId }
        : state;
    case "progress":
      return isLoading(state)
        ? { kind: "downloading", modelId: state.modelId, progress: action.progress, rate: action.rate }
        : state;
    case "building": {
      const { done, total } = action;
      if (isRebuilding(state)) return { ...state, rebuilding: { done, total } };
      return isLoading(state) ? { kind: "building", modelId: state.modelId, done, total } : state;
    }
    case "loaded": {
      const { computation } = action;
      if (isRebuilding(state)) return { ...state, computation, rebuilding: null };
      return isLoading(state) ? started(state.modelId, computation) : state;
    }
    case "paused":
      return state.kind === "running" ? { ...state, paused: action.paused } : state;
    case "stopping":
      return "modelId" in state && state.modelId !== null
        ? { kind: "stopping", modelId: state.modelId }
        : state;
    case "stopped":
      return { kind: "stopped", reason: action.reason };
    case "failed":
      return {
        kind: "failed",
        modelId: "modelId" in state ? state.modelId : null,
        failure: action.failure,
      };
  }
}

type Loading = Extract<ComputeState, { kind: "preparing" | "downloading" | "building" }>;

function isLoading(state: ComputeState): state is Loading {
  return state.kind === "preparing" || state.kind === "downloading" || state.kind === "building";
}

function isRebuilding(state: ComputeState): state is Running {
  return state.kind === "running" && state.rebuilding !== null;
}

function started(modelId: string, computation: Computation): ComputeState {
  return {
    kind: "running",
    modelId,
    connection: { kind: "connecting" },
    paused: false,
    prompts: [],
    computation,
    rebuilding: null,
  };
}

function heard(compute: Compute, event: NodeEvent, at: number): Compute {
  const { state, tally } = compute;
  if (state.kind !== "running") return compute;
  switch (event.type) {
    case "connected":
      return { ...compute, state: { ...state, connection: { kind: "connected", nodeId: event.nodeId } } };
    case "disconnected":
      // The hub gives what was under way here to another node.
      return {
        ...compute,
        state: { ...state, connection: { kind: "waiting", reason: event.reason }, prompts: [] },
      };
    case "refused":
      return failed(compute, { code: "refused", closeCode: event.code, reason: event.reason });
    case "promptStarted":
      return { ...compute, state: withPrompt(state, { taskId: event.taskId, tokens: 0, first: null }) };
    case "token":
      return counted(compute, state, event.taskId, event.count, at);
    case "promptFinished":
      return { ...compute, tally: finished(tally, event), state: withoutPrompt(state, event.taskId) };
    case "gpuLost":
      return { ...compute, state: { ...state, rebuilding: { done: 0, total: 0 } } };
    case "failed":
      return failed(
        compute,
        event.code === "out_of_memory"
          ? { code: "out_of_memory" }
          : { code: "engine", message: event.message },
      );
  }
}

function failed(compute: Compute, failure: ComputeFailure): Compute {
  return reduce(compute, { type: "failed", failure });
}

function withPrompt(state: Running, prompt: RunningPrompt): Running {
  return { ...withoutPrompt(state, prompt.taskId), prompts: [...state.prompts, prompt] };
}

function withoutPrompt(state: Running, taskId: string): Running {
  return { ...state, prompts: state.prompts.filter((prompt) => prompt.taskId !== taskId) };
}

function counted(compute: Compute, state: Running, taskId: string, count: number, at: number): Compute {
  let now = compute.tally.tokensPerSecondNow;
  const prompts = state.prompts.map((prompt) => {
    if (prompt.taskId !== taskId) return prompt;
    const tokens = prompt.tokens + count;
    const first = prompt.first ?? { at, tokens };
    // The first tokens end the prefill: only what comes after them tells how fast decoding is.
    if (at > first.at) now = ((tokens - first.tokens) * 1000) / (at - first.at);
    return { ...prompt, tokens, first };
  });
  return { ...compute, state: { ...state, prompts }, tally: { ...compute.tally, tokensPerSecondNow: now } };
}

function finished(tally: Tally, event: Extract<NodeEvent, { type: "promptFinished" }>): Tally {
  const measured = event.completionTokens > 0 && event.decodeMs > 0;
  return {
    prompts: tally.prompts + (event.outcome === "done" ? 1 : 0),
    completionTokens: tally.completionTokens + event.completionTokens,
    decodeMs: tally.decodeMs + event.decodeMs,
    tokensPerSecondNow: measured
      ? (event.completionTokens * 1000) / event.decodeMs
      : tally.tokensPerSecondNow,
  };
}
