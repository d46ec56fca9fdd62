// What bench/browser/measure.mjs calls in the page: one engine at a time on the same stored file.
//
// Measurements are those of engine/examples/speed.rs, and so is the form of what comes out.

import { Wllama } from "/wllama/index.js";

const CONTEXT_LENGTH = 4096;
/** Not counted: browsers compile anew what is called often. */
const WARM_UP = "16+4";

/** Puts the model where the product keeps it, in the origin's private file system. */
async function store(url) {
  const root = await navigator.storage.getDirectory();
  const handle = await root.getFileHandle("model.gguf", { create: true });
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  await response.body.pipeTo(await handle.createWritable());
  return (await handle.getFile()).size;
}

/** What WebGPU there is, or null. */
async function adapter() {
  const ask = () => navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  // A browser that has just started may have none for whoever asks first.
  const found = (await ask()) ?? (await ask());
  if (!found) return null;
  const { vendor, architecture, description, isFallbackAdapter } = found.info;
  return {
    name: description || [vendor, architecture].filter(Boolean).join(" "),
    software: isFallbackAdapter,
    halves: found.features.has("shader-f16"),
  };
}

/** Kipinä's engine, as the product runs it: a worker of its own. */
async function kipina({ build, threads, compute = "cpu", measurements }) {
  const worker = new Worker("kipina.worker.js", { type: "module" });
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => (data.error === undefined ? resolve(data) : reject(new Error(data.error)));
      worker.onerror = (event) => reject(new Error(event.message));
      const asked = { build, threads, compute, measurements: [WARM_UP, ...measurements] };
      worker.postMessage({ ...asked, contextLength: CONTEXT_LENGTH });
    });
  } finally {
    worker.terminate();
  }
}

/** `compute`: "gpu" is what it does by itself where it can; `layers` says how many of its layers were on the GPU. */
async function wllama({ threads, compute = "cpu", measurements }) {
  const root = await navigator.storage.getDirectory();
  const file = await (await root.getFileHandle("model.gguf")).getFile();
  const log = [];
  const note = (...words) => log.push(words.join(" "));
  const logger = { debug: note, log: note, warn: note, error: note };
  const config = compute === "gpu" ? { logger } : { suppressNativeLog: true };
  const engine = new Wllama({ default: "/wllama/wasm/wllama.wasm" }, config);
  try {
    const began = performance.now();
    await engine.loadModel([file], {
      n_threads: threads,
      n_ctx: CONTEXT_LENGTH,
      n_batch: 512,
      n_ubatch: 512,
      n_parallel: 1,
      ...(compute === "cpu" && { n_gpu_layers: 0 }),
    });
    const loadMs = performance.now() - began;
    if (engine.getNumThreads() !== threads || engine.isMultithread() !== threads > 1) {
      throw new Error(`wllama has ${engine.getNumThreads()} threads, not ${threads}`);
    }
    const measured = {};
    for (const name of [WARM_UP, ...measurements]) measured[name] = await complete(engine, name);
    const [, layers = null] = /offloaded (\d+\/\d+) layers to GPU/.exec(log.join("\n")) ?? [];
    return { load_ms: loadMs, release: Wllama.getLibllamaVersion(), threads, layers, measured };
  } finally {
    await engine.exit();
  }
}

/** By llama.cpp's own clock; its generation counts from the first token on, which the prompt gives. */
async function complete(engine, name) {
  const [promptTokens, decodeTokens] = name.split("+").map(Number);
  const began = performance.now();
  let firstTokenMs = null;
  let last = null;
  await engine.createCompletion({
    prompt: " the".repeat(promptTokens),
    max_tokens: decodeTokens + 1,
    // Greedy, and nothing else to do for the sampler.
    temperature: 0,
    samplers: ["temperature"],
    ignore_eos: true,
    cache_prompt: false,
    stream: true,
    onData: (chunk) => {
      firstTokenMs ??= performance.now() - began;
      last = chunk;
    },
  });
  const { prompt_n: computed, prompt_ms: prefillMs, predicted_n: predicted, predicted_ms: decodeMs } = last.timings;
  if (computed !== promptTokens || predicted !== decodeTokens + 1) {
    throw new Error(`wllama computed ${computed} + ${predicted} tokens for ${name}`);
  }
  return {
    prompt_tokens: promptTokens,
    cached_tokens: 0,
    prefill_ms: prefillMs,
    first_token_ms: firstTokenMs,
    decoded_tokens: decodeTokens,
    decode_ms: decodeMs,
  };
}

globalThis.bench = { store, adapter, kipina, wllama };
