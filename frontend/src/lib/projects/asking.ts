// Gets one question answered, however long hub and machines are away: what can be waited for is waited for.

import type { Answer, Message, Prompt } from "../hub/chat";
import type { HubView } from "../page/hub-status";
import type { Sampling } from "../settings/settings";
import type { Job, Wait } from "./job";
import { judge, keyTroubleOf, wordsOf } from "./judgement";
import type { WorkRequest } from "./wasm";

export interface AskingSurroundings {
  ask(prompt: Prompt, onText: (text: string) => void, signal: AbortSignal): Promise<Answer>;
  hub: {
    readonly value: HubView;
    subscribe(listener: (view: HubView) => void): () => void;
    refresh(): Promise<void>;
  };
  /** The id of the model that is asked for what an agent wishes; null while nobody answers. */
  modelFor: (wish: string | null) => string | null;
  now: () => number;
  /** Ends early when aborted. */
  pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** What became of a question. */
export type Outcome =
  | { is: "answered"; text: string; finish: "stop" | "length"; seconds: number }
  /** A machine was lost with it. */
  | { is: "lost"; message: string }
  /** It does not fit the machine's window. */
  | { is: "window"; message: string }
  | { is: "hopeless"; message: string }
  | { is: "withdrawn" };

const LEAST_PAUSE_MS = 1_000;
const MOST_PAUSE_MS = 30_000;
const MOST_MOMENT_MS = 15_000;
/** Losses that one question bears once the pipeline has heard of enough; other waits are none. */
const MOST_LOSSES = 5;
/** No tokenizer has longer tokens on average: what goes on past this is no answer of the length that was asked for. */
const CHARACTERS_PER_TOKEN = 24;

export async function pursue(job: Job, surroundings: AskingSurroundings, patient: boolean): Promise<Outcome> {
  const { signal, request } = job;
  const isWithdrawn = (): boolean => signal.aborted;
  let refusals = 0;
  let losses = 0;
  for (let attempt = 0; !isWithdrawn(); attempt += 1) {
    const model = surroundings.modelFor(request.model);
    if (model === null || surroundings.hub.value.connection === "unreachable") {
      await wait(job, whoIsMissing(job, surroundings), attempt, 0, surroundings);
      continue;
    }
    const startedAt = surroundings.now();
    job.state.set({ wait: null, model, startedAt });
    job.text.set("");
    try {
      const { text, finish } = await answer(job, model, surroundings);
      return { is: "answered", text, finish, seconds: (surroundings.now() - startedAt) / 1000 };
    } catch (error) {
      if (isWithdrawn()) break;
      const message = wordsOf(error);
      refusals += 1;
      switch (judge(error)) {
        case "hub":
          await wait(job, { for: "hub" }, attempt, refusals, surroundings);
          continue;
        case "nobody":
          await wait(job, { for: "node", model }, attempt, refusals, surroundings);
          continue;
        case "busy":
          await wait(job, { for: "turn" }, attempt, refusals, surroundings);
          continue;
        case "lost":
          losses += 1;
          if (!patient || losses > MOST_LOSSES) return { is: "lost", message };
          await wait(job, { for: "again" }, attempt, refusals, surroundings);
          continue;
        case "window":
          return { is: "window", message };
        case "key":
          return { is: "hopeless", message: keyTroubleOf(error) };
        case "hopeless":
          return { is: "hopeless", message };
      }
    }
  }
  return { is: "withdrawn" };
}

function whoIsMissing(job: Job, { hub }: AskingSurroundings): Wait {
  return hub.value.connection !== "connected" ? { for: "hub" } : { for: "node", model: job.request.model };
}

async function answer(
  job: Job,
  model: string,
  surroundings: AskingSurroundings,
): Promise<{ text: string; finish: "stop" | "length" }> {
  const { request, signal } = job;
  const most = (request.sampling.max_tokens + 64) * CHARACTERS_PER_TOKEN;
  const enough = new AbortController();
  let text = "";
  const onText = (piece: string): void => {
    text += piece;
    job.text.set(text);
    if (text.length > most) enough.abort();
  };
  try {
    const either = AbortSignal.any([signal, enough.signal]);
    const { finishReason } = await surroundings.ask(promptOf(request, model), onText, either);
    // It may have been over before it could be broken off.
    if (enough.signal.aborted) return { text: text.slice(0, most), finish: "length" };
    return { text, finish: finishReason === "length" ? "length" : "stop" };
  } catch (error) {
    if (signal.aborted || !enough.signal.aborted) throw error;
    return { text: text.slice(0, most), finish: "length" };
  }
}

function promptOf({ system, user, prefill, sampling, stop }: WorkRequest, model: string): Prompt {
  const messages: Message[] = [];
  if (system !== "") messages.push({ role: "system", content: system });
  messages.push({ role: "user", content: user });
  if (prefill !== "") messages.push({ role: "assistant", content: prefill });
  return { model, messages, sampling: asWritten(sampling), stop };
}

/** The pipeline has single precision: 0.7 must not go out as 0.699999988079071. */
function asWritten(sampling: Sampling): Sampling {
  const plain = (value: number): number => Number(value.toPrecision(7));
  const { temperature, top_p, repeat_penalty } = sampling;
  return {
    ...sampling,
    temperature: plain(temperature),
    top_p: plain(top_p),
    repeat_penalty: plain(repeat_penalty),
  };
}

/** Until the hub tells that what was missing is there, or until it is time to see for oneself. */
async function wait(
  job: Job,
  what: Wait,
  attempt: number,
  refusals: number,
  surroundings: AskingSurroundings,
): Promise<void> {
  const { signal } = job;
  job.state.set({ wait: what, model: null, startedAt: null });
  const { hub, pause } = surroundings;
  // What the hub tells may be older than its refusal, or another than it does: then a moment passes in any case.
  if (refusals > 0) await pause(Math.min(MOST_MOMENT_MS, LEAST_PAUSE_MS * 2 ** (refusals - 1)), signal);
  const isWithdrawn = (): boolean => signal.aborted;
  if (isWithdrawn() || isThere(what, job, surroundings)) return;
  const news = new AbortController();
  const unsubscribe = hub.subscribe(() => {
    if (isThere(what, job, surroundings)) news.abort();
  });
  const milliseconds = Math.min(MOST_PAUSE_MS, LEAST_PAUSE_MS * 2 ** Math.min(attempt, 10));
  await pause(milliseconds, AbortSignal.any([signal, news.signal]));
  unsubscribe();
  if (!isWithdrawn() && !news.signal.aborted && what.for !== "turn") await hub.refresh();
}

function isThere(what: Wait, job: Job, { hub, modelFor }: AskingSurroundings): boolean {
  switch (what.for) {
    case "hub":
      return hub.value.connection === "connected";
    case "node":
      return hub.value.connection === "connected" && modelFor(job.request.model) !== null;
    case "turn":
    case "again":
      return false;
  }
}
