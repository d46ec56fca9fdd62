// How sampling changes what a model says: the arithmetic of `engine/src/sampler.rs`, on a distribution whose
// unlikely tokens are summed up.

import type { Candidate, Distribution } from "../worker/wasm";

export interface GuideSampling {
  /** 0 is greedy. */
  temperature: number;
  /** 0 considers every token. */
  topK: number;
  /** 1 is off. */
  topP: number;
  /** 1 is off. */
  repeatPenalty: number;
}

export interface Chance extends Candidate {
  /** As the model says it, before everything. */
  before: number;
  /** After penalty, filters and temperature; 0 where a filter left it out. */
  after: number;
}

export interface Sampled {
  /** In the model's own order. */
  chances: Chance[];
  /** All other tokens together. */
  rest: { tokens: number; before: number; after: number };
  /** Tokens that may still be chosen. */
  kept: number;
}

/** One token, or several about equally likely ones. */
interface Item {
  candidate: Candidate | null;
  logit: number;
  count: number;
}

export function sample({ candidates, rest }: Distribution, sampling: GuideSampling): Sampled {
  const others = rest.map(([logit, count]): Item => ({ candidate: null, logit, count }));
  const items = candidates.map((candidate): Item => ({
    candidate,
    logit: penalised(candidate, sampling.repeatPenalty),
    count: 1,
  }));
  const sorted = [...items, ...others].sort(likelier);
  const kept = filtered(sorted, sampling);
  const after = probabilities(kept, sampling.temperature);
  const plain = [
    ...candidates.map((candidate): Item => ({ candidate, logit: candidate.logit, count: 1 })),
    ...others,
  ];
  const before = probabilities(plain, 1);
  return {
    chances: candidates.map((candidate) => ({
      ...candidate,
      before: before.of.get(candidate) ?? 0,
      after: after.of.get(candidate) ?? 0,
    })),
    rest: {
      tokens: rest.reduce((sum, [, count]) => sum + count, 0),
      before: before.others,
      after: after.others,
    },
    kept: kept.reduce((sum, { count }) => sum + count, 0),
  };
}

function penalised({ logit, recent }: Candidate, penalty: number): number {
  if (!recent || penalty === 1) return logit;
  return logit > 0 ? logit / penalty : logit * penalty;
}

/** Likelier first; equal ones by id, and single ones before sums. */
function likelier(a: Item, b: Item): number {
  const byToken = (a.candidate?.token ?? Infinity) - (b.candidate?.token ?? Infinity);
  return b.logit - a.logit || (Number.isNaN(byToken) ? 0 : byToken);
}

function filtered(sorted: readonly Item[], { temperature, topK, topP }: GuideSampling): Item[] {
  if (temperature <= 0) return first(sorted, 1);
  return reaching(topK > 0 ? first(sorted, topK) : [...sorted], topP);
}

function first(sorted: readonly Item[], tokens: number): Item[] {
  const kept: Item[] = [];
  let left = tokens;
  for (const item of sorted) {
    if (left <= 0) break;
    kept.push({ ...item, count: Math.min(item.count, left) });
    left -= item.count;
  }
  return kept;
}

/** The likeliest that together reach `topP` of the items' probability, which no temperature has changed yet. */
function reaching(items: readonly Item[], topP: number): Item[] {
  const largest = items[0]?.logit ?? 0;
  const weight = ({ logit }: Item): number => Math.exp(logit - largest);
  const wanted = topP * items.reduce((sum, item) => sum + item.count * weight(item), 0);
  if (topP >= 1) return [...items];
  const kept: Item[] = [];
  let reached = 0;
  for (const item of items) {
    const count = Math.min(item.count, Math.max(1, Math.ceil((wanted - reached) / weight(item))));
    kept.push({ ...item, count });
    reached += count * weight(item);
    if (reached >= wanted) break;
  }
  return kept;
}

function probabilities(
  items: readonly Item[],
  temperature: number,
): { of: Map<Candidate, number>; others: number } {
  const largest = items.reduce((most, { logit }) => Math.max(most, logit), -Infinity);
  // Greedy: a single item, whatever it is divided by.
  const scale = temperature <= 0 ? 1 : temperature;
  const weights = items.map(({ logit, count }) => count * Math.exp((logit - largest) / scale));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const of = new Map<Candidate, number>();
  let others = 0;
  for (const [index, { candidate }] of items.entries()) {
    const probability = (weights[index] ?? 0) / sum;
    if (candidate === null) others += probability;
    else of.set(candidate, probability);
  }
  return { of, others };
}

/** A token, as often as its chance says; null where one of the summed-up tokens would come. */
export function draw({ chances }: Sampled, random: number): Chance | null {
  let point = random;
  for (const chance of chances) {
    point -= chance.after;
    if (point < 0) return chance;
  }
  return null;
}
