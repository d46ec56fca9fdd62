import { expect, it } from "vitest";

import { RecentRates } from "./recent";

const rates = (prompts: number) => ({ prompts_per_minute: prompts, tokens_per_second: 10 * prompts });
const MINUTE = 60_000;
const START = 1_795_640_000_000;

it("keeps what was heard, in order", () => {
  const recent = new RecentRates();
  expect(recent.until(START)).toEqual([]);
  recent.hear(START, rates(1));
  recent.hear(START + 5000, rates(2));
  expect(recent.until(START + MINUTE)).toEqual([
    { at: START, rates: rates(1) },
    { at: START + 5000, rates: rates(2) },
  ]);
});

it("forgets what is older than its minutes, but for what held at the left edge", () => {
  const recent = new RecentRates();
  recent.hear(START, rates(1));
  recent.hear(START + MINUTE, rates(2));
  recent.hear(START + 12 * MINUTE, rates(3));
  expect(recent.until(START + 13 * MINUTE)).toEqual([
    { at: START + 3 * MINUTE, rates: rates(2) },
    { at: START + 12 * MINUTE, rates: rates(3) },
  ]);
  for (let second = 0; second < 5000; second += 1)
    recent.hear(START + 13 * MINUTE + second * 1000, rates(second));
  expect(recent.until(START + 13 * MINUTE + 4_999_000).length).toBeLessThan(603);
});

it("knows what it did not hear", () => {
  const recent = new RecentRates();
  recent.lose(START);
  expect(recent.until(START)).toEqual([]);
  recent.hear(START, rates(1));
  recent.lose(START + 1000);
  recent.lose(START + 2000);
  recent.hear(START + 3000, rates(2));
  expect(recent.until(START + 3000).map((moment) => moment.rates)).toEqual([rates(1), null, rates(2)]);
});

it("starts anew where the clock was set back", () => {
  const recent = new RecentRates();
  recent.hear(START, rates(1));
  recent.hear(START - MINUTE, rates(2));
  expect(recent.until(START)).toEqual([{ at: START - MINUTE, rates: rates(2) }]);
});
