// Fetches the pipeline's wasm build from the hub that served the page.

import { MachineError } from "./machine";
import type { PipelineModule } from "./wasm";

export async function loadPipeline(base: string): Promise<PipelineModule> {
  const script = new URL("/wasm/pipeline/pipeline.js", base);
  let module: PipelineModule;
  try {
    // Without the network it may come from what the service worker keeps.
    module = (await import(/* @vite-ignore */ script.href)) as PipelineModule;
  } catch {
    // A failed import does not say whether there is nothing or nobody.
    const answer = await fetch(script, { method: "HEAD" }).catch(() => null);
    throw new MachineError(answer?.status === 404 ? "missing" : "unreachable");
  }
  try {
    await module.default({ module_or_path: new URL("pipeline_bg.wasm", script) });
  } catch (error) {
    const isAway = error instanceof TypeError;
    throw new MachineError(isAway ? "unreachable" : "broken", String(error));
  }
  return module;
}
