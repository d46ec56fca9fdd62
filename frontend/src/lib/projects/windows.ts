// How many tokens a model's window has, where it is asked now.

import * as v from "valibot";

import { findModel, type CatalogueModel } from "../hub/catalogue";
import { getJson } from "../hub/client";

/** What a tab of a browser loads models with; a larger window is of no use if the next answer comes from there. */
const USUAL_WINDOW = 4096;

const model = v.object({
  id: v.string(),
  kipina: v.object({ context_length: v.pipe(v.number(), v.minValue(1)) }),
});
const list = v.object({ data: v.array(v.unknown()) });

/** The hub says what its machines have; where it does not, the catalogue what the model could have. */
export async function windowOf(
  fetcher: typeof fetch,
  models: readonly CatalogueModel[] | null,
  modelId: string | null,
): Promise<number> {
  if (modelId === null) return USUAL_WINDOW;
  const served = await getJson(fetcher, "/v1/models", list).then(
    ({ data }) => data.flatMap((item) => (v.is(model, item) && item.id === modelId ? [item] : [])),
    () => [],
  );
  const known = served[0]?.kipina.context_length ?? findModel(models ?? [], modelId)?.context_length;
  return Math.min(USUAL_WINDOW, known ?? USUAL_WINDOW);
}
