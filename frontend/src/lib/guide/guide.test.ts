import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { TokenizerError } from "../tokenizer/failure";
import type { Distribution, Token } from "../worker/wasm";
import { NextToken, type RecordedText } from "./next-token";
import { Reading, readingSpeed } from "./reading";
import { TokenText } from "./token-text";
import { isPartial, visible } from "./visible";

const distribution = (promptTokens: number, cachedTokens = 0): Distribution => ({
  candidates: [],
  rest: [],
  promptTokens,
  cachedTokens,
  prefillMs: 500,
});

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a text and its tokens", () => {
  const first = { text: "a", tokens: [{ id: 1, text: "a" }] };

  it("asks for nothing before it is edited, and once after a pause in typing", async () => {
    const tokenize = vi.fn((text: string): Promise<Token[]> => Promise.resolve([{ id: 2, text }]));
    const shown = new TokenText(first, tokenize);
    expect(shown.value).toEqual({ ...first, busy: false, slow: false, failure: null });
    shown.edit("ab");
    shown.edit("abc");
    expect(shown.value).toMatchObject({ text: "abc", tokens: first.tokens, busy: true });
    await vi.runAllTimersAsync();
    expect(tokenize.mock.calls).toEqual([["abc"]]);
    expect(shown.value).toMatchObject({ tokens: [{ id: 2, text: "abc" }], busy: false });
    shown.edit("");
    await vi.runAllTimersAsync();
    expect(shown.value.tokens).toEqual([]);
  });

  it("says that it takes long only when it does", async () => {
    let answer: (tokens: Token[]) => void = () => undefined;
    const shown = new TokenText(first, () => new Promise((resolve) => (answer = resolve)));
    shown.edit("ab");
    await vi.advanceTimersByTimeAsync(500);
    expect(shown.value).toMatchObject({ busy: true, slow: false });
    await vi.advanceTimersByTimeAsync(500);
    expect(shown.value.slow).toBe(true);
    answer([]);
    await vi.runAllTimersAsync();
    expect(shown.value).toMatchObject({ busy: false, slow: false });
  });

  it("says why there are none, and tries again", async () => {
    const tokenize = vi
      .fn<(text: string) => Promise<Token[]>>()
      .mockRejectedValueOnce(new TokenizerError("network_lost"))
      .mockResolvedValueOnce([]);
    const shown = new TokenText(first, tokenize);
    shown.edit("ab");
    await vi.runAllTimersAsync();
    expect(shown.value).toMatchObject({ failure: "network_lost", busy: false });
    shown.retry();
    await vi.runAllTimersAsync();
    expect(shown.value).toMatchObject({ failure: null, tokens: [] });
  });
});

it("shows what can't be seen", () => {
  expect(visible(" a\n\tb\u{fffd}")).toBe("␣a⏎⇥b◌");
  expect(isPartial("\u{fffd}")).toBe(true);
});

describe("the next token", () => {
  const even: RecordedText = { key: "even", text: "n %", distribution: distribution(2) };
  const cat: RecordedText = { key: "cat", text: "cat", distribution: distribution(1) };

  it("is a recorded one without a model", () => {
    const ask = vi.fn(() => Promise.resolve(distribution(9)));
    const next = new NextToken([even, cat], ask);
    expect(next.value).toMatchObject({ text: "n %", modelId: null });
    next.choose("cat");
    next.edit("cats");
    expect(next.value).toMatchObject({ text: "cat", distribution: cat.distribution });
    expect(ask).not.toHaveBeenCalled();
  });

  it("is computed once there is a model, and recorded again after it", async () => {
    const next = new NextToken([even, cat], (text, onProgress) => {
      onProgress(1, 3);
      return Promise.resolve(distribution(text.length));
    });
    next.setModel("m");
    expect(next.value.progress).not.toBeNull();
    await vi.runAllTimersAsync();
    expect(next.value).toMatchObject({ text: "n %", modelId: "m", progress: null });
    next.edit("hello");
    next.append("!");
    await vi.runAllTimersAsync();
    expect(next.value).toMatchObject({ text: "hello!", distribution: { promptTokens: 6 } });
    next.setModel(null);
    expect(next.value).toMatchObject({ text: "n %", modelId: null, distribution: even.distribution });
  });

  it("never shows an earlier text's answer with a later text", async () => {
    const answers: ((answer: Distribution) => void)[] = [];
    const next = new NextToken([even], () => new Promise((resolve) => answers.push(resolve)));
    next.setModel("m");
    await vi.runAllTimersAsync();
    next.edit("later");
    await vi.runAllTimersAsync();
    answers[1]?.(distribution(5));
    await vi.runAllTimersAsync();
    answers[0]?.(distribution(2));
    await vi.runAllTimersAsync();
    expect(next.value).toMatchObject({ text: "later", distribution: { promptTokens: 5 } });
  });

  it("says when there is nothing to go on from, and when the model fails", async () => {
    const next = new NextToken([even], () => Promise.reject(new Error("too long")));
    next.setModel("m");
    next.edit("");
    expect(next.value.failure).toBe("empty");
    next.edit("x");
    await vi.runAllTimersAsync();
    expect(next.value).toMatchObject({ failure: "failed", progress: null });
  });
});

describe("reading", () => {
  it("changes the text where it says so, and keeps what came of it", async () => {
    const texts: string[] = [];
    const reading = new Reading((text) => {
      texts.push(text);
      return Promise.resolve(distribution(400, texts.length === 1 ? 0 : 399));
    });
    for (const kind of ["read", "again", "end", "beginning"] as const) await reading.read(kind);
    const [first, again, end, beginning] = texts as [string, string, string, string];
    expect(again).toBe(first);
    expect(end.startsWith(first) && end.length > first.length).toBe(true);
    expect(beginning.endsWith(end) && beginning.length > end.length).toBe(true);
    expect(reading.value.runs.map(({ kind }) => kind)).toEqual(["read", "again", "end", "beginning"]);
    expect(reading.value.runs.map(readingSpeed)).toEqual([800, null, null, null]);
  });

  it("says when it failed, and reads one text at a time", async () => {
    const ask = vi.fn(() => Promise.reject(new Error("gone")));
    const reading = new Reading(ask);
    await Promise.all([reading.read("read"), reading.read("read")]);
    expect(ask).toHaveBeenCalledTimes(1);
    expect(reading.value).toMatchObject({ failed: true, progress: null });
  });
});
