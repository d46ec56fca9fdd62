// `POST /v1/chat/completions`, streamed.

import { EventSourceParserStream } from "eventsource-parser/stream";
import * as v from "valibot";

import type { Sampling } from "../settings/settings";
import { HubError, request } from "./client";

const report = v.object({
  node: v.string(),
  kind: v.string(),
  model: v.string(),
  queued_ms: v.optional(v.number(), 0),
  first_token_ms: v.number(),
  tokens_per_second: v.nullable(v.number()),
});

const chunk = v.object({
  choices: v.array(
    v.object({
      delta: v.object({ content: v.optional(v.nullable(v.string())) }),
      finish_reason: v.optional(v.nullable(v.string())),
    }),
  ),
  usage: v.optional(
    v.nullable(v.object({ prompt_tokens: v.optional(v.number()), completion_tokens: v.number() })),
  ),
  kipina: v.optional(v.nullable(report)),
});

const failedChunk = v.object({
  error: v.object({ message: v.string(), code: v.optional(v.nullable(v.string())) }),
});

/** Who answered, and how fast. */
export type AnswerReport = v.InferOutput<typeof report>;

export interface Answer {
  /** `stop`, `length`, or null where the stream ended without a word about it. */
  finishReason: string | null;
  promptTokens: number | null;
  completionTokens: number | null;
  report: AnswerReport | null;
}

export interface Message {
  role: "system" | "user" | "assistant";
  content: string;
}

export interface Prompt {
  model: string;
  /** One of the assistant's at the end is how the answer begins; the hub sends what follows. */
  messages: readonly Message[];
  sampling?: Partial<Sampling>;
  stop?: readonly string[];
}

/** Who asks. */
export interface Asker {
  /** This browser's secret: nodes that answer only their owner know him by it. */
  owner: string;
  /** Nobody else's machine may answer. */
  ownNodes: boolean;
  apiKey: string | null;
}

/** Hands on each piece of text as it comes. Throws `HubError`, or `AbortError` when aborted. */
export async function streamChat(
  fetcher: typeof fetch,
  asker: Asker,
  prompt: Prompt,
  onText: (text: string) => void,
  signal: AbortSignal,
): Promise<Answer> {
  const { owner, ownNodes, apiKey } = asker;
  const { sampling, ...asked } = prompt;
  const response = await request(fetcher, "/v1/chat/completions", {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
    },
    body: JSON.stringify({
      ...asked,
      ...sampling,
      stream: true,
      stream_options: { include_usage: true },
      kipina: { owner, ...(ownNodes ? { nodes: "own" } : {}) },
    }),
    signal,
  });
  const answer: Answer = { finishReason: null, promptTokens: null, completionTokens: null, report: null };
  for await (const data of events(response, signal)) {
    if (data === "[DONE]") return answer;
    const { choices, usage, kipina } = parseChunk(data);
    const choice = choices[0];
    if (choice?.delta.content) onText(choice.delta.content);
    answer.finishReason = choice?.finish_reason ?? answer.finishReason;
    answer.promptTokens = usage?.prompt_tokens ?? answer.promptTokens;
    answer.completionTokens = usage?.completion_tokens ?? answer.completionTokens;
    answer.report = kipina ?? answer.report;
  }
  // Only `[DONE]` says that the answer is whole.
  throw new HubError({ kind: "unreachable" });
}

async function* events(response: Response, signal: AbortSignal): AsyncIterable<string> {
  if (response.body === null) throw new HubError({ kind: "unreadable" });
  const parsed = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  const reader = parsed.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value.data;
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new HubError({ kind: "unreachable" });
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function parseChunk(data: string): v.InferOutput<typeof chunk> {
  let json: unknown;
  try {
    json = JSON.parse(data);
  } catch {
    throw new HubError({ kind: "unreadable" });
  }
  const failed = v.safeParse(failedChunk, json);
  if (failed.success) {
    const { message, code } = failed.output.error;
    throw new HubError({ kind: "refused", status: 200, code: code ?? null, message });
  }
  const parsed = v.safeParse(chunk, json);
  if (!parsed.success) throw new HubError({ kind: "unreadable" });
  return parsed.output;
}
