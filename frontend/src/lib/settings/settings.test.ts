import { describe, expect, it } from "vitest";

import { loadLanguage, saveLanguage } from "../i18n/language";
import { chooseModel } from "../page/choice";
import { sampleModel } from "../testing/catalogue";
import { defaultSettings, loadSettings, saveSettings } from "./settings";
import { forgivingStorage, type KeyValue } from "./storage";
import { ownerSecret } from "./owner";
import { nodeName } from "./tab";
import { loadTuning, saveTuning } from "./tuning";
import { parseVisit } from "./visit";

function memory(): KeyValue {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => values.set(key, value),
    removeItem: (key) => values.delete(key),
  };
}

const forbidden = forgivingStorage(() => {
  throw new DOMException("no", "SecurityError");
});

describe("what is kept", () => {
  it("comes back", () => {
    const storage = memory();
    const chosen = { ...defaultSettings, modelId: "m", threads: 3, onlyOwn: true, compute: "gpu" as const };
    saveSettings(storage, chosen);
    saveLanguage(storage, "en");
    expect(loadSettings(storage)).toEqual(chosen);
    expect(loadLanguage(storage)).toBe("en");
  });

  it("is Finnish and default at first, also where nothing can be kept", () => {
    saveLanguage(forbidden, "en");
    saveSettings(forbidden, { ...defaultSettings, onlyOwn: true });
    expect(loadLanguage(forbidden)).toBe("fi");
    expect(loadSettings(forbidden)).toEqual(defaultSettings);
  });

  it.each(["not json", '{"threads":"many"}', "null"])("is forgotten when it makes no sense: %s", (kept) => {
    const storage = memory();
    storage.setItem("kipina.settings", kept);
    expect(loadSettings(storage)).toEqual(defaultSettings);
  });

  it("is also what was found out of a GPU, unless it makes no sense", () => {
    const storage = memory();
    expect(loadTuning(storage)).toEqual({});
    saveTuning(storage, { adapter: "32x2" });
    expect(loadTuning(storage)).toEqual({ adapter: "32x2" });
    storage.setItem("kipina.tuning", '{"adapter":5}');
    expect(loadTuning(storage)).toEqual({});
  });

  it("gives the browser one name", () => {
    const storage = memory();
    expect(nodeName(storage, () => "abcd")).toBe("selain-abcd");
    expect(nodeName(storage, () => "something else")).toBe("selain-abcd");
  });
});

describe("the owner's secret", () => {
  const filled = (byte: number) => (into: Uint8Array<ArrayBuffer>) => into.fill(byte);

  it("is 128 random bits, made once", () => {
    const storage = memory();
    const secret = ownerSecret(storage, filled(0xfb));
    expect(secret).toBe("-_v7-_v7-_v7-_v7-_v7-w");
    expect(ownerSecret(storage, filled(1))).toBe(secret);
  });

  it("is made anew where nothing is kept, or something else is", () => {
    expect(ownerSecret(forbidden, filled(1))).not.toBe(ownerSecret(forbidden, filled(2)));
    const storage = memory();
    storage.setItem("kipina.owner", "guessable");
    expect(ownerSecret(storage, filled(1))).toHaveLength(22);
  });
});

describe("the page's address", () => {
  it("sets this visit's choices", () => {
    expect(parseVisit("?model=smollm2:135m&threads=2&compute=gpu")).toEqual({
      modelId: "smollm2:135m",
      threads: 2,
      compute: "gpu",
    });
  });

  it.each(["", "?threads=0&compute=tpu&model=", "?threads=1.5", "?threads=x"])(
    "may say nothing: %s",
    (search) => {
      expect(parseVisit(search)).toEqual({ modelId: null, threads: null, compute: null });
    },
  );
});

describe("the model of a start", () => {
  const other = { ...sampleModel, id: "other", aliases: [] };
  const huge = { ...sampleModel, id: "huge", aliases: [], bytes: 9e9 };
  const models = [huge, sampleModel, other];
  const choose = (thisVisit: string | null, kept: string | null) =>
    chooseModel(models, { thisVisit, kept }, null);

  it("is the address's, else the kept one, else the first that fits", () => {
    expect(choose("other", sampleModel.id)).toEqual({ kind: "model", model: other });
    expect(choose(null, "other")).toEqual({ kind: "model", model: other });
    expect(choose(null, "gone")).toEqual({ kind: "model", model: sampleModel });
    expect(choose(null, null)).toEqual({ kind: "model", model: sampleModel });
  });

  it("may be unknown, or none", () => {
    expect(choose("nothing", "other")).toEqual({ kind: "unknown", modelId: "nothing" });
    expect(chooseModel([huge], { thisVisit: null, kept: null }, null)).toEqual({ kind: "none" });
  });
});
