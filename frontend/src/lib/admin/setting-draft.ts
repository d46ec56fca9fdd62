// Settings as a person changes them: in groups, and what is typed as what the hub takes.

import type { Setting, SettingValue } from "./api";

/** Those that this page has words for. */
export const settingNames = [
  "access",
  "anonymous_requests_per_minute",
  "anonymous_tokens_per_minute",
  "anonymous_requests_per_day",
  "anonymous_tokens_per_day",
  "guest_nodes",
  "browsers_per_address",
  "queue_length",
  "queue_deadline_seconds",
  "first_token_deadline_seconds",
  "token_deadline_seconds",
  "hedge_after_seconds",
  "affinity",
  "resume",
] as const;

export type SettingName = (typeof settingNames)[number];

export const settingGroups = ["access", "nodes", "queue", "answers", "features", "other"] as const;
export type SettingGroup = (typeof settingGroups)[number];

const groups: Record<SettingName, SettingGroup> = {
  access: "access",
  anonymous_requests_per_minute: "access",
  anonymous_tokens_per_minute: "access",
  anonymous_requests_per_day: "access",
  anonymous_tokens_per_day: "access",
  guest_nodes: "nodes",
  browsers_per_address: "nodes",
  queue_length: "queue",
  queue_deadline_seconds: "queue",
  first_token_deadline_seconds: "answers",
  token_deadline_seconds: "answers",
  hedge_after_seconds: "answers",
  affinity: "features",
  resume: "features",
};

export function nameOf(setting: Setting): SettingName | null {
  return settingNames.find((name) => name === setting.name) ?? null;
}

/** In the hub's order; a newer hub's own ones stand last. Groups without any are left out. */
export function inGroups(
  settings: readonly Setting[],
): { group: SettingGroup; settings: readonly Setting[] }[] {
  const groupOf = (setting: Setting): SettingGroup => {
    const name = nameOf(setting);
    return name === null ? "other" : groups[name];
  };
  return settingGroups
    .map((group) => ({ group, settings: settings.filter((setting) => groupOf(setting) === group) }))
    .filter(({ settings: those }) => those.length > 0);
}

/** Null where what was typed is no whole number within the setting's bounds. */
export function numberFrom(setting: Setting, typed: string): number | null {
  // As people group digits.
  const digits = typed.replace(/[\s\u00a0\u202f]/g, "");
  if (!/^\d{1,15}$/.test(digits)) return null;
  const number = Number(digits);
  return number >= setting.least && number <= setting.most ? number : null;
}

/** The environment variable that set what held at the start; null where nothing did, or it said what holds anyway. */
export function setterOf(setting: Setting): string | null {
  return setting.at_start === setting.default ? null : setting.environment;
}

/** What a patch says for this value: what held at the start needs no word of its own. */
export function patchFor(setting: Setting, value: SettingValue): Record<string, SettingValue | null> {
  return { [setting.name]: value === setting.at_start ? null : value };
}
