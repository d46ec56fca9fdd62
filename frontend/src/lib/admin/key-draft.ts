// A new key as a person fills it in, and as the hub takes it.

import type { Key, NewKey } from "./api";

export const scopes = ["api", "node", "admin"] as const;
export type Scope = (typeof scopes)[number];

export const allowedNodes = ["any", "trusted", "own"] as const;
export type AllowedNodes = (typeof allowedNodes)[number];

export const limitNames = [
  "requests_per_minute",
  "tokens_per_minute",
  "requests_per_day",
  "tokens_per_day",
] as const;
export type LimitName = (typeof limitNames)[number];

export interface KeyDraft {
  name: string;
  scopes: Scope[];
  nodes: AllowedNodes;
  owner: string;
  /** Separated by commas or white space; none: all. */
  models: string;
  /** As typed; nothing: no limit. */
  limits: Record<LimitName, string>;
  /** Days that it holds; nothing: for ever. */
  days: string;
}

export type KeyFault = "name" | "scopes" | "days" | LimitName;

const LONGEST_NAME = 64;
const LARGEST_LIMIT = 4_294_967_295;
const MOST_DAYS = 36_500;
const DAY_SECONDS = 86_400;

export const emptyDraft = (): KeyDraft => ({
  name: "",
  scopes: ["api"],
  nodes: "any",
  owner: "",
  models: "",
  limits: { requests_per_minute: "", tokens_per_minute: "", requests_per_day: "", tokens_per_day: "" },
  days: "",
});

/** `now`: Unix time in milliseconds. */
export function termsOf(draft: KeyDraft, now: number): { terms: NewKey } | { faults: KeyFault[] } {
  const faults: KeyFault[] = [];
  const name = draft.name.trim();
  if (name === "" || Array.from(name).length > LONGEST_NAME) faults.push("name");
  if (draft.scopes.length === 0) faults.push("scopes");
  const limits: Key["limits"] = {
    requests_per_minute: null,
    tokens_per_minute: null,
    requests_per_day: null,
    tokens_per_day: null,
  };
  for (const limit of limitNames) {
    const number = wholeFrom(draft.limits[limit], LARGEST_LIMIT);
    if (number === undefined) faults.push(limit);
    else limits[limit] = number;
  }
  const days = wholeFrom(draft.days, MOST_DAYS);
  if (days === undefined || days === 0) faults.push("days");
  if (faults.length > 0) return { faults };
  const models = draft.models.split(/[\s,]+/).filter((model) => model !== "");
  const owner = draft.owner.trim();
  return {
    terms: {
      name,
      scopes: scopes.filter((scope) => draft.scopes.includes(scope)),
      models: models.length === 0 ? null : models,
      nodes: draft.nodes,
      owner: owner === "" ? null : owner,
      limits,
      expires_at: days == null ? null : Math.floor(now / 1000) + days * DAY_SECONDS,
    },
  };
}

/** Null for nothing, undefined for what is no such number. */
function wholeFrom(typed: string, most: number): number | null | undefined {
  const digits = typed.replace(/[\s\u00a0\u202f]/g, "");
  if (digits === "") return null;
  if (!/^\d{1,10}$/.test(digits)) return undefined;
  const number = Number(digits);
  return number <= most ? number : undefined;
}
