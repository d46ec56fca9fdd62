// Fetches the pipeline's wasm build from the hub that served the page.

import { MachineError } from "./machine";
import type { PipelineModule } from "./wasm";

export async function loadPipeline(base: string): Promise<PipelineModule> {
  const script = new URL("/wasm/pipeline/pipeline.js", base);
  // A failed import does not say whether there is nothing or nobody: ask first.
  const answer = await fetch(script, { method: "HEAD" }).catch(() => null);
  if (answer?.status === 404) throw new MachineError("missing");
  if (answer?.ok !== true) throw new MachineError("unreachable");
  let module: PipelineModule;
  try {
    module = (await import(/* @vite-ignore */ script.href)) as PipelineModule;
  } catch {
    throw new MachineError("unreachable");
  }
  try {
    await module.default({ module_or_path: new URL("pipeline_bg.wasm", script) });
  } catch (error) {
    const isAway = error instanceof TypeError;
    throw new MachineError(isAway ? "unreachable" : "broken", String(error));
  }
  return module;
}
