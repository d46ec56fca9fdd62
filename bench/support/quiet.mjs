// Waits for other programs to be done: engines wait for their slowest thread, and those that spin while they wait
// become many times slower beside a program that computes.

import { cpus } from "node:os";

import { pause } from "./chromium.mjs";

/** Share of the machine's time that some program may take while nothing is measured. */
const QUIET = 0.1;
const LONGEST_WAIT_MS = 30_000;

/** Resolves with whether the machine became quiet. */
export async function becomesQuiet() {
  const began = performance.now();
  while (performance.now() - began < LONGEST_WAIT_MS) {
    const before = times();
    await pause(1000);
    const after = times();
    if (1 - (after.idle - before.idle) / (after.all - before.all) < QUIET) return true;
  }
  return false;
}

function times() {
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  const cores = cpus().map((core) => core.times);
  return { idle: sum(cores.map(({ idle }) => idle)), all: sum(cores.flatMap((core) => Object.values(core))) };
}
