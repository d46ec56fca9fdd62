import { describe, expect, it } from "vitest";

import { adapterName } from "./adapter";

const gpu = (requestAdapter: () => Promise<unknown>) => ({ requestAdapter }) as unknown as GPU;
const called = (info: object) =>
  gpu(() => Promise.resolve({ info: { vendor: "", architecture: "", description: "", ...info } }));

/** A GPU that is not there yet when it is first asked for. */
function late(info: object): GPU {
  const answers = [null, { info: { vendor: "", architecture: "", ...info } }];
  return gpu(() => Promise.resolve(answers.shift()));
}

describe("a GPU's name", () => {
  it.each<[string | null, string, GPU | undefined]>([
    ["Apple M2", "its description", called({ vendor: "apple", description: "Apple M2" })],
    ["nvidia ampere", "its maker and kind", called({ vendor: "nvidia", architecture: "ampere" })],
    ["intel", "as much as is told", called({ vendor: "intel" })],
    [null, "nothing where nothing is told", called({})],
    ["Apple M2", "its name where only the second to ask finds it", late({ description: "Apple M2" })],
    [null, "nothing without WebGPU", undefined],
    [null, "nothing without an adapter", gpu(() => Promise.resolve(null))],
    [null, "nothing where the adapter fails", gpu(() => Promise.reject(new Error("no driver")))],
  ])("%j is %s", async (name, _, asked) => {
    expect(await adapterName(asked)).toBe(name);
  });
});
