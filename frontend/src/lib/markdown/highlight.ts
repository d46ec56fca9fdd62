// Colours for the languages that agents write most; others stay plain.

import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import css from "highlight.js/lib/languages/css";
import dockerfile from "highlight.js/lib/languages/dockerfile";
import ini from "highlight.js/lib/languages/ini";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";

import { sanitiseHighlighted } from "./inline";

const languages = {
  bash,
  css,
  dockerfile,
  ini,
  javascript,
  json,
  python,
  rust,
  sql,
  typescript,
  xml,
  yaml,
};
for (const [name, language] of Object.entries(languages)) hljs.registerLanguage(name, language);

/** Colouring longer code takes longer than a frame. */
const MOST = 20_000;

/** Null where the code is best shown as it is. */
export function highlighted(text: string, language: string): string | null {
  if (text.length > MOST || hljs.getLanguage(language) === undefined) return null;
  return sanitiseHighlighted(hljs.highlight(text, { language, ignoreIllegals: true }).value);
}
