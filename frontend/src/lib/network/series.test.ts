import { describe, expect, it } from "vitest";

import type { History, HistoryBucket } from "../hub/history";
import type { Moment } from "./recent";
import { minuteByMinute, promptColumns, recentColumn, speedColumns, spreadOf, sumsOf } from "./series";

const START = 1_795_640_400_000;
const moment = (seconds: number, prompts: number | null): Moment => ({
  at: START + seconds * 1000,
  rates: prompts === null ? null : { prompts_per_minute: prompts, tokens_per_second: prompts * 10 },
});

describe("the last minutes", () => {
  const moments = [moment(0, 3), moment(20, null), moment(50, 8)];

  it("are a line that holds until now, broken where nothing was heard", () => {
    const first = START / 1000;
    expect(recentColumn(moments, "prompts_per_minute", START + 70_000)).toEqual([
      [first, first + 19.999, first + 20, first + 50, first + 70],
      [3, 3, null, 8, 8],
    ]);
    expect(recentColumn([], "prompts_per_minute", START)).toEqual([[], []]);
  });

  it("never run backwards", () => {
    const [times] = recentColumn(moments, "tokens_per_second", START);
    expect(times.at(-1)).toBe(START / 1000 + 50);
  });

  it("have a spread, and what is now", () => {
    expect(spreadOf(moments, "tokens_per_second")).toEqual({ now: 80, least: 30, most: 80 });
    expect(spreadOf([...moments, moment(60, null)], "prompts_per_minute")).toEqual({
      now: null,
      least: 3,
      most: 8,
    });
    expect(spreadOf([moment(0, null)], "prompts_per_minute")).toBe(null);
  });

  it("are told minute by minute, the newest first", () => {
    const rows = minuteByMinute([moment(-30, 1), ...moments], START + 130_000);
    expect(rows.map(({ at, rates }) => [(at - START) / 1000, rates?.prompts_per_minute])).toEqual([
      [130, 8],
      [120, 8],
      [60, 8],
      [0, 3],
    ]);
    expect(minuteByMinute([], START)).toEqual([]);
  });
});

describe("the past", () => {
  const bucket = (change: Partial<HistoryBucket>): HistoryBucket => ({
    start: START,
    prompts: 0,
    failed: 0,
    prompt_tokens: 0,
    completion_tokens: 0,
    tokens_per_second: null,
    first_token_ms: null,
    nodes: 0,
    ...change,
  });
  const history = (...buckets: HistoryBucket[]): History => ({ range: "day", bucket_seconds: 3600, buckets });
  const busy = history(
    bucket({ prompts: 10, failed: 2, completion_tokens: 1000, tokens_per_second: 10, first_token_ms: 900 }),
    bucket({ start: START + 3_600_000 }),
    bucket({
      start: START + 7_200_000,
      prompts: 30,
      completion_tokens: 1000,
      tokens_per_second: 50,
      first_token_ms: 300,
    }),
  );

  it("becomes columns", () => {
    const first = START / 1000;
    expect(promptColumns(busy)).toEqual([
      [first, first + 3600, first + 7200],
      [10, 0, 30],
      [2, null, null],
    ]);
    expect(speedColumns(busy)[1]).toEqual([10, null, 50]);
  });

  it("is summed up with each bucket's weight", () => {
    // 2000 tokens in 120 seconds; most prompts waited for 300 ms.
    expect(sumsOf(busy)).toEqual({
      prompts: 40,
      failed: 2,
      tokensPerSecond: 2000 / 120,
      firstTokenMs: 300,
    });
    expect(sumsOf(history(bucket({})))).toEqual({
      prompts: 0,
      failed: 0,
      tokensPerSecond: null,
      firstTokenMs: null,
    });
  });
});
