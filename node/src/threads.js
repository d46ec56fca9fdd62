// Threads of the engine: workers that run the same module on the same memory.

const name = "kipina-thread";

/**
 * Held for as long as a thread, and so the memory that it shares, is there. A browser that ends a worker
 * asleep in a wait takes two seconds over it; whoever builds a model next can wait for this lock.
 */
const memory = "kipina-memory";

/** Starts one; resolves when it is there, and rejects where the browser gives no more. */
export function startThread(module, memory) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(import.meta.url, { type: "module", name });
    worker.onmessage = () => resolve();
    worker.onerror = (event) => {
      event.preventDefault();
      worker.terminate();
      reject(new Error(event.message ?? "a thread could not be started"));
    };
    worker.postMessage({ module, memory });
  });
}

if (globalThis.name === name) {
  addEventListener(
    "message",
    async ({ data }) => {
      const { initSync, runThread } = await import("../../../node.js");
      await new Promise((granted) => {
        void navigator.locks.request(memory, { mode: "shared" }, () => {
          granted();
          return new Promise(() => {});
        });
      });
      initSync(data);
      postMessage("ready");
      runThread();
      close();
    },
    { once: true },
  );
}
