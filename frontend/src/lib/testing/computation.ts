// What tests take a loaded model to be computed with.

import type { Computation } from "../worker/wasm";

export const onProcessor: Computation = {
  gpu: null,
  kernels: "wasm-relaxed-simd",
  threads: 4,
  gpuLosses: 0,
  noGpu: null,
  tuning: {},
};

export const onGpu: Computation = {
  ...onProcessor,
  gpu: "adapter",
  kernels: "webgpu",
  tuning: { adapter: "32x2" },
};
