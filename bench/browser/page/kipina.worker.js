// Loads Kipinä's engine from the stored file, measures, and posts what came out.

addEventListener(
  "message",
  ({ data }) => {
    measureAll(data).then(postMessage, (error) => postMessage({ error: String(error?.stack ?? error) }));
  },
  { once: true },
);

async function measureAll({ build, threads, compute, measurements, contextLength }) {
  const script = new URL(`/wasm/${build}/node.js`, location.origin);
  const module = await import(script.href);
  await module.default({ module_or_path: new URL("node_bg.wasm", script) });
  const began = performance.now();
  const node = await load(module, { threads, contextLength, compute });
  const loadMs = performance.now() - began;
  const measured = {};
  let last = null;
  for (const name of measurements) {
    last = await measure(node, name);
    measured[name] = last.report;
  }
  const { gpu, threads: computing, noGpu } = node.computation();
  if (compute === "gpu" && gpu === null) throw new Error(`the GPU does not compute: ${JSON.stringify(noGpu)}`);
  if (compute === "cpu" && computing !== threads) throw new Error(`the engine has ${computing} threads, not ${threads}`);
  node.free();
  return { load_ms: loadMs, kernels: last.kernels, threads, measured };
}

async function load(module, options) {
  const root = await navigator.storage.getDirectory();
  const handle = await (await root.getFileHandle("model.gguf")).createSyncAccessHandle();
  const file = {
    read: (offset, into) => handle.read(into, { at: offset }),
    size: () => handle.getSize(),
  };
  try {
    return await module.ComputeNode.load(file, options, () => {});
  } finally {
    handle.close();
  }
}

async function measure(node, name) {
  const [promptTokens, decodeTokens, more] = name.split("+").map(Number);
  const first = await node.measure(promptTokens, decodeTokens, false);
  const result = { report: report(first), kernels: first.kernels, threads: first.threads };
  if (more === undefined) return result;
  const [the] = first.tokens;
  const second = Uint32Array.from([...first.tokens, ...Array(more).fill(the)]);
  const kept = await node.measure(second, decodeTokens, true);
  const fresh = await node.measure(second, decodeTokens, false);
  return { ...result, report: { ...report(kept), without_cache: report(fresh) } };
}

function report(measured) {
  return {
    prompt_tokens: measured.promptTokens,
    cached_tokens: measured.cachedTokens,
    prefill_ms: measured.prefillMs,
    first_token_ms: measured.firstTokenMs,
    decoded_tokens: measured.decodedTokens,
    decode_ms: measured.decodeMs,
  };
}
