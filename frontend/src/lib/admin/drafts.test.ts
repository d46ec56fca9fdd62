import { describe, expect, it } from "vitest";

import type { Setting } from "./api";
import { reasonFrom } from "./ban-draft";
import { emptyDraft, termsOf, type KeyDraft } from "./key-draft";
import { inGroups, numberFrom, patchFor, setterOf } from "./setting-draft";

const NOW = 1_790_000_000_000;

const draft = (change: Partial<KeyDraft>): KeyDraft => ({ ...emptyDraft(), name: "Aino", ...change });

const setting = (change: Partial<Setting>): Setting => ({
  name: "queue_length",
  kind: "count",
  choices: [],
  least: 0,
  most: 1_000_000,
  environment: "QUEUE_LENGTH",
  default: 64,
  at_start: 32,
  value: 10,
  is_set: true,
  ...change,
});

describe("a new key", () => {
  it("has what was filled in, and no limits where nothing was", () => {
    expect(termsOf(draft({ name: " Aino's laptop " }), NOW)).toEqual({
      terms: {
        name: "Aino's laptop",
        scopes: ["api"],
        models: null,
        nodes: "any",
        owner: null,
        limits: {
          requests_per_minute: null,
          tokens_per_minute: null,
          requests_per_day: null,
          tokens_per_day: null,
        },
        expires_at: null,
      },
    });
  });

  it("reads lists, grouped digits and days", () => {
    const limits = { ...emptyDraft().limits, tokens_per_day: "2 000 000" };
    const filled = draft({
      scopes: ["node", "api"],
      owner: " aino ",
      models: "qwen-coder, smollm2:135m",
      limits,
      days: "30",
    });
    expect(termsOf(filled, NOW)).toMatchObject({
      terms: {
        scopes: ["api", "node"],
        owner: "aino",
        models: ["qwen-coder", "smollm2:135m"],
        limits: { tokens_per_day: 2_000_000 },
        expires_at: 1_790_000_000 + 30 * 86_400,
      },
    });
  });

  it.each<[string, Partial<KeyDraft>, string[]]>([
    ["no name", { name: " " }, ["name"]],
    ["a name that is too long", { name: "x".repeat(65) }, ["name"]],
    ["nothing that it may", { scopes: [] }, ["scopes"]],
    ["no number of days", { days: "soon" }, ["days"]],
    ["an end that was", { days: "0" }, ["days"]],
    [
      "limits that are none",
      { limits: { ...emptyDraft().limits, requests_per_minute: "-1", requests_per_day: "1.5" } },
      ["requests_per_minute", "requests_per_day"],
    ],
  ])("with %s is refused by the field", (_, change, faults) => {
    expect(termsOf(draft(change), NOW)).toEqual({ faults });
  });
});

describe("the reason of a ban", () => {
  it.each([
    ["  answers nonsense ", "answers nonsense"],
    [" ", null],
    ["x".repeat(80), "x".repeat(80)],
    ["x".repeat(81), undefined],
    // Two bytes each: the hub would cut it in the middle of a word.
    ["ä".repeat(41), undefined],
  ])("is read from %j", (typed, reason) => {
    expect(reasonFrom(typed)).toBe(reason);
  });
});

describe("settings", () => {
  it("stand in groups, and those of a newer hub at the end", () => {
    const all = [setting({ name: "of_tomorrow" }), setting({ name: "access" }), setting({ name: "resume" })];
    const names = inGroups(all).map(({ group, settings }) => [group, settings.map(({ name }) => name)]);
    expect(names).toEqual([
      ["access", ["access"]],
      ["features", ["resume"]],
      ["other", ["of_tomorrow"]],
    ]);
  });

  it.each([
    ["10", 10],
    [" 1 000\u00a0000 ", 1_000_000],
    ["1000001", null],
    ["-1", null],
    ["1.5", null],
    ["", null],
    ["ten", null],
  ])("read %j as %j", (typed, value) => {
    expect(numberFrom(setting({}), typed)).toBe(value);
  });

  it("that are as they were at the start are taken back and not set", () => {
    expect(patchFor(setting({}), 12)).toEqual({ queue_length: 12 });
    expect(patchFor(setting({}), 32)).toEqual({ queue_length: null });
  });

  it("name the environment only where it said something else than what holds anyway", () => {
    expect(setterOf(setting({ default: 64, at_start: 32 }))).toBe("QUEUE_LENGTH");
    expect(setterOf(setting({ default: 64, at_start: 64 }))).toBeNull();
  });
});
