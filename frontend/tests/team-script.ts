// A scripted team for the tests of projects: what the model answers to each question of the pipeline.

import type { Question, Scripted } from "./hub";

export const PLAN =
  "app/db.py | the database |\napp/main.py | the routes | app/db.py\npyproject.toml | the package |\ntests/test_main.py | the tests | app/main.py";
export const THREE_FILES =
  "pyproject.toml | the package |\napp/main.py | the routes |\ntests/test_main.py | the tests | app/main.py";

export type Asked = { is: "plan" | "review" | "risks" } | { is: "write" | "mend"; path: string };

export interface Script {
  plan: (times: number) => string;
  file: (path: string, question: Question, times: number) => string;
  review: (times: number) => string;
  risks: string;
  /** Takes the place of an answer's being well. */
  but: (asked: Asked, times: number) => Scripted | null;
}

export function askedIn({ messages }: Question): Asked {
  const user = messages.find(({ role }) => role === "user")?.content ?? "";
  const written = /Write the whole file (\S+?): /.exec(user);
  if (written?.[1] !== undefined) return { is: "write", path: written[1] };
  const mended = /Write (\S+) anew/.exec(user);
  if (mended?.[1] !== undefined) return { is: "mend", path: mended[1] };
  if (user.includes("Review these files")) return { is: "review" };
  return { is: user.includes("Sum up the risks") ? "risks" : "plan" };
}

export const goodFile = (path: string): string =>
  path.endsWith(".toml")
    ? "]\n"
    : `"""${path}"""\n\nfrom fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get("/tasks")\ndef list_tasks() -> list[str]:\n    return []\n`;

const usual: Script = {
  plan: () => THREE_FILES,
  file: goodFile,
  review: () => "LGTM",
  // After the hyphen that it is begun with.
  risks: " **No authentication.** Anybody may change the tasks.\n- SQLite has one writer.",
  but: () => null,
};

/** For `orders.script`. */
export function teamScript(parts: Partial<Script> = {}): (question: Question) => Scripted {
  const script = { ...usual, ...parts };
  const counted = new Map<string, number>();
  return (question) => {
    const asked = askedIn(question);
    const key = "path" in asked ? asked.path : asked.is;
    const times = (counted.get(key) ?? 0) + 1;
    counted.set(key, times);
    const text = (): string => {
      switch (asked.is) {
        case "plan":
          return script.plan(times);
        case "review":
          return script.review(times);
        case "risks":
          return script.risks;
        case "write":
        case "mend":
          return script.file(asked.path, question, times);
      }
    };
    return { pieces: piecesOf(text()), ...script.but(asked, times) };
  };
}

/** As a stream brings it; what is endless in few enough events for a slow machine. */
function piecesOf(text: string): string[] {
  const length = Math.max(24, Math.ceil(text.length / 400));
  return text.match(new RegExp(`[^]{1,${length}}`, "g")) ?? [""];
}
