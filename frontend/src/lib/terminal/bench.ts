// A short fixed prompt through the network, and what it took.

import type { Answer, Prompt } from "../hub/chat";
import type { OutputOf } from "./outputs";

const TOKENS = 64;

/** Some two hundred tokens. `salt` comes first, so that no machine has the prompt's beginning computed already. */
export function benchPrompt(model: string, salt: string): Prompt {
  const lines = Array.from(
    { length: 12 },
    (_, index) => `Line ${index + 1}: a small web service keeps items in a table and answers requests.`,
  );
  return {
    model,
    messages: [
      { role: "system", content: `Run ${salt}. You count.` },
      { role: "user", content: `${lines.join("\n")}\nCount from 1 to 100, one number on each line.` },
    ],
    sampling: { temperature: 0, top_k: 40, top_p: 1, repeat_penalty: 1, max_tokens: TOKENS },
  };
}

export function benchResult(model: string, answer: Answer, totalMs: number): OutputOf<"bench"> {
  const { report, promptTokens, completionTokens } = answer;
  const prefillMs = report === null ? null : Math.max(0, report.first_token_ms - report.queued_ms);
  const decodePerSecond = report?.tokens_per_second ?? null;
  return {
    kind: "bench",
    model: report?.model ?? model,
    node: report?.node ?? null,
    queuedMs: report?.queued_ms ?? null,
    promptTokens,
    prefillMs,
    prefillPerSecond: perSecond(promptTokens, prefillMs),
    completionTokens,
    decodeMs: report === null ? null : Math.max(0, totalMs - report.first_token_ms),
    decodePerSecond,
    totalMs,
  };
}

function perSecond(tokens: number | null, milliseconds: number | null): number | null {
  return tokens === null || milliseconds === null || milliseconds <= 0
    ? null
    : (tokens * 1000) / milliseconds;
}
