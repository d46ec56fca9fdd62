import { describe, expect, it } from "vitest";

import { adapterName } from "./adapter";

const gpu = (requestAdapter: () => Promise<unknown>) => ({ requestAdapter }) as unknown as GPU;
const called = (info: object) =>
  gpu(() => Promise.resolve({ info: { vendor: "", architecture: "", description: "", ...info } }));

describe("a GPU's name", () => {
  it.each<[string | null, string, GPU | undefined]>([
    ["Apple M2", "its description", called({ vendor: "apple", description: "Apple M2" })],
    ["nvidia ampere", "its maker and kind", called({ vendor: "nvidia", architecture: "ampere" })],
    ["intel", "as much as is told", called({ vendor: "intel" })],
    [null, "nothing where nothing is told", called({})],
    [null, "nothing without WebGPU", undefined],
    [null, "nothing without an adapter", gpu(() => Promise.resolve(null))],
    [null, "nothing where the adapter fails", gpu(() => Promise.reject(new Error("no driver")))],
  ])("%j is %s", async (name, _, asked) => {
    expect(await adapterName(asked)).toBe(name);
  });
});
