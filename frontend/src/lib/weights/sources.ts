// Where a catalogue's model can be had by a browser.

import type { CatalogueModel } from "../hub/catalogue";
import type { ModelSource, WantedFile } from "./model";

export function wantedFile(model: CatalogueModel): WantedFile {
  return {
    modelId: model.id,
    key: storageKey(model),
    bytes: model.bytes ?? null,
    sha256: model.sha256 ?? null,
    sources: modelSources(model),
  };
}

/** The checksum where there is one, so that a changed file is another file. */
export function storageKey(model: CatalogueModel): string {
  return model.sha256 ?? `unpinned-${model.id.replaceAll(/[^\w.-]/g, "_")}`;
}

/** The hub first: it is near, and asks nobody else. Wheels and Ollama are of no use to a page. */
export function modelSources(model: CatalogueModel): ModelSource[] {
  const hub: ModelSource[] = model.file_available
    ? [{ kind: "hub", url: `/models/${encodeURIComponent(model.file)}` }]
    : [];
  const others = model.sources.flatMap((source): ModelSource[] =>
    source.kind === "hugging_face"
      ? [
          {
            kind: "hugging_face",
            url: `https://huggingface.co/${source.repository}/resolve/main/${source.file}`,
          },
        ]
      : [],
  );
  return [...hub, ...others];
}
