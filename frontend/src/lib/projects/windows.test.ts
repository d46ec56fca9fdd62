import { expect, it } from "vitest";

import { sampleModel } from "../testing/catalogue";
import { windowOf } from "./windows";

const told =
  (context: number): typeof fetch =>
  () =>
    Promise.resolve(
      new Response(
        JSON.stringify({ data: [{ id: sampleModel.id, kipina: { context_length: context } }, { id: 5 }] }),
      ),
    );
const silent: typeof fetch = () => Promise.reject(new TypeError("no"));

it.each([
  ["what the machines have", told(2048), sampleModel.id, 2048],
  ["what tabs have at most", told(32_768), sampleModel.id, 4096],
  ["what the model could have, where the hub is silent", silent, sampleModel.id, 4096],
  ["the usual, of a model that nobody knows", silent, "other", 4096],
  ["the usual, while nobody answers", silent, null, 4096],
])("a window is %s", async (_, fetcher, id, expected) => {
  expect(await windowOf(fetcher, [sampleModel], id)).toBe(expected);
});

it("is never more than the model has", async () => {
  expect(await windowOf(silent, [{ ...sampleModel, context_length: 2048 }], sampleModel.id)).toBe(2048);
});
