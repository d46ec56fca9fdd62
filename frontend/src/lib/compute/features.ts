// What this browser's WebAssembly can do, and which build of the engine that allows.

import { relaxedSimd, simd, threads } from "wasm-feature-detect";

export type MissingFeature =
  "secure_context" | "webassembly" | "simd" | "relaxed_simd" | "threads" | "isolation";

export interface Features {
  /** Without https (or localhost) a page gets no locks and no files. */
  secure: boolean;
  webassembly: boolean;
  simd: boolean;
  relaxedSimd: boolean;
  /** Shared memory and atomics in WebAssembly. */
  threads: boolean;
  /** Whether the page was served with the headers that allow shared memory. */
  isolated: boolean;
}

export type EngineBuild = "threads" | "plain";

/** The best build, with what is missing for a better one; or null, with what is missing for any. */
export type BuildChoice =
  { build: EngineBuild; missing: MissingFeature | null } | { build: null; missing: MissingFeature };

export async function detectFeatures(): Promise<Features> {
  const secure = globalThis.isSecureContext;
  const webassembly = typeof WebAssembly === "object";
  if (!webassembly) {
    return { secure, webassembly, simd: false, relaxedSimd: false, threads: false, isolated: false };
  }
  const [hasSimd, hasRelaxedSimd, hasThreads] = await Promise.all([simd(), relaxedSimd(), threads()]);
  return {
    secure,
    webassembly,
    simd: hasSimd,
    relaxedSimd: hasRelaxedSimd,
    threads: hasThreads && typeof SharedArrayBuffer === "function",
    isolated: globalThis.crossOriginIsolated,
  };
}

export function chooseBuild(features: Features): BuildChoice {
  if (!features.secure) return { build: null, missing: "secure_context" };
  if (!features.webassembly) return { build: null, missing: "webassembly" };
  if (!features.simd) return { build: null, missing: "simd" };
  // Without isolation there is no SharedArrayBuffer either: the headers are the cause, not the browser.
  if (!features.isolated) return { build: "plain", missing: "isolation" };
  if (!features.threads) return { build: "plain", missing: "threads" };
  if (!features.relaxedSimd) return { build: "plain", missing: "relaxed_simd" };
  return { build: "threads", missing: null };
}
