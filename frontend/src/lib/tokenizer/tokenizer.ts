// Tokens of any text for any model of the catalogue, computed in a worker by the engine's own tokenizer.

import * as v from "valibot";

import { findModel } from "../hub/catalogue";
import type { HubStatus } from "../page/hub-status";
import type { KeyValue } from "../settings/storage";
import type { Studio } from "../studio/studio";
import type { StoredRecord } from "../weights/store";
import type { Token } from "../worker/wasm";
import { TokenizerError, type TokenizerFailure } from "./failure";
import type { FromTokenizer, ToTokenizer } from "./messages";
import { tokenizerSource, type TokenizerSource } from "./source";

export type { Token };

export interface TokenizerWorker {
  post(message: ToTokenizer): void;
  onMessage: (message: FromTokenizer) => void;
  /** It died, or never came. */
  onLost: () => void;
  terminate(): void;
}

export interface TokenizersSurroundings {
  hub: Pick<HubStatus, "value" | "refresh">;
  stored(): readonly StoredRecord[];
  local: KeyValue;
  makeWorker(): TokenizerWorker;
}

interface Waiting {
  resolve(answer: FromTokenizer): void;
  reject(error: TokenizerError): void;
}

/** Families by model, for a visit without the hub. */
const KEY = "kipina.families";
const families = v.record(v.string(), v.string());

/** Everything here rejects with a `TokenizerError`, whose message is a `TokenizerFailure`. */
export class Tokenizers {
  readonly #surroundings: TokenizersSurroundings;
  readonly #waiting = new Map<number, Waiting>();
  #worker: TokenizerWorker | null = null;
  #last = 0;

  constructor(surroundings: TokenizersSurroundings) {
    this.#surroundings = surroundings;
  }

  /** The tokens of a text; one whose bytes are part of a character has U+FFFD as its text. */
  async tokenize(modelId: string, text: string): Promise<Token[]> {
    const answer = await this.#ask("tokens", modelId, text);
    return "tokens" in answer ? answer.tokens : [];
  }

  async count(modelId: string, text: string): Promise<number> {
    const answer = await this.#ask("count", modelId, text);
    return "count" in answer ? answer.count : 0;
  }

  /** For `openTokenizer` in another worker. */
  async sourceOf(modelId: string): Promise<TokenizerSource> {
    const { hub } = this.#surroundings;
    if (hub.value.models === null) await hub.refresh();
    const { models } = hub.value;
    if (models === null) return this.#rememberedSource(modelId);
    this.#remember(Object.fromEntries(models.map(({ id, family }) => [id, family])));
    const model = findModel(models, modelId);
    if (model === undefined) throw new TokenizerError("unknown_model");
    return tokenizerSource(model, models);
  }

  async #ask(want: ToTokenizer["want"], modelId: string, text: string): Promise<FromTokenizer> {
    const source = await this.sourceOf(modelId);
    this.#worker ??= this.#makeWorker();
    const worker = this.#worker;
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.post({ id, want, source, text });
    });
  }

  #makeWorker(): TokenizerWorker {
    const worker = this.#surroundings.makeWorker();
    worker.onMessage = (message) => {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (!("failure" in message)) {
        waiting?.resolve(message);
        return;
      }
      waiting?.reject(new TokenizerError(message.failure));
      // A worker may remember that an import failed, and not try again.
      if (message.failure === "no_engine" || message.failure === "engine_unreachable") {
        this.#giveUp(message.failure);
      }
    };
    worker.onLost = () => {
      this.#giveUp("worker_lost");
    };
    return worker;
  }

  #giveUp(failure: TokenizerFailure): void {
    this.#worker?.terminate();
    this.#worker = null;
    for (const waiting of this.#waiting.values()) waiting.reject(new TokenizerError(failure));
    this.#waiting.clear();
  }

  #remember(found: Record<string, string>): void {
    const text = JSON.stringify(found);
    const { local } = this.#surroundings;
    if (local.getItem(KEY) !== text) local.setItem(KEY, text);
  }

  /** What the cache and the disk may have; the network has nothing without the catalogue. */
  #rememberedSource(modelId: string): TokenizerSource {
    const known = parse(this.#surroundings.local.getItem(KEY));
    const family = known[modelId];
    if (family === undefined) throw new TokenizerError("hub_unreachable");
    const relatives = this.#surroundings.stored().filter((record) => known[record.modelId] === family);
    return { family, keys: relatives.map(({ key }) => key), urls: [] };
  }
}

function parse(text: string | null): Record<string, string> {
  try {
    const parsed = v.safeParse(families, JSON.parse(text ?? "{}"));
    return parsed.success ? parsed.output : {};
  } catch {
    return {};
  }
}

const known = new WeakMap<Studio, Tokenizers>();

export function tokenizerOf(studio: Studio): Tokenizers {
  const before = known.get(studio);
  if (before !== undefined) return before;
  const tokenizers = new Tokenizers({
    hub: studio.hub,
    stored: () => studio.machine.value.stored,
    local: studio.local,
    makeWorker,
  });
  known.set(studio, tokenizers);
  return tokenizers;
}

function makeWorker(): TokenizerWorker {
  const worker = new Worker(new URL("./tokenizer.worker.ts", import.meta.url), { type: "module" });
  const handle: TokenizerWorker = {
    post: (message) => {
      worker.postMessage(message);
    },
    onMessage: () => undefined,
    onLost: () => undefined,
    terminate: () => {
      worker.terminate();
    },
  };
  worker.addEventListener("message", (event: MessageEvent<FromTokenizer>) => {
    handle.onMessage(event.data);
  });
  worker.addEventListener("error", () => {
    handle.onLost();
  });
  return handle;
}
