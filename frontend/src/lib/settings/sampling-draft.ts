// The defaults of the sampling while a person types them: only what makes sense is kept.

import { ranges, samplingFields, within } from "../team/agent";
import { parseNumber } from "../team/draft";
import type { Sampling } from "./settings";

export type SamplingFault = "not_number" | "not_whole" | "out_of_range";

export interface CheckedField {
  value: number;
  fault: SamplingFault | null;
}

export function checkField(field: keyof Sampling, typed: string): CheckedField {
  const value = parseNumber(typed);
  if (Number.isNaN(value)) return { value, fault: "not_number" };
  if (ranges[field].whole && !Number.isInteger(value)) return { value, fault: "not_whole" };
  return { value, fault: within(field, value) ? null : "out_of_range" };
}

/** As it is written in the reader's language. */
export function written(value: number, decimalMark: string): string {
  return String(value).replace(".", decimalMark);
}

export function sameSampling(one: Sampling, other: Sampling): boolean {
  return samplingFields.every((field) => one[field] === other[field]);
}
