import { describe, expect, it } from "vitest";

import { benchmarkGpu, rate } from "./gpu-benchmark";

/** A GPU whose passes take so long, after a start that takes as long as it takes. */
function fakeGpu(passMs: number, startMs: number) {
  const runs: number[] = [];
  let time = 0;
  const run = (passes: number): Promise<void> => {
    runs.push(passes);
    time += startMs + passes * passMs;
    return Promise.resolve();
  };
  return { runs, run, now: () => Math.floor(time) };
}

describe("a GPU's rate", () => {
  it.each([
    ["a fast one", 0.02, 0.2],
    ["an integrated one", 4, 1],
    ["a processor that plays one", 150, 5],
  ])("is found in about the time that was given: %s", async (_, passMs, startMs) => {
    const { runs, run, now } = fakeGpu(passMs, startMs);
    const passesPerSecond = await rate(run, 100, now);
    expect(passesPerSecond * passMs).toBeGreaterThan(900);
    expect(passesPerSecond * passMs).toBeLessThan(1100);
    expect(now()).toBeLessThan(300);
    expect(runs.length).toBeLessThan(6);
  });
});

describe("the benchmark", () => {
  const gpu = (requestAdapter: () => Promise<unknown>) => ({ requestAdapter }) as unknown as GPU;

  it.each<[string, GPU | undefined]>([
    ["without WebGPU", undefined],
    ["without an adapter", gpu(() => Promise.resolve(null))],
    ["with an adapter that fails", gpu(() => Promise.reject(new Error("no driver")))],
    [
      "with an adapter that has no device to give",
      gpu(() => Promise.resolve({ requestDevice: () => Promise.reject(new Error("lost")) })),
    ],
  ])("has no figure %s", async (_, broken) => {
    expect(await benchmarkGpu(broken, 100)).toBeNull();
  });
});
