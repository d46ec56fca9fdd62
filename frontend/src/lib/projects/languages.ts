// The editor's language for a file, by its name. Each is loaded when a file needs it.

import { StreamLanguage, type StreamParser } from "@codemirror/language";
import type { Extension } from "@codemirror/state";

type Load = () => Promise<Extension>;

/** Of the languages that CodeMirror 5 had. */
async function legacy(load: () => Promise<StreamParser<unknown>>): Promise<Extension> {
  return StreamLanguage.define(await load());
}

const python: Load = async () => (await import("@codemirror/lang-python")).python();
const javascript: Load = async () => (await import("@codemirror/lang-javascript")).javascript();
const typescript: Load = async () =>
  (await import("@codemirror/lang-javascript")).javascript({ typescript: true });
const yaml: Load = async () => (await import("@codemirror/lang-yaml")).yaml();
const shell: Load = () => legacy(async () => (await import("@codemirror/legacy-modes/mode/shell")).shell);

const byExtension: Readonly<Record<string, Load>> = {
  py: python,
  js: javascript,
  mjs: javascript,
  ts: typescript,
  json: async () => (await import("@codemirror/lang-json")).json(),
  css: async () => (await import("@codemirror/lang-css")).css(),
  html: async () => (await import("@codemirror/lang-html")).html(),
  md: async () => (await import("@codemirror/lang-markdown")).markdown(),
  sql: async () => (await import("@codemirror/lang-sql")).sql(),
  yml: yaml,
  yaml,
  toml: () => legacy(async () => (await import("@codemirror/legacy-modes/mode/toml")).toml),
  ini: () => legacy(async () => (await import("@codemirror/legacy-modes/mode/properties")).properties),
  env: () => legacy(async () => (await import("@codemirror/legacy-modes/mode/properties")).properties),
  rs: () => legacy(async () => (await import("@codemirror/legacy-modes/mode/rust")).rust),
  sh: shell,
};

/** No extension at all for what has no colours, or whose colours can't be loaded now. */
export async function languageFor(path: string): Promise<Extension> {
  const name = path.split("/").at(-1) ?? "";
  const load = name.endsWith("Dockerfile")
    ? () => legacy(async () => (await import("@codemirror/legacy-modes/mode/dockerfile")).dockerFile)
    : byExtension[name.split(".").at(-1)?.toLowerCase() ?? ""];
  return load?.().catch(() => []) ?? [];
}
