// Stand-ins for the engine's wasm build, served to the page as the real one would be.

import { onProcessor } from "../src/lib/testing/computation";
import type { Computation } from "../src/lib/worker/wasm";

/** Reads the whole file, joins, and does what `then` says with its `say`. */
export function fakeEngine(then: string, computation: Computation = onProcessor): string {
  return `
    export default async () => undefined;
    export class ComputeNode {
      static async load(file, options, onProgress) {
        const piece = new Uint8Array(100000);
        for (let offset = 0; offset < file.size(); offset += piece.length) {
          file.read(offset, piece);
          onProgress(Math.min(offset + piece.length, file.size()), file.size());
        }
        return new ComputeNode();
      }
      connect(settings, say) {
        if (!/^sha256:[0-9a-f]{64}$/.test(settings.digest)) throw new Error("no digest");
        if (!/^[A-Za-z0-9_-]{22}$/.test(settings.owner)) throw new Error("no owner");
        ${then}
      }
      setPaused() {}
      setOnlyOwn() {}
      setTabHidden() {}
      disconnect() {}
      computation() { return ${JSON.stringify(computation)}; }
      free() {}
    }`;
}

export const ready = `say({ type: "connected", nodeId: "1" });`;

export const busy = `${ready}
  say({ type: "promptFinished", taskId: "0", promptTokens: 9, completionTokens: 64, prefillMs: 300, decodeMs: 5200, outcome: "done" });
  say({ type: "promptStarted", taskId: "1" });
  say({ type: "token", taskId: "1", count: 1 });
  setTimeout(() => say({ type: "token", taskId: "1", count: 7 }), 500);`;

export const offline = `${ready} say({ type: "disconnected", reason: "gone", retryInMs: 4000 });`;

export const refusedWith = (code: number): string => `say({ type: "refused", code: ${code}, reason: "no" });`;

/** The worker ends without a word, as where a browser takes its memory back. */
export const dying = `${ready} setTimeout(() => close(), 200);`;

/** The same, but the next worker lives. */
export const dyingOnce = `
  caches.has("died").then((died) => {
    ${ready}
    if (!died) caches.open("died").then(() => close());
  });`;

/** Builds the model anew for as long as it is looked at. */
export const losingGpu = `${ready}
  this.rebuild = (file, onProgress) => {
    onProgress(38, 100);
    return new Promise(() => undefined);
  };
  say({ type: "gpuLost", message: "unplugged" });`;

export const outOfMemory = `${ready} say({ type: "failed", code: "out_of_memory", message: "" });`;

/** Fails while it builds. */
export const broken = `
  export default async () => undefined;
  export class ComputeNode {
    static async load() { throw new Error("unknown tensor type 99"); }
  }`;

/** Stops in the middle of building. */
export const building = `
  export default async () => undefined;
  export class ComputeNode {
    static load(file, options, onProgress) {
      onProgress(62, 100);
      return new Promise(() => undefined);
    }
  }`;
