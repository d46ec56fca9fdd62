// A model's tokenizer for a worker: opened once, then synchronous. Only the head of the model's file is read,
// from the browser's cache, from a model that is stored here, or from the network.

import { CheckedFile } from "../weights/checked-file";
import type { WeightsStore } from "../weights/store";
import { bestStore } from "../weights/stores";
import { EngineMissing, EngineUnreachable, importEngine, type LoadedEngine } from "../worker/engine";
import type { ModelFile, Token, Tokenizer, TokenizerModule } from "../worker/wasm";
import { TokenizerError } from "./failure";
import { readHead, type Head } from "./head";
import { remotePieces, storedPieces } from "./pieces";
import type { TokenizerSource } from "./source";

export interface OpenTokenizer {
  count(text: string): number;
  tokenize(text: string): Token[];
}

/** Heads that were read before, by the family. */
export interface HeadCache {
  match(family: string): Promise<Uint8Array | null>;
  put(family: string, head: Uint8Array<ArrayBuffer>): Promise<void>;
  delete(family: string): Promise<void>;
}

export interface OpenSurroundings {
  importEngine(): Promise<LoadedEngine<TokenizerModule>>;
  openStore(): Promise<WeightsStore>;
  openCache(): Promise<HeadCache>;
  fetcher: typeof fetch;
}

/** Throws `TokenizerError`. In a worker only: a page would stand still for some 300 ms. */
export async function openTokenizer(
  source: TokenizerSource,
  surroundings: OpenSurroundings = inThisWorker,
): Promise<OpenTokenizer> {
  const engine = await readyEngine(surroundings);
  const load = (file: ModelFile): Tokenizer => engine.Tokenizer.load(file);
  const cache = await surroundings.openCache().catch(() => null);
  const cached = await fromCache(cache, source, load);
  if (cached !== null) return cached;
  const { loaded, head } =
    (await fromStore(surroundings, source, load)) ?? (await fromNetwork(surroundings, source, load));
  // Where nothing can be kept it is read again the next time.
  await cache?.put(source.family, head.used()).catch(() => undefined);
  return loaded;
}

type Load = (file: ModelFile) => Tokenizer;

interface Loaded {
  loaded: Tokenizer;
  head: Head;
}

async function readyEngine(surroundings: OpenSurroundings): Promise<TokenizerModule> {
  try {
    const engine = await surroundings.importEngine();
    await engine.instantiate();
    return engine.module;
  } catch (cause) {
    if (cause instanceof EngineMissing) throw new TokenizerError("no_engine", { cause });
    if (cause instanceof EngineUnreachable) throw new TokenizerError("engine_unreachable", { cause });
    throw new TokenizerError("unsupported", { cause });
  }
}

async function fromCache(
  cache: HeadCache | null,
  { family }: TokenizerSource,
  load: Load,
): Promise<Tokenizer | null> {
  const bytes = await cache?.match(family).catch(() => null);
  if (bytes == null) return null;
  try {
    return (await readHead(only(bytes), load)).loaded;
  } catch {
    await cache?.delete(family).catch(() => undefined);
    return null;
  }
}

/** Null where no whole model of the family is stored, or none can be read now. */
async function fromStore(
  surroundings: OpenSurroundings,
  { keys }: TokenizerSource,
  load: Load,
): Promise<Loaded | null> {
  const store = await surroundings.openStore().catch(() => null);
  if (store === null) return null;
  for (const key of keys) {
    try {
      const checksums = (await store.record(key))?.checksums ?? null;
      if (checksums === null) continue;
      return await readHead(storedPieces(store, key), async (head) =>
        load(await CheckedFile.create(head, checksums)),
      );
    } catch {
      // It is being written, or the disk has damaged it: another place has the same.
    }
  }
  return null;
}

async function fromNetwork(
  { fetcher }: OpenSurroundings,
  { urls }: TokenizerSource,
  load: Load,
): Promise<Loaded> {
  let failed = new TokenizerError("source_missing");
  for (const url of urls) {
    try {
      return await readHead(remotePieces(fetcher, url), load);
    } catch (cause) {
      const error = cause instanceof TokenizerError ? cause : new TokenizerError("unsupported", { cause });
      if (failed.failure === "source_missing") failed = error;
    }
  }
  throw failed;
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield await Promise.resolve(bytes);
}

const CACHE = "kipina-tokenizers";

const address = (family: string): string => `/tokenizers/${encodeURIComponent(family)}`;

const inThisWorker: OpenSurroundings = {
  importEngine: () => importEngine<TokenizerModule>("plain", location.origin),
  openStore: bestStore,
  openCache: async () => {
    const cache = await caches.open(CACHE);
    return {
      match: async (family) => {
        const found = await cache.match(address(family));
        return found === undefined ? null : new Uint8Array(await found.arrayBuffer());
      },
      put: (family, head) => cache.put(address(family), new Response(head)),
      delete: async (family) => {
        await cache.delete(address(family));
      },
    };
  },
  fetcher: (input, init) => fetch(input, init),
};
