// What the worker expects of the engine's wasm build, `/wasm/{threads,plain}/node.js`.

export interface WasmModule {
  default(init: { module_or_path: URL; memory?: WebAssembly.Memory }): Promise<unknown>;
  ComputeNode: ComputeNodeClass;
}

export interface ComputeNodeClass {
  /** Reads the whole file before it resolves; the file is closed after that. */
  load(
    file: ModelFile,
    options: { threads: number; contextLength: number },
    onProgress: (done: number, total: number) => void,
  ): Promise<ComputeNode>;
}

/** A model's file, read synchronously from where it is stored. */
export interface ModelFile {
  /** Fills `into` from `offset` on; returns how many bytes there were. */
  read(offset: number, into: Uint8Array): number;
  size(): number;
}

/** A loaded model and its connection to the hub. */
export interface ComputeNode {
  /** Joins, and joins again whenever the connection breaks, until `disconnect`. */
  connect(settings: ConnectSettings, onEvent: (event: NodeEvent) => void): void;
  setPaused(p: boolean): void;
  setOnlyOwn(p: boolean): void;
  setTabHidden(h: boolean): void;
  disconnect(): void;
  free(): void;
}

export interface ConnectSettings {
  hubUrl: string;
  name: string;
  modelId: string;
  digest: string;
  /** The adapter's name; absent where there is no WebGPU, or where it must not be used. */
  webgpu?: string;
  /** This browser's secret: the hub knows prompts of its own person by it. */
  owner: string;
  /** These three are how it is now; the setters tell what changes, and `hello` always says the latest. */
  onlyOwn: boolean;
  paused: boolean;
  tabHidden: boolean;
  /**
   * The GPU's multiply-adds per second, measured for about so long; null where there is none to measure.
   * Called only for a benchmark that the hub asked for.
   */
  benchmarkGpu?: (durationMs: number) => Promise<number | null>;
}

export type NodeEvent =
  | { type: "connected"; nodeId: string }
  | { type: "disconnected"; reason: string; retryInMs: number }
  | { type: "refused"; code: number; reason: string }
  | { type: "promptStarted"; taskId: string }
  | { type: "token"; taskId: string; count: number }
  | {
      type: "promptFinished";
      taskId: string;
      promptTokens: number;
      completionTokens: number;
      prefillMs: number;
      decodeMs: number;
      outcome: "done" | "cancelled" | "failed";
    }
  | { type: "failed"; code: "out_of_memory" | "engine"; message: string };
