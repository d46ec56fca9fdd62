// Where a model's tokenizer can be had: models of one family have the same one.

import type { CatalogueModel } from "../hub/catalogue";
import { modelSources, storageKey } from "../weights/sources";

/** Plain data, to be sent to a worker. */
export interface TokenizerSource {
  family: string;
  /** What models of the family are stored under, if they are stored. */
  keys: string[];
  /** Files of the family on the network, best first. */
  urls: string[];
}

/** The model itself first, then its relatives: any of them may be on this device or at the hub. */
export function tokenizerSource(model: CatalogueModel, models: readonly CatalogueModel[]): TokenizerSource {
  const { family } = model;
  const relatives = models.filter((other) => other.family === family && other.id !== model.id);
  const all = [model, ...relatives];
  const sources = all.flatMap(modelSources);
  const urlsOf = (kind: string) => sources.filter((source) => source.kind === kind).map(({ url }) => url);
  return {
    family,
    keys: all.map(storageKey),
    urls: [...urlsOf("hub"), ...urlsOf("hugging_face")],
  };
}
