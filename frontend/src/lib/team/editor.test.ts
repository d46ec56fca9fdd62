import { beforeEach, describe, expect, it } from "vitest";

import { defaultSettings } from "../settings/settings";
import { MemoryStorage } from "../testing/memory";
import { defaultAgent } from "./default-team";
import { aboutTokens, checkDraft, draftOf, parseNumber, type Draft } from "./draft";
import { Editor, editorOf } from "./editor";
import { Team } from "./team";

let team: Team;
let ids: number;

beforeEach(() => {
  ids = 0;
  team = new Team({
    storage: new MemoryStorage(),
    newSampling: () => defaultSettings.sampling,
    newId: () => `agent-${(ids += 1)}`,
  });
});

const edit = (id = "coder") => new Editor(team, id, () => ",");
const coder = draftOf(defaultAgent("coder"), ",");

describe("a draft", () => {
  it("has numbers as the reader writes them, and reads both marks", () => {
    expect(coder.sampling.repeat_penalty).toBe("1,05");
    expect(checkDraft(coder, []).profile).toMatchObject({ sampling: defaultAgent("coder").sampling });
    expect(["0,5", "0.5", " .5 ", "5", "-1", "−1"].map(parseNumber)).toEqual([0.5, 0.5, 0.5, 5, -1, -1]);
    expect(["", "x", "1e3", "1,2,3", "0x1", "Infinity"].map(parseNumber).every(Number.isNaN)).toBe(true);
  });

  it.each<[Partial<Draft>, object]>([
    [{ name: "  " }, { name: "empty" }],
    [{ name: "x".repeat(41) }, { name: "too_long" }],
    [{ name: "qa" }, { name: "taken" }],
    [{ prompt: "x".repeat(8001) }, { prompt: "too_long" }],
    [{ sampling: { ...coder.sampling, temperature: "2,1" } }, { temperature: "out_of_range" }],
    [{ sampling: { ...coder.sampling, top_k: "1,5" } }, { top_k: "not_whole" }],
    [
      { sampling: { ...coder.sampling, top_p: "", max_tokens: "0" } },
      { top_p: "not_number", max_tokens: "out_of_range" },
    ],
  ])("says what is wrong: %o", (change, faults) => {
    const checked = checkDraft({ ...coder, ...change }, [defaultAgent("tester")]);
    expect(checked).toEqual({ profile: null, faults });
  });

  it("may have an empty prompt", () => {
    expect(checkDraft({ ...coder, prompt: "" }, []).faults).toEqual({});
  });

  it("knows about how many tokens a prompt has", () => {
    expect(aboutTokens("")).toBe(0);
    expect(aboutTokens("Write code only.")).toBe(4);
    expect(aboutTokens("204")).toBe(3);
    expect(aboutTokens("😀ä")).toBe(2);
  });
});

describe("the editor", () => {
  it("keeps a change when it is saved, not before", () => {
    const editor = edit();
    editor.change({ name: "Kaija" });
    expect(editor.state.value.changed).toBe(true);
    expect(team.ofRole("coder").name).toBe("Koodari");
    expect(editor.save()).toBe(true);
    expect(team.ofRole("coder").name).toBe("Kaija");
    expect(editor.state.value.changed).toBe(false);
  });

  it("does not save what is wrong", () => {
    const editor = edit();
    editor.change({ name: "" });
    expect(editor.save()).toBe(false);
    expect(editor.state.value.faults).toEqual({ name: "empty" });
    expect(team.ofRole("coder").name).toBe("Koodari");
    editor.discard();
    expect(editor.state.value).toMatchObject({ faults: {}, changed: false });
  });

  it("fills in the defaults of a role, which are kept when saved", () => {
    const editor = edit();
    editor.change({ name: "Kaija" });
    editor.save();
    editor.fillDefaults();
    expect(editor.state.value).toMatchObject({ changed: true, draft: { name: "Koodari" } });
    editor.save();
    expect(team.ofRole("coder")).toEqual(defaultAgent("coder"));
  });

  it("goes elsewhere at once when nothing is changed", () => {
    const editor = edit();
    editor.edit("data");
    expect(editor.state.value.agent.id).toBe("data");
    editor.add("Apuri");
    expect(editor.state.value.agent.name).toBe("Apuri");
    editor.duplicate();
    expect(editor.state.value.agent.name).toBe("Apuri 2");
  });

  it.each([
    ["save", "data", "Kaija"],
    ["discard", "data", "Koodari"],
    ["stay", "coder", "Koodari"],
  ] as const)("asks about changes that are not kept: %s", (answer, shown, kept) => {
    const editor = edit();
    editor.change({ name: "Kaija" });
    editor.edit("data");
    expect(editor.state.value).toMatchObject({ leaving: true, agent: { id: "coder" } });
    editor.answerLeaving(answer);
    expect(editor.state.value).toMatchObject({ leaving: false, agent: { id: shown } });
    expect(team.ofRole("coder").name).toBe(kept);
  });

  it("stays where what is to be saved is wrong", () => {
    const editor = edit();
    editor.change({ name: "" });
    editor.edit("data");
    editor.answerLeaving("save");
    expect(editor.state.value).toMatchObject({ leaving: false, agent: { id: "coder" }, draft: { name: "" } });
  });

  it("removes an added agent and goes on with its neighbour", () => {
    const editor = edit();
    editor.add("Apuri");
    editor.remove();
    expect(editor.state.value.agent.id).toBe("observer");
    expect(team.agents.value).toHaveLength(6);
    editor.remove();
    expect(team.agents.value).toHaveLength(6);
  });

  it("follows another tab, but keeps what is being written", () => {
    const editor = edit();
    const end = editor.watch();
    team.save({ ...team.ofRole("coder"), name: "Toisaalta" });
    expect(editor.state.value.draft.name).toBe("Toisaalta");
    editor.change({ prompt: "Mine." });
    team.save({ ...team.ofRole("coder"), name: "Taas toisaalta" });
    expect(editor.state.value).toMatchObject({
      agent: { name: "Taas toisaalta" },
      draft: { prompt: "Mine." },
    });
    editor.discard();
    editor.add("Apuri");
    team.remove(editor.state.value.agent.id);
    expect(editor.state.value.agent.id).toBe("coder");
    end();
  });

  it("brings back what another tab removed, if it is saved here", () => {
    const editor = edit();
    const end = editor.watch();
    editor.add("Apuri");
    editor.change({ prompt: "Mine." });
    team.remove(editor.state.value.agent.id);
    expect(editor.save()).toBe(true);
    expect(team.agents.value.at(-1)).toMatchObject({ name: "Apuri", prompt: "Mine." });
    end();
  });

  it("takes back the team's latest change", () => {
    const editor = edit();
    editor.add("Apuri");
    editor.remove();
    editor.undo();
    expect(team.agents.value.at(-1)?.name).toBe("Apuri");
  });

  it("goes on with changes that were not kept when it was left", () => {
    const open = () => editorOf(team, "coder", () => ",");
    const editor = open();
    editor.change({ prompt: "Mine." });
    expect(open()).toBe(editor);
    editor.discard();
    expect(open()).not.toBe(editor);
  });
});
