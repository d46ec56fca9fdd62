// What computes, and why it is not the GPU, as sentences.

import type { Computation, NoGpu } from "../worker/wasm";
import type { Dictionary } from "./fi";

export function computationSentences(computation: Computation, text: Dictionary): string[] {
  const { gpu, threads, gpuLosses, noGpu } = computation;
  const words = text.computation;
  if (gpu !== null) return gpuLosses > 0 ? [words.gpu(gpu), words.lostOnce] : [words.gpu(gpu)];
  return noGpu === null ? [words.cpu(threads)] : [words.cpu(threads), whyNoGpu(noGpu, text)];
}

function whyNoGpu({ reason, adapter, message }: NoGpu, { computation }: Dictionary): string {
  if (reason === "unavailable" || adapter === null) return computation.unavailable;
  return computation[reason](adapter, message);
}
