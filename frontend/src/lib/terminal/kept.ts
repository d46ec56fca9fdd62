// The conversation over a reload of the tab, bounded: what can't be read, or kept, is as if it had never been.

import * as v from "valibot";

import type { KeyValue } from "../settings/storage";
import type { Entry } from "./entries";
import { hubFailure, output } from "./outputs";

const KEY = "kipina.terminal";
const MOST_ENTRIES = 60;
const LONGEST_TEXT = 60_000;
/** Browsers give a tab some five million characters, and others need theirs. */
const MOST_CHARACTERS = 600_000;

const ending = v.variant("kind", [
  v.object({ kind: v.literal("done"), finishReason: v.nullable(v.string()) }),
  v.object({ kind: v.literal("stopped") }),
  v.object({ kind: v.literal("failed"), failure: hubFailure }),
  v.object({ kind: v.literal("obstacle"), obstacle: v.picklist(["nobody", "own_idle"]) }),
  v.object({ kind: v.literal("endless") }),
  v.object({ kind: v.literal("left") }),
]);

const attempt = v.object({
  agent: v.string(),
  agentId: v.string(),
  model: v.string(),
  text: v.string(),
  forgotten: v.number(),
  node: v.nullable(v.string()),
  tokens: v.nullable(v.number()),
  seconds: v.nullable(v.number()),
  tokensPerSecond: v.nullable(v.number()),
  shortened: v.optional(v.boolean(), false),
  ending: v.nullable(ending),
});

const entry = v.variant("kind", [
  v.object({
    kind: v.literal("exchange"),
    id: v.number(),
    prompt: v.string(),
    attempts: v.pipe(v.array(attempt), v.minLength(1)),
    shown: v.number(),
  }),
  v.object({ kind: v.literal("command"), id: v.number(), line: v.string(), output: v.nullable(output) }),
]);

const kept = v.array(entry);

export function loadEntries(session: KeyValue): Entry[] {
  try {
    return v.parse(kept, JSON.parse(session.getItem(KEY) ?? "[]")).map(afterReload);
  } catch {
    return [];
  }
}

export function keepEntries(session: KeyValue, entries: readonly Entry[]): void {
  let left = MOST_CHARACTERS;
  const newest: Entry[] = [];
  for (const next of entries.slice(-MOST_ENTRIES).reverse()) {
    const small = bounded(next);
    left -= JSON.stringify(small).length;
    if (left < 0) break;
    newest.unshift(small);
  }
  if (newest.length === 0) session.removeItem(KEY);
  else session.setItem(KEY, JSON.stringify(newest));
}

function bounded(whole: Entry): Entry {
  if (whole.kind === "command") return { ...whole, line: whole.line.slice(0, LONGEST_TEXT) };
  const shown = whole.attempts[whole.shown] ?? whole.attempts[0];
  if (shown === undefined) return whole;
  const shortened = shown.shortened === true || shown.text.length > LONGEST_TEXT;
  const attempts = [{ ...shown, shortened, text: shown.text.slice(0, LONGEST_TEXT) }];
  return { ...whole, prompt: whole.prompt.slice(0, LONGEST_TEXT), attempts, shown: 0 };
}

/** Nothing that was at work when the page was left is so any more. */
function afterReload(known: Entry): Entry {
  if (known.kind === "command") {
    return known.output === null
      ? { ...known, output: { kind: "problem", problem: { kind: "interrupted" } } }
      : known;
  }
  const attempts = known.attempts.map((one) =>
    one.ending === null ? { ...one, ending: { kind: "left" } as const } : one,
  );
  return { ...known, attempts, shown: Math.min(Math.max(0, known.shown), attempts.length - 1) };
}
