// What stands in the terminal, as plain values.

import type { HubFailure } from "../hub/client";
import type { Output } from "./outputs";

/** Why nothing was asked of anybody. */
export type Obstacle =
  /** No machine answers. */
  | "nobody"
  /** Only the own machine may answer, and it computes nothing. */
  | "own_idle";

export type Ending =
  | { kind: "done"; finishReason: string | null }
  | { kind: "stopped" }
  | { kind: "failed"; failure: HubFailure }
  | { kind: "obstacle"; obstacle: Obstacle }
  /** The answer went on for longer than a page can hold. */
  | { kind: "endless" }
  /** The page was left in the middle. */
  | { kind: "left" };

/** One answer to a prompt. */
export interface Attempt {
  agent: string;
  agentId: string;
  /** The model that was asked for; the empty string where nobody could be asked. */
  model: string;
  text: string;
  /** Earlier turns that did not fit the model's window. */
  forgotten: number;
  node: string | null;
  tokens: number | null;
  seconds: number | null;
  tokensPerSecond: number | null;
  /** Its end was too long to survive a reload of the page. */
  shortened?: boolean;
  /** Null while it is being written. */
  ending: Ending | null;
}

export interface Exchange {
  kind: "exchange";
  id: number;
  prompt: string;
  /** The newest last. */
  attempts: readonly Attempt[];
  shown: number;
}

export interface CommandEntry {
  kind: "command";
  id: number;
  line: string;
  /** Null while the command is at work. */
  output: Output | null;
}

export type Entry = Exchange | CommandEntry;

export function shownAttempt(exchange: Exchange): Attempt | undefined {
  return exchange.attempts[exchange.shown];
}

/** There is more to come of an answer that was cut off. */
export function canContinue({ text, ending, shortened }: Attempt): boolean {
  if (text === "" || ending === null || shortened === true) return false;
  if (ending.kind === "done") return ending.finishReason === "length";
  return ending.kind === "stopped" || ending.kind === "failed" || ending.kind === "left";
}
