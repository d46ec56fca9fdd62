// Numbers over time, as charts, sentences and tables need them.

import type { History } from "../hub/history";
import type { Rates } from "../hub/stats";
import type { Moment } from "./recent";

/** Seconds since 1970, then a column for each line; null where nothing is known. */
export type Columns = [number[], ...(number | null)[][]];

/** Each value holds until the next, and the last until now. */
export function recentColumn(moments: readonly Moment[], key: keyof Rates, now: number): Columns {
  const times: number[] = [];
  const values: (number | null)[] = [];
  const add = (at: number, value: number | null): void => {
    times.push(at / 1000);
    values.push(value);
  };
  for (const { at, rates } of moments) {
    // A line reaches as far as something was known.
    const before = values.at(-1);
    if (rates === null && before !== undefined && before !== null) add(at - 1, before);
    add(at, rates?.[key] ?? null);
  }
  const last = moments.at(-1);
  if (last !== undefined && now > last.at) add(now, last.rates?.[key] ?? null);
  return [times, values];
}

export interface Spread {
  /** Null where nothing is known right now. */
  now: number | null;
  least: number;
  most: number;
}

export function spreadOf(moments: readonly Moment[], key: keyof Rates): Spread | null {
  const values = moments.flatMap(({ rates }) => (rates === null ? [] : [rates[key]]));
  if (values.length === 0) return null;
  return {
    now: moments.at(-1)?.rates?.[key] ?? null,
    least: Math.min(...values),
    most: Math.max(...values),
  };
}

/** What held at the end of each whole minute, the newest first, and what holds now. */
export function minuteByMinute(moments: readonly Moment[], now: number): Moment[] {
  const first = moments[0];
  if (first === undefined) return [];
  const rows: Moment[] = [];
  for (let at = now; at >= first.at; at = Math.ceil(at / 60_000) * 60_000 - 60_000) {
    rows.push({ at, rates: moments.findLast((moment) => moment.at <= at)?.rates ?? null });
  }
  return rows;
}

/** All prompts, and those of them that failed. */
export function promptColumns({ buckets }: History): Columns {
  return [
    buckets.map(({ start }) => start / 1000),
    buckets.map(({ prompts }) => prompts),
    buckets.map(({ failed }) => failed || null),
  ];
}

export function speedColumns({ buckets }: History): Columns {
  return [
    buckets.map(({ start }) => start / 1000),
    buckets.map(({ tokens_per_second }) => tokens_per_second),
  ];
}

export interface Sums {
  prompts: number;
  failed: number;
  /** Weighed by tokens, as the hub does within a bucket. */
  tokensPerSecond: number | null;
  /** The median of the buckets' medians, each weighed by its prompts. */
  firstTokenMs: number | null;
}

export function sumsOf({ buckets }: History): Sums {
  const measured = buckets.filter((bucket) => bucket.tokens_per_second !== null);
  const tokens = measured.reduce((sum, bucket) => sum + bucket.completion_tokens, 0);
  const seconds = measured.reduce(
    (sum, { completion_tokens, tokens_per_second }) => sum + completion_tokens / (tokens_per_second ?? 1),
    0,
  );
  return {
    prompts: buckets.reduce((sum, { prompts }) => sum + prompts, 0),
    failed: buckets.reduce((sum, { failed }) => sum + failed, 0),
    tokensPerSecond: seconds > 0 ? tokens / seconds : null,
    firstTokenMs: weightedMedian(
      buckets.flatMap(({ first_token_ms, prompts }) =>
        first_token_ms === null ? [] : [{ value: first_token_ms, weight: prompts }],
      ),
    ),
  };
}

function weightedMedian(values: { value: number; weight: number }[]): number | null {
  const half = values.reduce((sum, { weight }) => sum + weight, 0) / 2;
  let passed = 0;
  for (const { value, weight } of values.toSorted((one, other) => one.value - other.value)) {
    passed += weight;
    if (passed >= half) return value;
  }
  return null;
}
