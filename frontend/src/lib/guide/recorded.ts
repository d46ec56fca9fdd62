// What `bench/guide/record.mjs` has recorded from a real model.

import type { Distribution, Token } from "../worker/wasm";
import type { RecordedText } from "./next-token";
import data from "./recorded.json";

type RecordedDistribution = (typeof data.texts)[number]["distribution"];

interface TokenSample {
  text: string;
  tokens: Token[];
}

function distribution({ rest, ...others }: RecordedDistribution): Distribution {
  return { ...others, rest: rest.map(([logit = 0, count = 0]) => [logit, count]) };
}

const [first, ...others] = data.texts.map((text) => ({
  ...text,
  distribution: distribution(text.distribution),
}));
if (first === undefined) throw new Error("nothing was recorded");

export const recorded = {
  modelId: data.model,
  texts: [first, ...others] satisfies [RecordedText, ...RecordedText[]],
  question: data.question,
  begun: { none: distribution(data.begun.none), fence: distribution(data.begun.fence) },
  tokens: data.tokens satisfies Record<"own" | "english" | "finnish", TokenSample>,
};
