// Choices for one visit, from the page's address: `?model=ID&threads=N&compute=auto|gpu|cpu`.

import type { ComputeWish } from "../worker/wasm";

export interface Visit {
  modelId: string | null;
  threads: number | null;
  compute: ComputeWish | null;
}

/** What makes no sense is left out. */
export function parseVisit(search: string): Visit {
  const parameters = new URLSearchParams(search);
  const threads = Number(parameters.get("threads") ?? "");
  const compute = parameters.get("compute");
  return {
    modelId: parameters.get("model") || null,
    threads: Number.isInteger(threads) && threads > 0 ? threads : null,
    compute: isWish(compute) ? compute : null,
  };
}

function isWish(text: string | null): text is ComputeWish {
  return text === "auto" || text === "gpu" || text === "cpu";
}
