// `GET /api/stats`: who computes what.

import * as v from "valibot";

import { getJson } from "./client";

const stats = v.object({
  nodes: v.array(
    v.object({
      id: v.string(),
      name: v.string(),
      kind: v.string(),
      models: v.array(v.string()),
      busy: v.number(),
      slots: v.number(),
      tokens_per_second: v.nullable(v.number()),
      prompts: v.number(),
    }),
  ),
  queue: v.object({ waiting: v.number(), running: v.number() }),
  totals: v.object({ prompts: v.number(), completion_tokens: v.number() }),
});

export type Stats = v.InferOutput<typeof stats>;

export function fetchStats(fetcher: typeof fetch): Promise<Stats> {
  return getJson(fetcher, "/api/stats", stats);
}
