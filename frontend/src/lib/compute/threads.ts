// How many threads a tab computes with.

/** Beyond this, memory bandwidth is what a token waits for. */
const MOST_BY_DEFAULT = 8;

export function defaultThreads(cores: number): number {
  // On a small machine every core counts; on a larger one the rest of the page keeps one.
  const useful = cores <= 4 ? cores : cores - 1;
  return Math.min(MOST_BY_DEFAULT, Math.max(1, useful));
}

export function clampThreads(wanted: number, cores: number): number {
  return Math.min(Math.max(1, Math.round(wanted)), Math.max(1, cores));
}
