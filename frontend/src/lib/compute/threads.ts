// How many threads a tab computes with.

/** Beyond this, memory bandwidth is what a token waits for. */
const MOST_BY_DEFAULT = 8;

export function defaultThreads(cores: number): number {
  // One core stays for the page, and for whatever else its person does.
  return Math.min(MOST_BY_DEFAULT, Math.max(1, cores - 1));
}

export function clampThreads(wanted: number, cores: number): number {
  return Math.min(Math.max(1, Math.round(wanted)), Math.max(1, cores));
}
