// Loads one of the engine's two wasm builds.

import type { EngineBuild } from "../compute/features";
import type { WasmModule } from "./wasm";

export class EngineMissing extends Error {
  override readonly name = "EngineMissing";
}

export class EngineUnreachable extends Error {
  override readonly name = "EngineUnreachable";
}

/** The build's code, not yet instantiated: so that a hub without one is found before a long download. */
export async function importEngine(build: EngineBuild, base: string): Promise<LoadedEngine> {
  const script = new URL(`/wasm/${build}/node.js`, base);
  // A failed import does not say whether there is nothing or nobody: ask first.
  const answer = await fetch(script, { method: "HEAD" }).catch((cause: unknown) => {
    throw new EngineUnreachable("the hub does not answer", { cause });
  });
  if (answer.status === 404) throw new EngineMissing(`there is nothing at ${script.pathname}`);
  if (!answer.ok) throw new EngineUnreachable(`the hub answered ${answer.status}`);
  const module = (await import(/* @vite-ignore */ script.href)) as WasmModule;
  return { module, instantiate: () => module.default({ module_or_path: new URL("node_bg.wasm", script) }) };
}

export interface LoadedEngine {
  module: WasmModule;
  instantiate(): Promise<unknown>;
}
