import { beforeEach, describe, expect, it } from "vitest";

import { defaultSettings } from "../settings/settings";
import { MemoryStorage } from "../testing/memory";
import { roles } from "./agent";
import { defaultAgent, defaultTeam } from "./default-team";
import { TEAM_KEY } from "./kept-team";
import { pipelineTeam } from "./pipeline-team";
import { isDefault, Team } from "./team";
import { writtenAgent } from "./transfer";
import defaultTeamFile from "../../../../pipeline/default-team.json";

let storage: MemoryStorage;
let ids: number;

function openTeam(): Team {
  return new Team({
    storage: storage.forgiving(),
    newSampling: () => ({ ...defaultSettings.sampling, temperature: 5, top_k: 12 }),
    newId: () => `agent-${(ids += 1)}`,
  });
}

beforeEach(() => {
  storage = new MemoryStorage();
  ids = 0;
});

const names = (team: Team) => team.agents.value.map(({ name }) => name);

describe("the team at first", () => {
  it("is the pipeline's, each role with a face of its own, and Koodari answers", () => {
    const team = openTeam();
    expect(names(team)).toEqual(["Manageri", "Koodari", "Data", "QA", "DevOps", "Tarkkailija"]);
    expect(new Set(team.agents.value.map(({ avatar }) => avatar)).size).toBe(6);
    expect(team.chosen.value).toBe("coder");
    expect(team.ofRole("tester").name).toBe("QA");
    expect(team.agents.value.every(isDefault)).toBe(true);
  });

  it("goes to the pipeline as the pipeline's own file has it", () => {
    expect(pipelineTeam(openTeam().agents.value)).toEqual(defaultTeamFile);
    expect(pipelineTeam([])).toEqual(defaultTeamFile);
  });
});

describe("a changed agent", () => {
  it("is there again after a reload, and only what was changed is kept", () => {
    const team = openTeam();
    team.save({ ...team.ofRole("data"), name: "Tieto", avatar: "otter" });
    team.choose("data");
    const again = openTeam();
    expect(again.ofRole("data")).toMatchObject({ id: "data", name: "Tieto", avatar: "otter" });
    expect(again.chosen.value).toBe("data");
    const kept = JSON.parse(storage.getItem(TEAM_KEY) ?? "") as { agents: unknown[] };
    expect(kept.agents).toHaveLength(1);
  });

  it("works in the pipeline", () => {
    const team = openTeam();
    team.save({ ...team.ofRole("data"), name: "Tieto", prompt: "You know data." });
    team.add("Apuri");
    const { agents } = pipelineTeam(team.agents.value);
    expect(agents.map(({ role }) => role)).toEqual([...roles]);
    expect(agents[2]).toMatchObject({ role: "data", name: "Tieto", prompt: "You know data." });
  });
});

describe("an added agent", () => {
  it("has a free name, a free face, and the settings' sampling within the rules", () => {
    const team = openTeam();
    const one = team.add("Uusi agentti");
    const two = team.add("Uusi agentti");
    expect([one.name, two.name]).toEqual(["Uusi agentti", "Uusi agentti 2"]);
    expect([one.avatar, two.avatar]).toEqual(["owl", "fox"]);
    expect(one).toMatchObject({ role: null, model: null });
    expect(one.sampling).toMatchObject({ temperature: 2, top_k: 12 });
    expect(openTeam().agents.value).toEqual(team.agents.value);
  });

  it("may be like another", () => {
    const team = openTeam();
    const twin = team.duplicate(team.ofRole("coder"));
    expect(twin).toEqual({ ...defaultAgent("coder"), id: twin.id, role: null, name: "Koodari 2" });
    expect(team.duplicate(twin).name).toBe("Koodari 3");
  });

  it("can be removed, after which another answers, and brought back", () => {
    const team = openTeam();
    const { id } = team.add("Apuri");
    team.choose(id);
    team.remove(id);
    expect(team.agent(id)).toBeUndefined();
    expect(team.chosen.value).toBe("coder");
    expect(team.undoable.value).toEqual({ kind: "removed", name: "Apuri" });
    team.undo();
    expect(names(openTeam())).toContain("Apuri");
    expect(team.undoable.value).toBeNull();
    team.undo();
    expect(names(team)).toContain("Apuri");
  });

  it("is the only kind that can be removed", () => {
    const team = openTeam();
    for (const role of roles) team.remove(role);
    team.remove("nobody");
    expect(team.agents.value).toEqual(defaultTeam);
    expect(team.undoable.value).toBeNull();
  });
});

describe("imported agents", () => {
  const qa = writtenAgent({ ...defaultAgent("tester"), name: "Testaaja" });
  const free = { ...qa, role: null, name: "Koodari" };

  it("take their role's place or join, and can be taken back", () => {
    const team = openTeam();
    team.import([qa, free], true);
    expect(team.ofRole("tester")).toMatchObject({ id: "tester", name: "Testaaja" });
    expect(names(team).slice(6)).toEqual(["Koodari 2"]);
    expect(team.undoable.value).toEqual({ kind: "imported", replaced: 1, added: 1 });
    team.undo();
    expect(team.agents.value).toEqual(defaultTeam);
  });

  it("join all where nobody is to be replaced", () => {
    const team = openTeam();
    team.import([qa, qa], false);
    expect(team.agents.value.slice(0, 6)).toEqual(defaultTeam);
    expect(names(team).slice(6)).toEqual(["Testaaja", "Testaaja 2"]);
  });
});

describe("who works", () => {
  it("works until all its jobs have ended", () => {
    const team = openTeam();
    const seen: string[][] = [];
    team.working.subscribe((ids) => seen.push([...ids]));
    const first = team.begin("coder", "app/main.py");
    const second = team.begin("coder", "app/db.py");
    expect(team.files.value.get("coder")).toBe("app/db.py");
    second();
    second();
    expect(team.files.value.get("coder")).toBe("app/main.py");
    expect(team.working.value).toEqual(new Set(["coder"]));
    first();
    expect(seen).toEqual([[], ["coder"], []]);
    expect(team.files.value.size).toBe(0);
  });
});

describe("the browser's storage", () => {
  it("may be full: the change lasts for this visit, and the team says so", () => {
    const team = openTeam();
    storage.full = true;
    team.add("Apuri");
    expect(names(team)).toContain("Apuri");
    expect(team.kept.value).toBe(false);
    storage.full = false;
    team.choose("data");
    expect(team.kept.value).toBe(true);
    expect(names(openTeam())).toContain("Apuri");
  });

  it.each([
    "no json",
    "null",
    "[]",
    '{"version":2,"agents":[]}',
    '{"version":1,"agents":[{"id":"coder","role":"coder","name":7}]}',
    '{"version":1,"chosen":"gone","agents":[null]}',
  ])("may have nonsense, which is as if nobody had been changed: %s", (kept) => {
    storage.setItem(TEAM_KEY, kept);
    expect(openTeam().agents.value).toEqual(defaultTeam);
    expect(openTeam().chosen.value).toBe("coder");
  });

  it("may have agents with ids that are not theirs; those are nobody", () => {
    const coder = defaultAgent("coder");
    const agents = [
      { ...coder, id: "data" },
      { ...coder, role: null },
      { ...coder, id: "x", role: null },
      { ...coder, id: "x", role: null, name: "Twice" },
    ];
    storage.setItem(TEAM_KEY, JSON.stringify({ version: 1, agents }));
    expect(openTeam().agents.value.slice(0, 6)).toEqual(defaultTeam);
    expect(openTeam().agents.value.slice(6)).toEqual([agents[2]]);
  });

  it("tells what another tab has kept, and leaves this tab's choice alone", () => {
    const [here, there] = [openTeam(), openTeam()];
    here.choose("data");
    const { id } = there.add("Apuri");
    there.choose(id);
    here.follow();
    expect(names(here)).toContain("Apuri");
    expect(here.chosen.value).toBe("data");
    here.choose(id);
    there.remove(id);
    here.follow();
    expect(here.chosen.value).toBe("coder");
  });
});

it("never chooses somebody who is not there", () => {
  const team = openTeam();
  team.choose("nobody");
  expect(team.chosen.value).toBe("coder");
});
