// A model as the hub's catalogue lists it.

import type { CatalogueModel } from "../hub/catalogue";

export const sampleModel: CatalogueModel = {
  id: "qwen2.5-coder:0.5b",
  aliases: ["qwen2.5-coder:0.5b-instruct-q4_k_m"],
  family: "qwen-coder",
  parameters: 494_032_768,
  quantisation: "Q4_K_M",
  file: "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
  bytes: 491_400_064,
  sha256: "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
  context_length: 32_768,
  licence: "Apache-2.0",
  sources: [
    { kind: "hugging_face", repository: "Qwen/Sample", file: "sample.gguf" },
    { kind: "ollama", name: "qwen2.5-coder:0.5b" },
  ],
  nodes: 1,
  file_available: true,
};
