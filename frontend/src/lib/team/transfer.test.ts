import { describe, expect, it } from "vitest";

import { readTeamFile } from "./file";
import { defaultAgent, defaultTeam } from "./default-team";
import { exportName, exportText, parseImport, writtenAgent } from "./transfer";

const written = (agents: unknown, version = 1) => JSON.stringify({ format: "kipina-team", version, agents });
const coder = writtenAgent(defaultAgent("coder"));

describe("an exported team", () => {
  it("is what an import reads", () => {
    const own = {
      ...defaultAgent("coder"),
      id: "agent-1",
      role: null,
      name: "Äiti",
      prompt: "Rivi\n\u2028 😀",
    };
    const read = parseImport(exportText([...defaultTeam, own]));
    expect(read).toEqual({
      ok: true,
      agents: [...defaultTeam, own].map(writtenAgent),
    });
  });

  it.each([
    [[...defaultTeam], "kipina-team.json"],
    [[{ ...defaultAgent("coder"), name: "Öljy & Äly / 2" }], "kipina-oljy-aly-2.json"],
    [[{ ...defaultAgent("coder"), name: "日本" }], "kipina-agent.json"],
  ])("has a name that every system takes", (agents, name) => {
    expect(exportName(agents)).toBe(name);
  });
});

describe("a file that can't be imported says why", () => {
  it.each([
    ["{", { kind: "not_json" }],
    ["[]", { kind: "not_team" }],
    ['{"agents":[]}', { kind: "not_team" }],
    [written([], 1), { kind: "empty" }],
    [written([coder], 2), { kind: "newer" }],
    [written(Array(101).fill(coder)), { kind: "too_many" }],
    [written([coder, { ...coder, name: "B" }]), { kind: "role_twice", agent: 2, name: "B" }],
    [written([coder, 7]), { kind: "field", agent: 2, name: null, field: "" }],
    [written([{ ...coder, name: " " }]), { kind: "field", agent: 1, name: null, field: "name" }],
    [
      written([{ ...coder, sampling: { ...coder.sampling, top_k: 1.5 } }]),
      { kind: "field", agent: 1, name: "Koodari", field: "sampling.top_k" },
    ],
    [
      written([{ ...coder, avatar: "<script>" }]),
      { kind: "field", agent: 1, name: "Koodari", field: "avatar" },
    ],
    [
      written([{ ...coder, prompt: "x".repeat(8001) }]),
      { kind: "field", agent: 1, name: "Koodari", field: "prompt" },
    ],
  ])("%.60s", (text, failure) => {
    expect(parseImport(text)).toEqual({ ok: false, failure });
  });
});

describe("a chosen file", () => {
  it("is read, unless it is too large or gone", async () => {
    const file = new Blob([exportText(defaultTeam)]);
    expect(await readTeamFile(file)).toMatchObject({ ok: true });
    const huge = { size: 2_000_001, text: () => Promise.resolve("") };
    expect(await readTeamFile(huge)).toEqual({ ok: false, failure: { kind: "too_large" } });
    const gone = { size: 1, text: () => Promise.reject(new DOMException("gone", "NotReadableError")) };
    expect(await readTeamFile(gone)).toEqual({ ok: false, failure: { kind: "unreadable" } });
  });
});
