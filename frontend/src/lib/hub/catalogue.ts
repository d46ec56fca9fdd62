// `GET /api/models`: the models that exist, and what the hub has of each right now.

import * as v from "valibot";

import { getJson } from "./client";

const source = v.variant("kind", [
  v.object({ kind: v.literal("hugging_face"), repository: v.string(), file: v.string() }),
  v.object({ kind: v.literal("pypi") }),
  v.object({ kind: v.literal("ollama"), name: v.string() }),
]);

const catalogueModel = v.object({
  id: v.string(),
  aliases: v.optional(v.array(v.string()), []),
  family: v.string(),
  parameters: v.number(),
  quantisation: v.string(),
  file: v.string(),
  bytes: v.optional(v.number()),
  sha256: v.optional(v.string()),
  context_length: v.number(),
  licence: v.string(),
  // A newer hub may know kinds of sources that this page doesn't.
  sources: v.pipe(
    v.optional(v.array(v.unknown()), []),
    v.transform((list) => list.filter((item) => v.is(source, item))),
  ),
  nodes: v.number(),
  file_available: v.boolean(),
});

const answer = v.object({ models: v.array(catalogueModel) });

export type CatalogueModel = v.InferOutput<typeof catalogueModel>;

export async function fetchCatalogue(fetcher: typeof fetch): Promise<CatalogueModel[]> {
  return (await getJson(fetcher, "/api/models", answer)).models;
}

/** The model with this id or alias. */
export function findModel(models: readonly CatalogueModel[], name: string): CatalogueModel | undefined {
  return models.find((model) => model.id === name || model.aliases.includes(name));
}
