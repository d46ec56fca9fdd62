// The conversation so far, fitted to a model's window.

import type { Message } from "../hub/chat";
import { shownAttempt, type Exchange } from "./entries";

export interface Turn {
  prompt: string;
  answer: string;
}

export interface Fitting {
  system: string;
  turns: readonly Turn[];
  prompt: string;
  /** The beginning of the answer, where it is to be continued. */
  begun: string;
  contextLength: number;
  maxTokens: number;
  charactersPerToken: number;
}

export interface Fitted {
  messages: Message[];
  /** Turns that were left out, the oldest first. */
  forgotten: number;
  characters: number;
}

/** What a chat's form takes for every message. */
const TOKENS_PER_MESSAGE = 6;
/** Small models lose the thread in long conversations, and slow machines the time. */
const MOST_TURNS = 30;

/** Before anything is known of a model: careful for Finnish, which takes more tokens than English. */
export const FIRST_CHARACTERS_PER_TOKEN = 2.5;

/** The newest turns that fit beside the prompt and its answer; the prompt itself always goes. */
export function fitTurns(fitting: Fitting): Fitted {
  const { system, turns, prompt, begun, contextLength, maxTokens, charactersPerToken } = fitting;
  const cost = (text: string): number => text.length / charactersPerToken + TOKENS_PER_MESSAGE;
  const room = contextLength - Math.min(maxTokens, contextLength / 2);
  let left = room - cost(system) - cost(prompt) - (begun === "" ? 0 : cost(begun));
  let first = turns.length;
  while (first > 0 && turns.length - first < MOST_TURNS) {
    const turn = turns[first - 1];
    if (turn === undefined) break;
    left -= cost(turn.prompt) + cost(turn.answer);
    if (left < 0) break;
    first -= 1;
  }
  const messages: Message[] = [];
  if (system.trim() !== "") messages.push({ role: "system", content: system });
  for (const { prompt: asked, answer } of turns.slice(first)) {
    messages.push({ role: "user", content: asked }, { role: "assistant", content: answer });
  }
  messages.push({ role: "user", content: prompt });
  if (begun !== "") messages.push({ role: "assistant", content: begun });
  const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
  return { messages, forgotten: first, characters };
}

/** What an answer's usage teaches about the model and the person's language. */
export function learnDensity(characters: number, promptTokens: number | null): number | null {
  if (promptTokens === null || promptTokens < 50) return null;
  return Math.min(5, Math.max(1, (characters / promptTokens) * 0.9));
}

export function turnsOf(exchanges: readonly Exchange[]): Turn[] {
  return exchanges.flatMap((exchange) => {
    const answer = shownAttempt(exchange)?.text ?? "";
    return answer.trim() === "" ? [] : [{ prompt: exchange.prompt, answer }];
  });
}
