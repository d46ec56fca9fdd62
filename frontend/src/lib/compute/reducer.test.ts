import { describe, expect, it } from "vitest";

import { onGpu, onProcessor } from "../testing/computation";
import type { NodeEvent } from "../worker/wasm";
import { reduce, type Action } from "./reducer";
import { faceOf, initialCompute, tokensPerSecondSoFar, type Compute } from "./state";

const rate = { bytesPerSecond: null, secondsLeft: null };
const fetching = { step: "fetching", source: "hub", doneBytes: 1, totalBytes: 2 } as const;

function after(actions: Action[], from: Compute = initialCompute): Compute {
  return actions.reduce(reduce, from);
}

function node(event: NodeEvent, at = 0): Action {
  return { type: "node", event, at };
}

const toRunning: Action[] = [
  { type: "start", modelId: "m", restarted: false },
  { type: "prepare" },
  { type: "progress", progress: fetching, rate },
  { type: "building", done: 1, total: 2 },
  { type: "loaded", computation: onGpu },
];
const toReady: Action[] = [...toRunning, node({ type: "connected", nodeId: "n" })];
const finished: NodeEvent = {
  type: "promptFinished",
  taskId: "t",
  promptTokens: 5,
  completionTokens: 30,
  prefillMs: 100,
  decodeMs: 3000,
  outcome: "done",
};

describe("the way from a press to an answer", () => {
  it("goes through every step in order", () => {
    const faces = toReady.map((_, index) => faceOf(after(toReady.slice(0, index + 1)).state));
    expect(faces).toEqual(["checking", "preparing", "downloading", "building", "joining", "ready"]);
  });

  it("needs no download when the model is on disk", () => {
    const { state } = after([
      { type: "start", modelId: "m", restarted: false },
      { type: "prepare" },
      { type: "loaded", computation: onGpu },
    ]);
    expect(state.kind).toBe("running");
  });

  it("asks first, and takes no for an answer", () => {
    const asking = after([
      { type: "start", modelId: "m", restarted: false },
      { type: "ask", concerns: ["battery"] },
    ]);
    expect(asking.state).toEqual({ kind: "asking", modelId: "m", concerns: ["battery"] });
    expect(reduce(asking, { type: "declined" }).state.kind).toBe("idle");
  });

  it("waits for another tab, and is free when that ends", () => {
    const holder = { modelId: "other", since: 5 };
    const elsewhere = after([
      { type: "start", modelId: "m", restarted: false },
      { type: "elsewhere", holder: null },
      { type: "elsewhere", holder },
    ]);
    expect(elsewhere.state).toEqual({ kind: "elsewhere", modelId: "m", holder });
    expect(reduce(elsewhere, { type: "free_again" }).state.kind).toBe("idle");
  });

  it("keeps the model's name with a failure", () => {
    const { state } = after([...toRunning.slice(0, 3), { type: "failed", failure: { code: "corrupt" } }]);
    expect(state).toEqual({ kind: "failed", modelId: "m", failure: { code: "corrupt" } });
  });

  it.each<[string, Action]>([
    ["progress", { type: "progress", progress: fetching, rate }],
    ["a load's end", { type: "loaded", computation: onGpu }],
    ["a pause", { type: "paused", paused: true }],
    ["an answer", node(finished)],
    ["another tab's end", { type: "free_again" }],
  ])("ignores %s that comes after it was stopped", (_, late) => {
    const stopped = after([...toReady, { type: "stopping" }, { type: "stopped", reason: "person" }]);
    expect(reduce(stopped, late)).toBe(stopped);
  });
});

describe("a running tab", () => {
  it("is busy while it answers, and counts what it has done", () => {
    const busy = after([...toReady, node({ type: "promptStarted", taskId: "t" })]);
    expect(faceOf(busy.state)).toBe("busy");
    const done = reduce(busy, node(finished));
    expect(faceOf(done.state)).toBe("ready");
    expect(done.tally).toMatchObject({ prompts: 1, completionTokens: 30, tokensPerSecondNow: 10 });
    expect(tokensPerSecondSoFar(done.tally)).toBe(10);
  });

  it("measures decoding from the first token on, not from the prompt's start", () => {
    const { tally } = after([
      ...toReady,
      node({ type: "promptStarted", taskId: "t" }, 0),
      node({ type: "token", taskId: "t", count: 1 }, 5000),
      node({ type: "token", taskId: "t", count: 4 }, 5500),
      node({ type: "token", taskId: "t", count: 6 }, 6000),
    ]);
    expect(tally.tokensPerSecondNow).toBe(10);
  });

  it("does not count a cancelled prompt as answered", () => {
    const { tally } = after([...toReady, node({ ...finished, outcome: "cancelled" })]);
    expect(tally.prompts).toBe(0);
    expect(tally.completionTokens).toBe(30);
  });

  it("forgets its prompts with the connection, and comes back", () => {
    const lost = after([
      ...toReady,
      node({ type: "promptStarted", taskId: "t" }),
      node({ type: "disconnected", reason: "gone", retryInMs: 1000 }),
    ]);
    expect(faceOf(lost.state)).toBe("offline");
    expect(faceOf(reduce(lost, node({ type: "connected", nodeId: "n" })).state)).toBe("ready");
  });

  it("is paused, but finishes what it has begun", () => {
    const paused = after([
      ...toReady,
      node({ type: "promptStarted", taskId: "t" }),
      { type: "paused", paused: true },
    ]);
    expect(faceOf(paused.state)).toBe("busy");
    expect(faceOf(reduce(paused, node(finished)).state)).toBe("paused");
  });

  it("is built anew when its GPU is lost, and knows what computes then", () => {
    const lost = after([...toReady, node({ type: "gpuLost", message: "unplugged" })]);
    expect(faceOf(lost.state)).toBe("building");
    const building = after([{ type: "building", done: 1, total: 2 }], lost);
    expect(building.state).toMatchObject({ kind: "running", rebuilding: { done: 1, total: 2 } });
    const noGpu = { reason: "lost", adapter: "adapter", message: "" } as const;
    const computation = { ...onProcessor, gpuLosses: 2, noGpu };
    const back = after([{ type: "loaded", computation }], building);
    expect(faceOf(back.state)).toBe("ready");
    expect(back.state).toMatchObject({ computation, rebuilding: null });
  });

  it.each<[NodeEvent, string]>([
    [{ type: "refused", code: 4002, reason: "version" }, "refused"],
    [{ type: "failed", code: "out_of_memory", message: "" }, "out_of_memory"],
    [{ type: "failed", code: "engine", message: "broken" }, "engine"],
  ])("fails on %o", (event, code) => {
    expect(after([...toReady, node(event)]).state).toMatchObject({ kind: "failed", failure: { code } });
  });
});
