import { describe, expect, it } from "vitest";

import { checkField, sameSampling, written } from "./sampling-draft";
import { defaultSettings } from "./settings";

describe("a number that is typed", () => {
  it("is taken with a comma or a point", () => {
    expect(checkField("temperature", " 0,45 ")).toEqual({ value: 0.45, fault: null });
    expect(checkField("temperature", "0.45")).toEqual({ value: 0.45, fault: null });
    expect(checkField("top_k", "0")).toEqual({ value: 0, fault: null });
  });

  it.each([
    ["temperature", "hot", "not_number"],
    ["temperature", "", "not_number"],
    ["temperature", "2.1", "out_of_range"],
    ["top_p", "0", "out_of_range"],
    ["top_k", "2.5", "not_whole"],
    ["max_tokens", "0", "out_of_range"],
  ] as const)("is refused for %s: %j", (field, typed, fault) => {
    expect(checkField(field, typed).fault).toBe(fault);
  });

  it("is written as people of the language do", () => {
    expect(written(0.7, ",")).toBe("0,7");
    expect(written(1024, ",")).toBe("1024");
  });
});

describe("defaults", () => {
  it("are the same while every number is", () => {
    const { sampling } = defaultSettings;
    expect(sameSampling(sampling, { ...sampling })).toBe(true);
    expect(sameSampling(sampling, { ...sampling, top_k: 41 })).toBe(false);
  });
});
