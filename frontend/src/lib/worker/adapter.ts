// What the browser calls its GPU. The engine's own library passes on a description only, which most browsers
// leave empty.

const options: GPURequestAdapterOptions = { powerPreference: "high-performance" };

/** Null where there is no WebGPU. */
export async function adapterName(gpu: GPU | undefined): Promise<string | null> {
  const ask = () => gpu?.requestAdapter(options).catch(() => null);
  // A browser that has just started may have none for whoever asks first, and a moment later one: Chromium on Linux,
  // with NVIDIA's driver. Asking here spares the engine that, too.
  const adapter = (await ask()) ?? (await ask());
  const info = adapter?.info;
  if (info === undefined) return null;
  return info.description || [info.vendor, info.architecture].filter(Boolean).join(" ") || null;
}
