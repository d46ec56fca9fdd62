// Stand-ins for the engine's wasm build, served to the page as the real one would be.

/** Reads the whole file, joins, and does what `then` says with its `say`. */
export function fakeEngine(then: string): string {
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
        if (!settings.digest.startsWith("sha256:")) throw new Error("no digest");
        ${then}
      }
      setPaused() {}
      setOnlyOwn() {}
      setTabHidden() {}
      disconnect() {}
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

export const refused = `say({ type: "refused", code: 4002, reason: "version" });`;

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
