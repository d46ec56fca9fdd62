// The plain parts: names, trees, lines, estimates, sentences.

import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { formatsOf } from "../i18n/format";
import { en } from "../i18n/projects/en";
import { fi } from "../i18n/projects/fi";
import { HubError } from "../hub/client";
import { emptyProject } from "../testing/pipeline";
import { Counters } from "./counters";
import { fractionDone, secondsLeft, withTiming, type Timing } from "./estimate";
import { judge } from "./judgement";
import type { Notice, Project, Stage } from "./project";
import { exportText, fileNameOf, importText, nameFrom, newRecord, readRecord } from "./record";
import { lineOf, remarksOn } from "./remarks";
import { runState } from "./run-state";
import { distinct, noticeSentence, projectFailureSentence } from "./sentences";
import { treeOf } from "./tree";
import { zipOf } from "./zip";

function fileOf(path: string, ...texts: string[]): Project["files"][number] {
  return {
    path,
    purpose: "x",
    needs: [],
    role: "coder",
    state: { is: texts.length > 0 ? "written" : "waiting" },
    versions: texts.map((text) => ({ text, by: "coder", round: 0 })),
    attempts: 0,
    instruction: null,
  };
}

const projectOf = (change: Partial<Project>): Project => ({ ...emptyProject("x"), ...change });

describe("the tree", () => {
  it("has folders before files, and everything in order", () => {
    const tree = treeOf(["pyproject.toml", "app/main.py", "app/api/routes.py", "README.md", "app/db.py"]);
    expect(tree.map(({ name }) => name)).toEqual(["app", "pyproject.toml", "README.md"]);
    const [app] = tree;
    expect(app?.kind === "folder" && app.entries.map(({ path }) => path)).toEqual([
      "app/api",
      "app/db.py",
      "app/main.py",
    ]);
  });

  it("of nothing is empty", () => {
    expect(treeOf([])).toEqual([]);
  });
});

describe("a remark", () => {
  const text = "import os\n\ndef total(items):\n    return sum(items)\n";

  it.each([
    ["the error is on line 3", 3],
    ["Lines 3 and 4 are wrong", 3],
    ["rivillä 2 on virhe", 2],
    ["`total` has no types", 3],
    ["the name 'sum' is shadowed", 4],
    ["line 99 is missing", null],
    ["no tests", null],
    ["`nothing` is here", null],
  ])("%s stands at %s", (remark, line) => {
    expect(lineOf(remark, text)).toBe(line);
  });

  it("stays on its file after the rounds are over", () => {
    const issue = { path: "a.py", text: "line 3 is wrong" };
    const project = projectOf({ notices: [{ kind: "issues_left", issues: [issue] }] });
    expect(remarksOn(project, "a.py", text)).toEqual([{ text: issue.text, line: 3 }]);
    expect(remarksOn(project, "b.py", text)).toEqual([]);
    expect(remarksOn({ ...project, issues: [issue] }, "a.py", text).length).toBe(1);
  });
});

describe("time left", () => {
  const timings: Timing[] = [
    { kind: "plan", seconds: 5 },
    { kind: "file", seconds: 10 },
    { kind: "file", seconds: 20 },
  ];
  const writing = projectOf({ stage: "writing", files: [fileOf("a", "x"), fileOf("b"), fileOf("c")] });

  it("is not known before anything was measured, and over when all is done", () => {
    expect(secondsLeft(writing, [], [], 0)).toBeNull();
    expect(secondsLeft(projectOf({ stage: "done" }), timings, [], 0)).toBeNull();
  });

  it("is what is left, shared by those who work at once", () => {
    const mean = (5 + 10 + 20) / 3;
    expect(secondsLeft(writing, timings, [], 0)).toBeCloseTo(2 * 15 + 2 * mean);
    const open = [
      { kind: "file" as const, startedAt: 0 },
      { kind: "file" as const, startedAt: 5000 },
    ];
    expect(secondsLeft(writing, timings, open, 5000)).toBeCloseTo((2 * 15 + 2 * mean - 5) / 2);
  });

  it("never ends before the answer does", () => {
    const summing = projectOf({ stage: "summing" });
    const open = [{ kind: "risks" as const, startedAt: 0 }];
    expect(secondsLeft(summing, timings, open, 3_600_000)).toBeGreaterThanOrEqual(1);
  });

  it("forgets what was long ago", () => {
    let kept: Timing[] = [];
    for (let n = 0; n < 100; n += 1) kept = withTiming(kept, { kind: "file", seconds: n });
    expect(kept.length).toBe(24);
    expect(kept.at(-1)?.seconds).toBe(99);
  });

  it("goes with a bar that does not go back", () => {
    const files = [fileOf("a", "x"), fileOf("b", "x")];
    const path: [Stage, Project["files"], number][] = [
      ["planning", [], 0],
      ["writing", [fileOf("a"), fileOf("b")], 0],
      ["writing", [fileOf("a", "x"), fileOf("b")], 0],
      ["reviewing", files, 0],
      ["mending", [fileOf("a", "x"), fileOf("b")], 0],
      ["reviewing", files, 1],
      ["summing", files, 1],
      ["done", files, 1],
    ];
    const shares = path.map(([stage, of, rounds]) => fractionDone(projectOf({ stage, files: of, rounds })));
    expect([...shares].sort((a, b) => a - b)).toEqual(shares);
    expect(shares.at(-1)).toBe(1);
  });
});

describe("a record", () => {
  it("survives a file, and what is none is refused", () => {
    const record = newRecord("a1", projectOf({ files: [fileOf("a.py", "x = 1\n")] }), "Idea", 5);
    expect(readRecord(structuredClone(record))).toEqual(record);
    expect(importText(exportText(record))).toEqual({ name: "Idea", project: record.project });
    for (const bad of ["", "{}", "null", '{"format":"kipina-project","version":1}', "[1]"]) {
      expect(importText(bad)).toBeNull();
    }
    const evil = exportText({
      ...record,
      project: projectOf({ files: [fileOf("../../etc/passwd x", "x")] }),
    });
    expect(importText(evil)).toBeNull();
    expect(readRecord({ ...record, project: { idea: 1 } })).toBeNull();
  });

  it("has a name that fits", () => {
    expect(nameFrom("  a\n b ")).toBe("a b");
    expect(nameFrom("sana ".repeat(60)).length).toBeLessThanOrEqual(80);
    expect(nameFrom("x".repeat(200)).length).toBe(80);
  });

  it.each([
    ["Tehtävälista", "tehtavalista"],
    ["../../etc", "etc"],
    ["日本語", "kipina"],
    ["CON", "con"],
    ["a".repeat(90), "a".repeat(40)],
  ])("of the name %s is the file %s", (name, expected) => {
    expect(fileNameOf(name)).toBe(expected);
  });
});

describe("how it stands", () => {
  it("is one word", () => {
    expect(runState(projectOf({}))).toBe("unstarted");
    expect(runState(projectOf({ stage: "writing" }))).toBe("stopped");
    expect(runState(projectOf({ run: { is: "running" } }))).toBe("running");
    expect(runState(projectOf({ run: { is: "running" } }), true)).toBe("waiting");
    expect(runState(projectOf({ run: { is: "finished" } }), true)).toBe("finished");
  });
});

describe("sentences", () => {
  const notices: Notice[] = [
    { kind: "shortened", path: "a.py", shares: [["b.py", "outline"]] },
    { kind: "shortened", path: null, shares: [["b.py", "nothing"]] },
    { kind: "plan_refused", problem: "There are 9 files" },
    { kind: "file_refused", path: "a.py", problem: "repeats" },
    { kind: "review_unclear" },
    { kind: "issues_left", issues: [{ path: "a.py", text: "x" }] },
    { kind: "lost", message: "gone" },
  ];

  it("say everything that happened, in both languages", () => {
    for (const words of [fi, en]) {
      const sentences = notices.map((notice) => noticeSentence(notice, words).text);
      expect(new Set(sentences).size).toBe(notices.length);
      for (const sentence of sentences) expect(sentence).toMatch(/[.:]$/);
    }
  });

  it("say the same once", () => {
    const same = [...notices, ...notices].map((notice) => noticeSentence(notice, fi));
    expect(distinct(same).map(({ times }) => times)).toEqual(notices.map(() => 2));
  });

  it("tell why the team could not go on", () => {
    const say = (reason: Parameters<typeof projectFailureSentence>[0]) =>
      projectFailureSentence(reason, fi, formatsOf("fi"));
    expect(say({ kind: "nobody", message: "missing_api_key" })).toContain("API-avaimen");
    expect(say({ kind: "nobody", message: "insufficient_quota" })).toContain("keskiyöllä");
    expect(say({ kind: "nobody", message: "the model is unknown" })).toContain("the model is unknown");
    expect(say({ kind: "window", needed: 5000, window: 4096 })).toMatch(/5.000 tokenia/);
    expect(say({ kind: "file", path: "a.py", problem: "too_long" })).toContain("a.py");
  });
});

describe("a failure", () => {
  it.each([
    [new HubError({ kind: "unreachable" }), "hub"],
    [new HubError({ kind: "unreadable" }), "lost"],
    [new HubError({ kind: "refused", status: 401, code: null, message: "" }), "key"],
    [new HubError({ kind: "refused", status: 503, code: null, message: "" }), "busy"],
    [new HubError({ kind: "refused", status: 500, code: null, message: "" }), "lost"],
    [new HubError({ kind: "refused", status: 200, code: "backend_failed", message: "" }), "lost"],
    [new HubError({ kind: "refused", status: 400, code: "invalid_request", message: "" }), "hopeless"],
    [new Error("bug"), "hopeless"],
  ])("%o is %s", (error, judgement) => {
    expect(judge(error)).toBe(judgement);
  });
});

describe("counting", () => {
  const source = { family: "f", keys: [], urls: [] };

  it("is the tokenizer's where it comes soon enough, and its second opening costs nothing", async () => {
    let opened = 0;
    const counters = new Counters(() => {
      opened += 1;
      return Promise.resolve({ count: (text) => text.length });
    });
    expect((await counters.of(source))?.("abc")).toBe(3);
    expect((await counters.of(source))?.("ab")).toBe(2);
    expect(opened).toBe(1);
  });

  it("is not waited for, and found the next time", async () => {
    let come: (tokenizer: { count: (text: string) => number }) => void = () => undefined;
    const counters = new Counters(() => new Promise((resolve) => (come = resolve)), 5);
    expect(await counters.of(source)).toBeNull();
    come({ count: () => 7 });
    expect((await counters.of(source))?.("x")).toBe(7);
  });

  it("is tried again after it failed", async () => {
    let works = false;
    const counters = new Counters(() =>
      works ? Promise.resolve({ count: () => 1 }) : Promise.reject(new Error("no")),
    );
    expect(await counters.of(source)).toBeNull();
    works = true;
    expect(await counters.of(source)).not.toBeNull();
  });
});

it("a ZIP unpacks, with what a person sees in the editor", async () => {
  const project = projectOf({
    files: [fileOf("app/main.py", "old\n", "new\n"), fileOf("README.md", "saved\n"), fileOf("empty.py")],
  });
  const bytes = await zipOf("Tehtävä lista", project, { "README.md": "draft ä\n" });
  const folder = mkdtempSync(join(tmpdir(), "zip-"));
  const path = join(folder, "p.zip");
  writeFileSync(path, bytes);
  const code =
    "import sys, zipfile, json; z = zipfile.ZipFile(sys.argv[1]); print(json.dumps({n: z.read(n).decode() for n in z.namelist()}))";
  const unpacked: unknown = JSON.parse(execFileSync("python3", ["-c", code, path]).toString());
  expect(unpacked).toEqual({
    "tehtava-lista/app/main.py": "new\n",
    "tehtava-lista/README.md": "draft ä\n",
  });
});
