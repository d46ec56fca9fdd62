// Threads of the engine: workers that run the same module on the same memory.

const name = "kipina-thread";

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
      initSync(data);
      postMessage("ready");
      runThread();
    },
    { once: true },
  );
}
