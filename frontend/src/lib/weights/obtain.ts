// A model's file from the nearest place that has it: this device's disk, else the network.
// (Nearer still is memory: the worker keeps a loaded model and asks for no file at all.)

import { CheckedFile } from "./checked-file";
import { download, type DownloadProgress, type Network } from "./download";
import { asStorageError } from "./errors";
import type { PinnedFile } from "./model";
import { requireSpace, type SpaceEstimate } from "./space";
import type { WeightsFile, WeightsStore } from "./store";

export interface Surroundings {
  store: WeightsStore;
  network: Network;
  estimateSpace: () => Promise<SpaceEstimate>;
}

export interface ObtainedFile {
  model: CheckedFile;
  close(): Promise<void>;
}

export async function obtain(
  pinned: PinnedFile,
  { store, network, estimateSpace }: Surroundings,
  onProgress: (progress: DownloadProgress) => void,
  signal: AbortSignal,
): Promise<ObtainedFile> {
  const file = await store.open(pinned.sha256);
  try {
    const checksums = await provenChecksums(pinned, store, file);
    if (checksums !== null) return await opened(file, checksums);

    const record = { modelId: pinned.modelId, sha256: pinned.sha256, bytes: pinned.bytes };
    requireSpace(Math.max(0, pinned.bytes - file.storedBytes()), await estimateSpace());
    // Written first, so that half a file can be found and deleted.
    await store.saveRecord({ ...record, checksums: null });
    const digest = await download(pinned, file, network, onProgress, signal);
    await store.saveRecord({ ...record, checksums: digest.checksums });
    return await opened(file, digest.checksums);
  } catch (error) {
    const empty = file.storedBytes() === 0;
    await file.close();
    // Nothing is left to go on from, as after a bad file: then nothing is shown as stored, either.
    if (empty) await store.remove(pinned.sha256);
    throw asStorageError(error, pinned.bytes);
  }
}

/** The checksums of a file that was once whole and right, and still has its length. */
async function provenChecksums(
  pinned: PinnedFile,
  store: WeightsStore,
  file: WeightsFile,
): Promise<string[] | null> {
  const record = await store.record(pinned.sha256);
  return file.storedBytes() === pinned.bytes ? (record?.checksums ?? null) : null;
}

async function opened(file: WeightsFile, checksums: string[]): Promise<ObtainedFile> {
  return { model: await CheckedFile.create(await file.reader(), checksums), close: () => file.close() };
}
