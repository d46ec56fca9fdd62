// A model's file from the nearest place that has it: this device's disk, else the network.
// (Nearer still is memory: the worker keeps a loaded model and asks for no file at all.)

import { CheckedFile } from "./checked-file";
import { download, type DownloadProgress, type Network } from "./download";
import { asStorageError } from "./errors";
import { askLength } from "./length";
import type { WantedFile } from "./model";
import { requireSpace, type SpaceEstimate } from "./space";
import type { StoredRecord, WeightsFile, WeightsStore } from "./store";

export interface Surroundings {
  store: WeightsStore;
  network: Network;
  estimateSpace: () => Promise<SpaceEstimate>;
}

export interface ObtainedFile {
  model: CheckedFile;
  /** The catalogue's where it pins one, else what the download turned out to have. */
  sha256: string;
  close(): Promise<void>;
}

export async function obtain(
  wanted: WantedFile,
  surroundings: Surroundings,
  onProgress: (progress: DownloadProgress) => void,
  signal: AbortSignal,
): Promise<ObtainedFile> {
  const { store } = surroundings;
  const file = await store.open(wanted.key);
  try {
    const stored = await store.record(wanted.key);
    if (isWhole(stored, file)) return await opened(file, stored);
    return await opened(file, await fetchRest(wanted, stored, file, surroundings, onProgress, signal));
  } catch (error) {
    const empty = file.storedBytes() === 0;
    await file.close();
    // Nothing is left to go on from, as after a bad file: then nothing is shown as stored, either.
    if (empty) await store.remove(wanted.key);
    throw asStorageError(error, wanted.bytes ?? 0);
  }
}

/** The record of a file that was once whole and right. */
interface ProvenRecord extends StoredRecord {
  sha256: string;
  checksums: string[];
}

/** A file that was once whole and right, and still has its length. */
function isWhole(record: StoredRecord | null, file: WeightsFile): record is ProvenRecord {
  if (record?.sha256 == null || record.checksums === null) return false;
  return file.storedBytes() === record.bytes;
}

async function fetchRest(
  wanted: WantedFile,
  stored: StoredRecord | null,
  file: WeightsFile,
  { store, network, estimateSpace }: Surroundings,
  onProgress: (progress: DownloadProgress) => void,
  signal: AbortSignal,
): Promise<ProvenRecord> {
  const bytes = wanted.bytes ?? (await askLength(wanted.sources, network.fetch, signal));
  // A file of another length is another file: nothing can go on from it.
  if (stored !== null && stored.bytes !== bytes) await file.clear();
  requireSpace(Math.max(0, bytes - file.storedBytes()), await estimateSpace());
  await removeOthers(wanted, store);
  const { key, modelId, sha256 } = wanted;
  // Written first, so that half a file can be found and deleted.
  await store.saveRecord({ key, modelId, sha256, bytes, checksums: null });
  const digest = await download({ ...wanted, bytes }, file, network, onProgress, signal);
  const record = { key, modelId, bytes, ...digest };
  await store.saveRecord(record);
  return record;
}

/** What the catalogue listed under this model's name before is of no more use. */
async function removeOthers({ key, modelId }: WantedFile, store: WeightsStore): Promise<void> {
  for (const record of await store.list()) {
    if (record.modelId === modelId && record.key !== key) await store.remove(record.key);
  }
}

async function opened(file: WeightsFile, { sha256, checksums }: ProvenRecord): Promise<ObtainedFile> {
  return {
    model: await CheckedFile.create(await file.reader(), checksums),
    sha256,
    close: () => file.close(),
  };
}
