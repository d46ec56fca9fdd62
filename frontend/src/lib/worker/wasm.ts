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
  /** The instruction set's kernels that computed, and in how many threads. */
  kernels: string;
  threads: number;
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
