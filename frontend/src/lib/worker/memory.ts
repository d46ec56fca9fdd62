// Waits for the memory of a model that is on its way out, as after a reload: two at once may be too much.

/** The engine's threads share it, see `node/src/threads.js`. */
const NAME = "kipina-memory";
/** Browsers take two seconds over a thread that is asleep. Who takes longer has another trouble. */
const LONGEST_MS = 5000;

export async function memoryIsFree(locks: LockManager): Promise<void> {
  const signal = AbortSignal.timeout(LONGEST_MS);
  await locks.request(NAME, { signal }, () => undefined).catch(() => undefined);
}
