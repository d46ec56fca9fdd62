import { describe, expect, it } from "vitest";

import type { ComputeFailure } from "../compute/failure";
import { onGpu, onProcessor } from "../testing/computation";
import type { NoGpu } from "../worker/wasm";
import { computationSentences } from "./computation";
import { failureSentence } from "./failure";
import { formatsOf } from "./format";
import { dictionaries, languages } from "./language";

const failures: ComputeFailure[] = [
  { code: "network_lost" },
  { code: "source_missing" },
  { code: "wrong_length" },
  { code: "corrupt" },
  { code: "storage_full", neededBytes: 5e8, freeBytes: 1e8 },
  { code: "storage_full", neededBytes: 5e8, freeBytes: null },
  { code: "storage_unavailable" },
  { code: "browser_too_old", missing: "simd" },
  { code: "browser_too_old", missing: "secure_context" },
  { code: "not_enough_memory", neededBytes: 5e9, deviceBytes: null },
  { code: "nothing_fits" },
  { code: "unknown_model", modelId: "x" },
  { code: "catalogue_unreachable" },
  { code: "no_engine" },
  { code: "engine_unreachable" },
  { code: "out_of_memory" },
  { code: "engine", message: "boom" },
  { code: "worker_lost" },
  { code: "refused", closeCode: 4002, reason: "version" },
  { code: "refused", closeCode: 4001, reason: "key" },
  { code: "refused", closeCode: 4008, reason: "nodes" },
  { code: "refused", closeCode: 4009, reason: "ban" },
  { code: "refused", closeCode: 4005, reason: "too many frames" },
];

describe.each(languages)("in %s", (language) => {
  const text = dictionaries[language];
  const formats = formatsOf(language);

  it.each(failures)("$code says what happened and what to do", (failure) => {
    const sentence = failureSentence(failure, text, formats);
    expect(sentence.split(/[.:;,] /).length).toBeGreaterThan(1);
    expect(sentence).not.toContain("undefined");
  });

  it("has a different sentence for each failure", () => {
    const sentences = failures.map((failure) => failureSentence(failure, text, formats));
    expect(new Set(sentences).size).toBe(failures.length);
  });
});

describe.each(languages)("what computes, in %s", (language) => {
  const text = dictionaries[language];

  it("names the adapter, and says that it was lost", () => {
    const [first, ...rest] = computationSentences(onGpu, text);
    expect(first).toContain("adapter");
    expect(rest).toEqual([]);
    expect(computationSentences({ ...onGpu, gpuLosses: 1 }, text)).toEqual([
      first,
      text.computation.lostOnce,
    ]);
  });

  it("is the processor by choice, or for a reason of its own", () => {
    expect(computationSentences(onProcessor, text)).toHaveLength(1);
    const reasons: NoGpu["reason"][] = ["unavailable", "slower", "does_not_fit", "failed", "lost"];
    const whys = reasons.map((reason) => {
      const noGpu = { reason, adapter: reason === "unavailable" ? null : "adapter", message: "the words" };
      const [, why = ""] = computationSentences({ ...onProcessor, noGpu }, text);
      expect(why.includes("adapter")).toBe(reason !== "unavailable");
      expect(why.includes("the words")).toBe(reason === "failed");
      return why;
    });
    expect(new Set(whys).size).toBe(reasons.length);
  });
});

describe("numbers", () => {
  const finnish = formatsOf("fi");
  const english = formatsOf("en");

  it("are written as people of the language do", () => {
    expect(finnish.bytes(491_400_064)).toBe("491\u00a0Mt");
    expect(english.bytes(491_400_064)).toBe("491\u00a0MB");
    expect(finnish.bytes(12_300_000)).toBe("12,3\u00a0Mt");
    expect(finnish.bytes(20_000_000)).toBe("20\u00a0Mt");
    expect(english.bytes(1_117_320_768)).toBe("1.1\u00a0GB");
    expect(english.bytes(0)).toBe("0\u00a0B");
    expect(finnish.rate(21.46)).toBe("21,5");
    expect(finnish.rate(2333.3)).toBe("2\u00a0333");
    expect(finnish.decimal(4.25)).toBe("4,3");
  });

  it("round times up", () => {
    expect([0, 59.2, 61, 3600].map((seconds) => english.duration(seconds))).toEqual([
      "0 s",
      "1 min 0 s",
      "1 min 1 s",
      "1 h 0 min",
    ]);
  });
});
