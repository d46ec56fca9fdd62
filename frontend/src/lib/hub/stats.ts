// `GET /api/stats`: who computes what.

import * as v from "valibot";

import { getJson } from "./client";

const gpu = v.object({ name: v.string(), memory_bytes: v.optional(v.number()) });

/** What a machine told of itself; what it could not find out is missing. */
const device = v.object({
  cpu: v.optional(v.string()),
  cores: v.optional(v.number()),
  memory_bytes: v.optional(v.number()),
  gpu: v.optional(gpu),
  webgpu: v.optional(v.string()),
});

const node = v.object({
  id: v.string(),
  name: v.string(),
  /** `browser` or `native`, or what a newer hub may know. */
  kind: v.string(),
  /** It joined with the hub's key. */
  trusted: v.optional(v.boolean(), false),
  /** It takes no new prompts. */
  paused: v.optional(v.boolean(), false),
  /** It takes its owner's prompts only. */
  only_own: v.optional(v.boolean(), false),
  /** It gets no prompts, since an audit caught it. */
  suspended: v.optional(v.boolean(), false),
  models: v.array(v.string()),
  busy: v.number(),
  slots: v.number(),
  device: v.optional(device, {}),
  /** Null before its first answer. */
  tokens_per_second: v.nullable(v.number()),
  /** Since it joined, as are the tokens in them. */
  prompts: v.number(),
  tokens: v.optional(v.number(), 0),
  /** Unix time in seconds. */
  joined_at: v.optional(v.number()),
});

const stats = v.object({
  nodes: v.array(node),
  queue: v.object({ waiting: v.number(), running: v.number() }),
  totals: v.object({
    prompts: v.number(),
    failed: v.optional(v.number(), 0),
    prompt_tokens: v.optional(v.number(), 0),
    completion_tokens: v.number(),
    nodes_seen: v.optional(v.number(), 0),
  }),
  /** Over the last minute; older hubs don't tell. */
  rates: v.optional(v.object({ prompts_per_minute: v.number(), tokens_per_second: v.number() })),
});

export type Stats = v.InferOutput<typeof stats>;
export type NodeStats = v.InferOutput<typeof node>;
export type Device = v.InferOutput<typeof device>;
export type Rates = NonNullable<Stats["rates"]>;

export function fetchStats(fetcher: typeof fetch): Promise<Stats> {
  return getJson(fetcher, "/api/stats", stats);
}

/** Null where the text is no statistics. */
export function parseStats(text: string): Stats | null {
  try {
    return v.parse(stats, JSON.parse(text));
  } catch {
    return null;
  }
}
