// Where a catalogue's model can be had by a browser.

import type { CatalogueModel } from "../hub/catalogue";
import type { ModelSource, PinnedFile } from "./model";

/** Null where the catalogue pins no checksum: such a file could be anything. */
export function pinnedFile(model: CatalogueModel): PinnedFile | null {
  if (model.bytes === undefined || model.sha256 === undefined) return null;
  return { modelId: model.id, bytes: model.bytes, sha256: model.sha256, sources: modelSources(model) };
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
