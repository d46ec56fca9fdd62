import { describe, expect, it } from "vitest";

import type { NodeStats } from "../hub/stats";
import { deviceFacts, isOwn, kindOf, loadOf, roughly, sortNodes, uptime } from "./nodes";

function node(id: string, change: Partial<NodeStats> = {}): NodeStats {
  return {
    id,
    name: `kone-${id}`,
    kind: "native",
    trusted: false,
    paused: false,
    only_own: false,
    suspended: false,
    models: [],
    busy: 0,
    slots: 1,
    device: {},
    tokens_per_second: null,
    prompts: 0,
    tokens: 0,
    joined_at: 100,
    ...change,
  };
}

describe("the order of machines", () => {
  it("is this browser, then as they joined, then by their ids", () => {
    const nodes = [
      node("10"),
      node("9"),
      node("3", { joined_at: 50 }),
      node("4", { kind: "browser", name: "selain-4f1c", joined_at: 999 }),
      node("1", { joined_at: undefined }),
    ];
    expect(sortNodes(nodes, "selain-4f1c").map(({ id }) => id)).toEqual(["4", "1", "3", "9", "10"]);
  });

  it("does not depend on what they do", () => {
    const calm = [node("1"), node("2")];
    const busy = [node("2", { busy: 1, tokens_per_second: 99 }), node("1", { prompts: 7 })];
    const ids = (nodes: NodeStats[]) => sortNodes(nodes, "").map(({ id }) => id);
    expect(ids(busy)).toEqual(ids(calm));
  });
});

it("knows this browser by its name, and no program by it", () => {
  expect(isOwn(node("1", { kind: "browser", name: "selain-1" }), "selain-1")).toBe(true);
  expect(isOwn(node("1", { kind: "browser", name: "selain-2" }), "selain-1")).toBe(false);
  expect(isOwn(node("1", { kind: "native", name: "selain-1" }), "selain-1")).toBe(false);
});

it("knows two kinds, and that there may be more", () => {
  expect(["browser", "native", "toaster"].map((kind) => kindOf(node("1", { kind })))).toEqual([
    "browser",
    "native",
    "other",
  ]);
});

it.each([
  [{}, { cpu: null, cores: null, gibibytes: null, gpu: null }],
  [
    { cpu: "  ", cores: 4 },
    { cpu: null, cores: 4, gibibytes: null, gpu: null },
  ],
  [
    { cpu: " Apple M2 ", memory_bytes: 16 * 1024 ** 3, webgpu: "apple" },
    { cpu: "Apple M2", cores: null, gibibytes: 16, gpu: "apple" },
  ],
  [
    { memory_bytes: 33_501_757_440, gpu: { name: "RTX 4090" }, webgpu: "nvidia" },
    { cpu: null, cores: null, gibibytes: 32, gpu: "RTX 4090" },
  ],
])("tells of %o what is known", (device, facts) => {
  expect(deviceFacts(device)).toEqual(facts);
});

it("counts how long a machine has been here, whatever the clocks say", () => {
  expect(uptime(node("1"), 160_000)).toBe(60);
  expect(uptime(node("1"), 10_000)).toBe(0);
  expect(uptime(node("1", { joined_at: undefined }), 160_000)).toBe(null);
});

it.each([
  [0, "seconds", 0, 0],
  [59.9, "seconds", 59, 0],
  [60, "minutes", 1, 0],
  [3599, "minutes", 59, 0],
  [93_720, "hours", 26, 2],
  [172_799, "hours", 47, 59],
  [180_000, "days", 2, 2],
])("tells %d seconds in %s", (seconds, unit, count, rest) => {
  expect(roughly(seconds)).toEqual({ unit, count, rest });
});

it("adds up what is in use", () => {
  expect(loadOf([])).toEqual({ busy: 0, slots: 0 });
  expect(loadOf([node("1", { busy: 2, slots: 4 }), node("2", { busy: 1 })])).toEqual({ busy: 3, slots: 5 });
});
