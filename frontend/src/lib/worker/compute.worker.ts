// The dedicated worker's entry: joins the host to this browser.

/// <reference lib="webworker" />

import type { FromWorker, ToWorker } from "../compute/messages";
import { bestStore } from "../weights/stores";
import { adapterName } from "./adapter";
import { importEngine } from "./engine";
import { Host } from "./host";
import { memoryIsFree } from "./memory";
import { pause } from "./pause";

const host = new Host({
  importEngine: (build) => importEngine(build, location.origin),
  openStore: bestStore,
  network: { fetch: (input, init) => fetch(input, init), pause },
  estimateSpace: () => navigator.storage.estimate(),
  memoryIsFree: () => memoryIsFree(navigator.locks),
  // Where WebGPU is off, the browser has no such property.
  adapterName: () => adapterName((navigator as { gpu?: GPU }).gpu),
  post: (message) => {
    postMessage(message);
  },
});

// The browser frees it when this worker ends, however that ends.
void navigator.locks.request(self.name, () => {
  postMessage({ type: "alive" } satisfies FromWorker);
  return new Promise(() => undefined);
});

addEventListener("message", (event: MessageEvent<ToWorker>) => {
  host.handle(event.data);
});
