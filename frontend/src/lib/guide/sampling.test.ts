import { describe, expect, it } from "vitest";

import type { Candidate, Distribution } from "../worker/wasm";
import { draw, sample, type GuideSampling } from "./sampling";

const off: GuideSampling = { temperature: 1, topK: 0, topP: 1, repeatPenalty: 1 };
const ln2 = Math.LN2;

function candidate(token: number, logit: number, recent = false): Candidate {
  return { token, text: `t${token}`, logit, recent, ends: false };
}

function distribution(candidates: Candidate[], rest: [number, number][] = []): Distribution {
  return { candidates, rest, promptTokens: 1, cachedTokens: 0, prefillMs: 1 };
}

/** Probabilities 1 : 4 : 2, as in the tests of `engine/src/sampler.rs`. */
const three = distribution([candidate(1, 2 * ln2), candidate(2, ln2), candidate(0, 0)]);

const after = (sampling: Partial<GuideSampling>, given = three): number[] =>
  sample(given, { ...off, ...sampling }).chances.map((chance) => chance.after);

describe("sampling", () => {
  it.each<[string, Partial<GuideSampling>, number[]]>([
    ["leaves tokens as likely as the model says", {}, [4 / 7, 2 / 7, 1 / 7]],
    ["sharpens with a low temperature", { temperature: 0.5 }, [16 / 21, 4 / 21, 1 / 21]],
    ["is greedy without any", { temperature: 0 }, [1, 0, 0]],
    ["flattens with a high one", { temperature: 2 }, [2, Math.SQRT2, 1].map((w) => w / (3 + Math.SQRT2))],
    ["keeps the k likeliest", { topK: 2 }, [2 / 3, 1 / 3, 0]],
    ["keeps the one likeliest", { topK: 1 }, [1, 0, 0]],
    ["keeps what reaches p", { topP: 0.8 }, [2 / 3, 1 / 3, 0]],
    ["keeps one where that reaches p", { topP: 0.5 }, [1, 0, 0]],
    ["filters before the temperature", { topP: 0.8, temperature: 100 }, [0.5, 0.5, 0]],
    ["measures p among the k likeliest", { topK: 2, topP: 0.6 }, [1, 0, 0]],
  ])("%s", (_, sampling, expected) => {
    for (const [index, found] of after(sampling).entries()) {
      expect(found).toBeCloseTo(expected[index] ?? NaN, sampling.temperature === 100 ? 2 : 9);
    }
  });

  it("penalises what was said, whatever the sign of its logit", () => {
    const said = (logits: [number, number]) =>
      distribution([candidate(1, logits[0], true), candidate(0, logits[1])]);
    const greedy = { temperature: 0, repeatPenalty: 2 };
    expect(after(greedy, said([1.5, 1]))).toEqual([0, 1]);
    expect(after(greedy, said([-1, -1.5]))).toEqual([0, 1]);
    expect(after({ temperature: 0 }, said([1.5, 1]))).toEqual([1, 0]);
  });

  it("tells the others as one, and what is left of them", () => {
    const given = distribution(
      [candidate(5, 0)],
      [
        [0, 2],
        [-1, 100],
      ],
    );
    const whole = 3 + 100 / Math.E;
    const plain = sample(given, off);
    expect(plain.rest.tokens).toBe(102);
    expect(plain.rest.after).toBeCloseTo(1 - 1 / whole, 9);
    expect(plain.kept).toBe(103);
    expect(sample(given, { ...off, topK: 2 })).toMatchObject({ kept: 2, rest: { after: 0.5, tokens: 102 } });
    // 90 % of 39.8 are 35.8: three, and 90 of those that weigh 0.37.
    expect(sample(given, { ...off, topP: 0.9 }).kept).toBe(93);
  });

  it("remembers what the model said before", () => {
    const { chances } = sample(three, { ...off, topK: 1 });
    expect(chances.map(({ before }) => before.toFixed(3))).toEqual(["0.571", "0.286", "0.143"]);
  });
});

describe("a draw", () => {
  const sampled = sample(distribution([candidate(1, 0), candidate(2, 0)], [[0, 2]]), off);

  it.each([
    [0, 1],
    [0.24, 1],
    [0.26, 2],
    [0.6, undefined],
  ])("of %d takes %s", (random, token) => {
    expect(draw(sampled, random)?.token).toBe(token);
  });
});
