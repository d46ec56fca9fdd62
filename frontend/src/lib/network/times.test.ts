import { expect, it } from "vitest";

import { formatsOf } from "../i18n/format";
import { numbersOf, timesOf } from "./times";

it("writes moments as people of each language do", () => {
  const at = new Date(2026, 10, 25, 21, 5, 9).getTime() / 1000;
  const [fi, en] = [timesOf("fi"), timesOf("en")];
  expect([fi.clock(at), fi.precise(at)]).toEqual(["21.05", "21.05.09"]);
  expect([en.clock(at), en.precise(at)]).toEqual(["21:05", "21:05:09"]);
  expect([fi.axis.month(at), en.axis.month(at)]).toEqual(["25.11.", "25/11"]);
  expect(fi.full.week(at)).toBe("ke 25.11. 21.05");
  expect(en.full.month(at)).toContain("Wed");
});

it("writes numbers with functions of their own for each language", () => {
  const fi = numbersOf(formatsOf("fi"));
  expect(fi.decimal(1.25)).toMatch(/^1,[23]$/);
  expect(numbersOf(formatsOf("en")).whole(12_345)).toBe("12,345");
  expect(fi.whole).not.toBe(numbersOf(formatsOf("en")).whole);
});
