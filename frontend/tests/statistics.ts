// What the hub of the tests tells of its network: now, and in the past.

interface Network {
  nodes: number;
  stats: object;
}

const node = {
  kind: "native",
  trusted: true,
  paused: false,
  only_own: false,
  models: ["smollm2:135m"],
  busy: 0,
  slots: 1,
  device: { cpu: "AMD Ryzen 7 5800X", cores: 8, memory_bytes: 34_359_738_368 },
  tokens_per_second: 20,
  prompts: 3,
  tokens: 90,
};

/** As `GET /api/stats` and each event of its live feed. */
export function statsOf({ nodes, stats }: Network): object {
  return {
    nodes: Array.from({ length: nodes }, (_, index) => ({
      ...node,
      id: String(index + 1),
      name: index === 0 ? "kone" : `kone-${index + 1}`,
      joined_at: 1_795_352_400 + index,
    })),
    queue: { waiting: 0, running: 0 },
    totals: { prompts: 3, failed: 0, prompt_tokens: 270, completion_tokens: 90, nodes_seen: nodes },
    rates: { prompts_per_minute: 2, tokens_per_second: 12.5 },
    ...stats,
  };
}

const spans: Record<string, { seconds: number; count: number }> = {
  day: { seconds: 3600, count: 24 },
  week: { seconds: 6 * 3600, count: 28 },
  month: { seconds: 24 * 3600, count: 30 },
};

/** As `GET /api/history`: busy by day, quiet by night, or nothing at all. */
export function historyOf(range: string, busy: boolean): object {
  const { seconds, count } = spans[range] ?? { seconds: 3600, count: 24 };
  const bucket = seconds * 1000;
  const last = Math.floor(Date.now() / bucket) * bucket;
  const buckets = Array.from({ length: count }, (_, index) => {
    const quiet = !busy || index % 9 === 4;
    const prompts = quiet ? 0 : Math.round(40 + 35 * Math.sin(index / 3));
    return {
      start: last - (count - 1 - index) * bucket,
      prompts,
      failed: prompts > 60 ? 2 : 0,
      prompt_tokens: prompts * 310,
      completion_tokens: prompts * 240,
      tokens_per_second: quiet ? null : 18 + 6 * Math.cos(index / 4),
      first_token_ms: quiet ? null : 420 + 10 * index,
      nodes: quiet ? 0 : 2 + (index % 3),
    };
  });
  return { range, bucket_seconds: seconds, buckets };
}
