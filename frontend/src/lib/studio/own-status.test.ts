import { describe, expect, it } from "vitest";

import { initialCompute, type ComputeState, type Tally } from "../compute/state";
import { onGpu, onProcessor } from "../testing/computation";
import { ownStatus } from "./own-status";

const of = (state: ComputeState, tally: Partial<Tally> = {}) =>
  ownStatus({ ...initialCompute, state, tally: { ...initialCompute.tally, ...tally } });

const running = {
  kind: "running",
  modelId: "m",
  connection: { kind: "connected", nodeId: "1" },
  paused: false,
  prompts: [],
  computation: onGpu,
  rebuilding: null,
} as const;

describe("the status of a tab's own computing", () => {
  it("offers a start, and names no model, while nothing runs", () => {
    expect(of({ kind: "idle" })).toEqual({
      face: "idle",
      modelId: null,
      fraction: null,
      tokensPerSecond: null,
      computes: null,
      offer: "start",
    });
    expect(of({ kind: "stopped", reason: "person" }).offer).toBe("start");
  });

  it("shows how far a download and a building are", () => {
    const progress = { step: "fetching", source: "hub", doneBytes: 25, totalBytes: 100 } as const;
    const rate = { bytesPerSecond: null, secondsLeft: null };
    expect(of({ kind: "downloading", modelId: "m", progress, rate }).fraction).toBe(0.25);
    expect(of({ kind: "building", modelId: "m", done: 62, total: 100 }).fraction).toBe(0.62);
    expect(of({ kind: "building", modelId: "m", done: 0, total: 0 }).fraction).toBe(0);
    expect(of({ kind: "building", modelId: "m", done: 0, total: 0 }).offer).toBe("stop");
  });

  it("has the speed of the answer under way, else the average", () => {
    const tally = { completionTokens: 40, decodeMs: 4000 };
    expect(of(running).tokensPerSecond).toBeNull();
    expect(of(running, tally).tokensPerSecond).toBe(10);
    const busy = { ...running, prompts: [{ taskId: "1", tokens: 3, first: null }] };
    expect(of(busy, { ...tally, tokensPerSecondNow: 12 }).tokensPerSecond).toBe(12);
    expect(of({ kind: "idle" }, tally).tokensPerSecond).toBeNull();
  });

  it("says what computes, and how far a model is that was lost with its GPU", () => {
    expect(of(running).computes).toEqual({ gpu: "adapter" });
    expect(of({ ...running, computation: onProcessor }).computes).toEqual({ gpu: null });
    const rebuilding = { ...running, rebuilding: { done: 1, total: 4 } };
    expect(of(rebuilding)).toMatchObject({ face: "building", fraction: 0.25, offer: "pause" });
  });

  it("offers what fits the moment", () => {
    expect(of(running).offer).toBe("pause");
    expect(of({ ...running, paused: true }).offer).toBe("resume");
    expect(of({ kind: "asking", modelId: "m", concerns: ["battery"] }).offer).toBe("look");
    expect(of({ kind: "elsewhere", modelId: "m", holder: null }).offer).toBe("look");
    expect(of({ kind: "failed", modelId: "m", failure: { code: "no_engine" } }).offer).toBe("retry");
    expect(of({ kind: "stopping", modelId: "m" }).offer).toBe("none");
  });
});
