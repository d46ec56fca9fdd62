// What the worker expects of the engine's wasm build, `/wasm/{threads,plain}/node.js`.

export interface WasmModule {
  default(init: { module_or_path: URL; memory?: WebAssembly.Memory }): Promise<unknown>;
  ComputeNode: ComputeNodeClass;
}

export interface ComputeNodeClass {
  /** Reads the whole file before it resolves; the file is closed after that. */
  load(
    file: ModelFile,
    options: LoadOptions,
    onProgress: (done: number, total: number) => void,
  ): Promise<ComputeNode>;
}

export interface LoadOptions {
  threads: number;
  contextLength: number;
  compute: ComputeWish;
  /** What the GPU is called, where the page knows. */
  adapter: string | null;
  /** What was found out of it before. */
  tuning: Tuning;
}

/** What suits an adapter, in the engine's own words. */
export type Tuning = Record<string, string>;

/** "auto": on the GPU where it turns out to be faster than the processor. */
export type ComputeWish = "auto" | "gpu" | "cpu";

/** What a loaded model is computed with. */
export interface Computation {
  /** The adapter's name; null where the processor computes. */
  gpu: string | null;
  /** The kernels that compute, as in "wasm-simd128" or "webgpu", and in how many threads where the processor does. */
  kernels: string;
  threads: number;
  /** How often a GPU was lost under the model. */
  gpuLosses: number;
  /** Why the processor computes, though it was not asked for; null where it was, or where the GPU computes. */
  noGpu: NoGpu | null;
  /** For the next load. */
  tuning: Tuning;
}

export interface NoGpu {
  reason: "unavailable" | "slower" | "does_not_fit" | "failed" | "lost";
  /** Null where there is none. */
  adapter: string | null;
  /** The engine's own words; empty where nothing failed. */
  message: string;
}

/** The same build, for whoever only counts tokens. */
export interface TokenizerModule {
  default(init: { module_or_path: URL }): Promise<unknown>;
  Tokenizer: { load(file: ModelFile): Tokenizer };
}

/** A model's tokenizer, from the header of its file. */
export interface Tokenizer {
  count(text: string): number;
  tokenize(text: string): Token[];
  free(): void;
}

export interface Token {
  id: number;
  /** Has U+FFFD where the token is part of a character. */
  text: string;
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
  computation(): Computation;
  /**
   * Builds the model anew after `gpuLost`: the first time on the GPU again, then on the processor. Until that,
   * whatever is asked waits. Rejects as `load` does, and may then be called again.
   */
  rebuild(file: ModelFile, onProgress: (done: number, total: number) => void): Promise<void>;
  /**
   * Measures this machine, after whatever is being computed: a prompt (its tokens' ids, or how many) and
   * `decodeTokens` of a greedy answer that no token ends. With `keepCache`, what the KV cache holds of the
   * prompt is not computed again. The next measurement and `free` give this one up: it rejects, as it does
   * where prompt and answer don't fit into the context.
   */
  measure(prompt: number | Uint32Array, decodeTokens: number, keepCache: boolean): Promise<Measured>;
  /**
   * What the model says about the token after `input`, after whatever is being computed: the `count` likeliest
   * tokens, and the others summed up. The next look and `free` give this one up: it rejects, as it does where
   * the input is empty or does not fit into the context.
   */
  distribution(
    input: DistributionInput,
    count: number,
    onProgress: (done: number, total: number) => void,
  ): Promise<Distribution>;
  free(): void;
}

/** A text to go on from, or a conversation. */
export type DistributionInput = string | readonly { role: string; content: string }[];

/** Logits before penalty, filters and temperature. */
export interface Distribution {
  /** Likeliest first: as many as were asked for, and all that the repeat penalty would change. */
  candidates: Candidate[];
  /** The other tokens: mean logit and number of those that are about equally likely, likeliest first. */
  rest: [logit: number, count: number][];
  promptTokens: number;
  /** Those of the prompt that the cache already held. */
  cachedTokens: number;
  prefillMs: number;
}

export interface Candidate {
  token: number;
  text: string;
  logit: number;
  /** It is among the tokens that the repeat penalty looks back on. */
  recent: boolean;
  /** Choosing it ends the answer. */
  ends: boolean;
}

/** What a measurement came to; times are in milliseconds. */
export interface Measured {
  promptTokens: number;
  /** Those of the prompt that the cache already held. */
  cachedTokens: number;
  /** From the beginning until the prompt was computed. */
  prefillMs: number;
  /** From the beginning until the first token of the answer was there. */
  firstTokenMs: number;
  /** Tokens after the first. */
  decodedTokens: number;
  /** From the first token to the last. */
  decodeMs: number;
  /** Prompt and answer, for a prompt that goes on from here. */
  tokens: number[];
  /** The kernels that computed, and in how many threads. */
  kernels: string;
  threads: number;
}

export interface ConnectSettings {
  hubUrl: string;
  name: string;
  modelId: string;
  digest: string;
  /** This browser's secret: the hub knows prompts of its own person by it. */
  owner: string;
  /** These three are how it is now; the setters tell what changes, and `hello` always says the latest. */
  onlyOwn: boolean;
  paused: boolean;
  tabHidden: boolean;
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
  /** The model went with the GPU's memory: `rebuild` is expected. */
  | { type: "gpuLost"; message: string }
  | { type: "failed"; code: "out_of_memory" | "engine"; message: string };
