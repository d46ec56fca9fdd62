// What the browser calls its GPU. The engine's own library passes on a description only, which most browsers
// leave empty.

/** Null where there is no WebGPU. */
export async function adapterName(gpu: GPU | undefined): Promise<string | null> {
  const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  const info = adapter?.info;
  if (info === undefined) return null;
  return info.description || [info.vendor, info.architecture].filter(Boolean).join(" ") || null;
}
