// A member of the team, and the rules that every one obeys wherever it comes from.

import * as v from "valibot";

import type { Sampling } from "../settings/settings";
import { avatarNames } from "./avatars";

/** What an agent does in a project; the names are the pipeline's. */
export const roles = ["manager", "coder", "data", "tester", "reviewer", "observer"] as const;

export type Role = (typeof roles)[number];

export const NAME_LENGTH = 40;
export const PROMPT_LENGTH = 8000;

interface Range {
  least: number;
  most: number;
  step: number;
  whole: boolean;
}

/** Within what a hub takes. */
export const ranges: Readonly<Record<keyof Sampling, Range>> = {
  temperature: { least: 0, most: 2, step: 0.05, whole: false },
  top_k: { least: 0, most: 1000, step: 1, whole: true },
  top_p: { least: 0.05, most: 1, step: 0.05, whole: false },
  repeat_penalty: { least: 0.5, most: 2, step: 0.05, whole: false },
  max_tokens: { least: 16, most: 32_768, step: 1, whole: true },
};

export const samplingFields = Object.keys(ranges) as (keyof Sampling)[];

export function within(field: keyof Sampling, value: number): boolean {
  const { least, most, whole } = ranges[field];
  return Number.isFinite(value) && value >= least && value <= most && (!whole || Number.isInteger(value));
}

/** The nearest values that the rules allow. */
export function clampSampling(sampling: Sampling): Sampling {
  const clamped = { ...sampling };
  for (const field of samplingFields) {
    const { least, most, whole } = ranges[field];
    const value = Math.min(most, Math.max(least, sampling[field]));
    clamped[field] = whole ? Math.round(value) : value;
  }
  return clamped;
}

const number = (field: keyof Sampling) =>
  v.pipe(
    v.number(),
    v.check((value) => within(field, value)),
  );

const samplingSchema = v.object({
  temperature: number("temperature"),
  top_k: number("top_k"),
  top_p: number("top_p"),
  repeat_penalty: number("repeat_penalty"),
  max_tokens: number("max_tokens"),
});

/** What a person can change of an agent. */
export const profileSchema = v.object({
  name: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(NAME_LENGTH)),
  avatar: v.picklist(avatarNames),
  /** Null: whichever model the studio has chosen. */
  model: v.nullable(v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(200))),
  /** The system prompt; empty: none. */
  prompt: v.pipe(v.string(), v.maxLength(PROMPT_LENGTH)),
  sampling: samplingSchema,
});

export type Profile = v.InferOutput<typeof profileSchema>;

export const agentSchema = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  /** Null: an agent that a person has added; it takes no part in projects. */
  role: v.nullable(v.picklist(roles)),
  ...profileSchema.entries,
});

export type StudioAgent = v.InferOutput<typeof agentSchema>;

export function sameProfile(one: Profile, other: Profile): boolean {
  return (
    one.name === other.name &&
    one.avatar === other.avatar &&
    one.model === other.model &&
    one.prompt === other.prompt &&
    samplingFields.every((field) => one.sampling[field] === other.sampling[field])
  );
}
