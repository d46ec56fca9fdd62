import { describe, expect, it } from "vitest";

import { sampleModel } from "../testing/catalogue";
import { chooseBuild, type Features } from "./features";
import { fileSize, fit, memoryNeeded } from "./fit";
import { clampThreads, defaultThreads } from "./threads";
import { TransferRate } from "./transfer-rate";

const GIB = 1024 ** 3;

describe("which build runs", () => {
  const all: Features = {
    secure: true,
    webassembly: true,
    simd: true,
    relaxedSimd: true,
    threads: true,
    isolated: true,
  };

  it.each<[Partial<Features>, ReturnType<typeof chooseBuild>]>([
    [{}, { build: "threads", missing: null }],
    [{ relaxedSimd: false }, { build: "plain", missing: "relaxed_simd" }],
    [{ threads: false }, { build: "plain", missing: "threads" }],
    [
      { isolated: false, threads: false },
      { build: "plain", missing: "isolation" },
    ],
    [
      { secure: false, isolated: false },
      { build: null, missing: "secure_context" },
    ],
    [{ simd: false }, { build: null, missing: "simd" }],
    [
      { webassembly: false, simd: false },
      { build: null, missing: "webassembly" },
    ],
  ])("with %o", (change, choice) => {
    expect(chooseBuild({ ...all, ...change })).toEqual(choice);
  });
});

describe("which model fits", () => {
  it("needs at most one and a half times the file for the smallest Qwen, and a little more", () => {
    expect(memoryNeeded(sampleModel)).toBeLessThan(1.7 * (sampleModel.bytes ?? 0));
  });

  it("fits half of the device's memory, or where nobody tells", () => {
    expect(fit(sampleModel, 2 * GIB)).toEqual({ fits: true });
    expect(fit(sampleModel, null)).toEqual({ fits: true });
    expect(fit(sampleModel, GIB)).toMatchObject({ fits: false, reason: "device_memory" });
  });

  it("estimates what the catalogue does not say, and refuses what is nowhere to be had", () => {
    const unpinned = { ...sampleModel, bytes: undefined, sha256: undefined, parameters: 3_085_938_688 };
    expect(fileSize(unpinned)).toEqual({ bytes: 2_160_157_082, exact: false });
    expect(fit(unpinned, null)).toEqual({ fits: true });
    const nowhere = { ...sampleModel, file_available: false, sources: [] };
    expect(fit(nowhere, null)).toEqual({ fits: false, reason: "no_source" });
    expect(fit({ ...unpinned, parameters: 7_615_616_512 }, null)).toMatchObject({ reason: "beyond_wasm" });
  });
});

describe("threads", () => {
  it.each([
    [1, 1],
    [2, 1],
    [4, 3],
    [8, 7],
    [32, 8],
  ])("of %i cores: %i", (cores, threads) => {
    expect(defaultThreads(cores)).toBe(threads);
  });

  it("are never more than cores, nor fewer than one", () => {
    expect([clampThreads(99, 4), clampThreads(-3, 4), clampThreads(2, 0)]).toEqual([4, 1, 1]);
  });
});

describe("a transfer's rate", () => {
  it("is unknown at first, then the mean of the last seconds", () => {
    const transfer = new TransferRate();
    transfer.add(0, 0);
    expect(transfer.rate(1000)).toEqual({ bytesPerSecond: null, secondsLeft: null });
    for (let second = 1; second <= 10; second += 1) transfer.add(second * 1000, second * 10);
    expect(transfer.rate(1000).bytesPerSecond).toBe(10);
    for (let second = 11; second <= 20; second += 1) transfer.add(second * 1000, 100 + (second - 10) * 40);
    expect(transfer.rate(1000)).toEqual({ bytesPerSecond: 40, secondsLeft: 12.5 });
  });

  it("starts anew when the file does", () => {
    const transfer = new TransferRate();
    transfer.add(0, 500);
    transfer.add(1000, 900);
    transfer.add(2000, 10);
    expect(transfer.rate(1000).bytesPerSecond).toBeNull();
  });
});
