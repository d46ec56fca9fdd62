// Loads one of the engine's two wasm builds.

import type { EngineBuild } from "../compute/features";
import type { WasmModule } from "./wasm";

export class EngineMissing extends Error {
  override readonly name = "EngineMissing";
}

export class EngineUnreachable extends Error {
  override readonly name = "EngineUnreachable";
}

/** What every build's module has, whatever else a caller wants of it. */
interface Instantiable {
  default(init: { module_or_path: URL }): Promise<unknown>;
}

export interface LoadedEngine<Module extends Instantiable = WasmModule> {
  module: Module;
  instantiate(): Promise<unknown>;
}

/** The build's code, not yet instantiated: so that a hub without one is found before a long download. */
export async function importEngine<Module extends Instantiable = WasmModule>(
  build: EngineBuild,
  base: string,
): Promise<LoadedEngine<Module>> {
  const script = new URL(`/wasm/${build}/node.js`, base);
  const module = await importModule<Module>(script);
  return { module, instantiate: () => module.default({ module_or_path: new URL("node_bg.wasm", script) }) };
}

async function importModule<Module>(script: URL): Promise<Module> {
  try {
    return (await import(/* @vite-ignore */ script.href)) as Module;
  } catch (error) {
    // A failed import does not say whether there is nothing or nobody: that is asked only now, since what
    // is kept for a time without network answers imports and no questions.
    const answer = await fetch(script, { method: "HEAD" }).catch((cause: unknown) => {
      throw new EngineUnreachable("the hub does not answer", { cause });
    });
    if (answer.status === 404) throw new EngineMissing(`there is nothing at ${script.pathname}`);
    if (!answer.ok) throw new EngineUnreachable(`the hub answered ${answer.status}`);
    throw error;
  }
}
