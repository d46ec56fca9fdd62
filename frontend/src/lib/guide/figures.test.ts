import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { CATALOGUE, models, RECORDER, RESULTS, secondTurn, usual } from "./figures";
import { recorded } from "./recorded";
import { stops, STOPS_SOURCE } from "./stops";

const read = (name: string): string =>
  readFileSync(new URL(`../../../../${name}`, import.meta.url), "utf8").replaceAll(/\s+/g, " ");
const results = read(RESULTS);
const catalogue = read(CATALOGUE);

describe("the guide's figures", () => {
  it.each(models)("of $id are what was measured and what the catalogue says", (model) => {
    expect(catalogue).toContain(`id = "${model.id}"`);
    expect(catalogue).toContain(`parameters = ${model.parameters}`);
    if (model.bytes !== null) expect(catalogue).toContain(`bytes = ${model.bytes}`);
    if (model.speed === null) return;
    const { reads, writes } = model.speed;
    expect(results).toContain(`${model.id}, 2 threads: prompt of 512 | ${reads.toFixed(1)}`);
    expect(results).toContain(`${model.id}, 2 threads: decode at 128 of context | ${writes.toFixed(1)}`);
  });

  it("of memory and of the cache are what was measured", () => {
    expect(results).toContain(`with a prompt of 3968 in a context of 4096, MB / the model's file | 629`);
    expect(results).toContain("both cores together read 23.8 GB/s");
    const { firstTokens, answerTokens, moreTokens, withMs, withoutMs } = secondTurn;
    expect(results).toContain(
      `second turn (${firstTokens} tokens, ${answerTokens} of their answer, ${moreTokens} more), ms / without the cache | ${withMs} `,
    );
    expect(results).toContain(`| ${withoutMs} (`);
    expect(firstTokens + answerTokens + moreTokens).toBe(885);
  });

  it("of the usual model are those of the table", () => {
    expect(models.find(({ id }) => id === usual.id)?.speed).toEqual({
      reads: usual.reads,
      writes: usual.writes,
    });
  });

  it("of stop strings are the pipeline's", () => {
    const list = stops.map((stop) => `"${stop}",`).join(" ");
    expect(read(STOPS_SOURCE)).toContain(`pub const STOPS: [&str; ${stops.length}] = [ ${list} ];`);
  });

  it("of distributions are of the texts that the recorder has", () => {
    const recorder = readFileSync(new URL(`../../../../${RECORDER}`, import.meta.url), "utf8");
    expect(recorder).toContain(recorded.modelId);
    for (const { text } of recorded.texts) expect(recorder).toContain(JSON.stringify(text));
    expect(recorder).toContain(recorded.question);
    expect(recorder).toContain(recorded.tokens.finnish.text);
  });
});
