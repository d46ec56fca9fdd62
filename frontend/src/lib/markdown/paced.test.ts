import { expect, it } from "vitest";

import { Paced, type Clock } from "./paced";

function bench(costMs: number) {
  let now = 0;
  let draws = 0;
  const planned: { delay: number; run: () => void }[] = [];
  const plan = (delay: number, run: () => void): (() => void) => {
    const entry = { delay, run };
    planned.push(entry);
    return () => planned.splice(planned.indexOf(entry), 1);
  };
  const clock: Clock = {
    now: () => now,
    onFrame: (run) => plan(0, run),
    after: plan,
  };
  const paced = new Paced(async () => {
    draws += 1;
    now += costMs;
    await Promise.resolve();
  }, clock);
  const next = async (): Promise<number | undefined> => {
    const entry = planned.shift();
    entry?.run();
    await new Promise((resolve) => setTimeout(resolve, 0));
    return entry?.delay;
  };
  return { paced, next, draws: () => draws, planned };
}

it("draws once for many changes in a frame", async () => {
  const { paced, next, draws, planned } = bench(1);
  paced.request();
  paced.request();
  await next();
  expect(draws()).toBe(1);
  expect(planned).toEqual([]);
});

it("rests three times as long as drawing took, where that is more than a frame", async () => {
  const { paced, next, draws } = bench(50);
  paced.request();
  const drawn = next();
  paced.request();
  await drawn;
  expect(await next()).toBe(150);
  expect(await next()).toBe(0);
  expect(draws()).toBe(2);
});

it("draws nothing once it has ended", async () => {
  const { paced, next, draws } = bench(1);
  paced.request();
  paced.end();
  paced.request();
  expect(await next()).toBeUndefined();
  expect(draws()).toBe(0);
});
