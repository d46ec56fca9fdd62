// Why a text can't be counted. The error's message is the key: dictionaries have a sentence for each.

export type TokenizerFailure =
  /** The catalogue has no such model. */
  | "unknown_model"
  /** The hub does not answer, and this browser has not seen the model before. */
  | "hub_unreachable"
  /** No source has the model's file. */
  | "source_missing"
  /** The model's file could not be fetched. */
  | "network_lost"
  /** The hub was installed without the engine's wasm build. */
  | "no_engine"
  | "engine_unreachable"
  /** The engine does not know this kind of tokenizer, or this browser can't run the engine. */
  | "unsupported"
  /** The browser ended the worker. */
  | "worker_lost";

export class TokenizerError extends Error {
  override readonly name = "TokenizerError";

  constructor(
    readonly failure: TokenizerFailure,
    options?: ErrorOptions,
  ) {
    super(failure, options);
  }
}
