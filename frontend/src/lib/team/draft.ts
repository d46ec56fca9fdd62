// An agent while a person edits it: what stands in the fields, and what is wrong with it.

import type { Sampling } from "../settings/settings";
import {
  NAME_LENGTH,
  PROMPT_LENGTH,
  ranges,
  samplingFields,
  within,
  type Profile,
  type StudioAgent,
} from "./agent";
import type { AvatarName } from "./avatars";

export interface Draft {
  name: string;
  avatar: AvatarName;
  model: string | null;
  prompt: string;
  /** As typed: a number that is half written is not lost. */
  sampling: Readonly<Record<keyof Sampling, string>>;
}

export type FieldName = "name" | "prompt" | keyof Sampling;

export type Fault = "empty" | "too_long" | "taken" | "not_number" | "not_whole" | "out_of_range";

export type Faults = Partial<Record<FieldName, Fault>>;

export interface Checked {
  /** Null where anything is wrong. */
  profile: Profile | null;
  faults: Faults;
}

/** `decimalMark` is the one of the reader's language. */
export function draftOf(profile: Profile, decimalMark: string): Draft {
  const { name, avatar, model, prompt, sampling } = profile;
  const written = (field: keyof Sampling) => String(sampling[field]).replace(".", decimalMark);
  return {
    name,
    avatar,
    model,
    prompt,
    sampling: {
      temperature: written("temperature"),
      top_k: written("top_k"),
      top_p: written("top_p"),
      repeat_penalty: written("repeat_penalty"),
      max_tokens: written("max_tokens"),
    },
  };
}

export function checkDraft(draft: Draft, others: readonly StudioAgent[]): Checked {
  const faults: Faults = {};
  const name = draft.name.trim();
  if (name === "") faults.name = "empty";
  else if (name.length > NAME_LENGTH) faults.name = "too_long";
  else if (others.some((other) => other.name.toLowerCase() === name.toLowerCase())) faults.name = "taken";
  if (draft.prompt.length > PROMPT_LENGTH) faults.prompt = "too_long";
  const sampling: Partial<Sampling> = {};
  for (const field of samplingFields) {
    const value = parseNumber(draft.sampling[field]);
    const fault = numberFault(field, value);
    if (fault !== null) faults[field] = fault;
    sampling[field] = value;
  }
  const { avatar, model, prompt } = draft;
  const whole = Object.keys(faults).length === 0;
  return {
    profile: whole ? { name, avatar, model, prompt, sampling: sampling as Sampling } : null,
    faults,
  };
}

/** Takes the comma and the point alike; `NaN` for what is no number. */
export function parseNumber(text: string): number {
  const plain = text.trim().replace(",", ".").replace("−", "-");
  return /^-?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : Number.NaN;
}

function numberFault(field: keyof Sampling, value: number): Fault | null {
  if (Number.isNaN(value)) return "not_number";
  if (ranges[field].whole && !Number.isInteger(value)) return "not_whole";
  return within(field, value) ? null : "out_of_range";
}

/**
 * About how many tokens a text has, for the reader of a form: a byte-level tokenizer takes some four letters of
 * English for one, and digits and what lies beyond ASCII one by one.
 */
export function aboutTokens(text: string): number {
  const singles = text.match(/[\d\u0080-\u{10ffff}]/gu)?.length ?? 0;
  const others = Array.from(text).length - singles;
  return singles + Math.ceil(others / 4);
}
