// `GET /api/history`: what the network answered in the past, in equal stretches of time.

import * as v from "valibot";

import { getJson } from "./client";

export const historyRanges = ["day", "week", "month"] as const;
export type HistoryRange = (typeof historyRanges)[number];

const bucket = v.object({
  /** Unix time in milliseconds. */
  start: v.number(),
  prompts: v.number(),
  /** Of them. */
  failed: v.number(),
  prompt_tokens: v.number(),
  completion_tokens: v.number(),
  /** The mean while decoding; null where nothing was decoded. */
  tokens_per_second: v.nullable(v.number()),
  /** The median; null where no answer began. */
  first_token_ms: v.nullable(v.number()),
  nodes: v.number(),
});

const history = v.object({
  range: v.picklist(historyRanges),
  bucket_seconds: v.pipe(v.number(), v.minValue(1)),
  buckets: v.array(bucket),
});

export type History = v.InferOutput<typeof history>;
export type HistoryBucket = v.InferOutput<typeof bucket>;

/** `utcOffset`: minutes east of UTC, so that days begin at the reader's midnight. */
export function fetchHistory(
  fetcher: typeof fetch,
  range: HistoryRange,
  utcOffset: number,
): Promise<History> {
  return getJson(fetcher, `/api/history?range=${range}&utc_offset=${utcOffset}`, history);
}

/** What the reader's clock is ahead of UTC; the hub knows quarters of an hour. */
export function utcOffset(now: Date): number {
  // `getTimezoneOffset` counts westwards. Never -0: that would be written into the address.
  return Math.round(-now.getTimezoneOffset() / 15) * 15 || 0;
}
