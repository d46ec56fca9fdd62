// The editor in the page's colours: they are variables, so that both themes have theirs without a second editor.

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const style = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--red)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--code-string)" },
  { tag: [tags.comment, tags.meta], color: "var(--quiet)", fontStyle: "italic" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--blue)" },
  {
    tag: [tags.function(tags.variableName), tags.function(tags.definition(tags.variableName))],
    color: "var(--purple)",
  },
  { tag: [tags.className, tags.typeName, tags.definition(tags.typeName)], color: "var(--yellow)" },
  { tag: [tags.propertyName, tags.attributeName, tags.labelName], color: "var(--blue)" },
  { tag: [tags.tagName, tags.definition(tags.propertyName)], color: "var(--green)" },
  { tag: tags.heading, color: "var(--strong)", fontWeight: "600" },
  { tag: [tags.link, tags.url], color: "var(--blue)" },
]);

const theme = EditorView.theme({
  "&": {
    height: "100%",
    color: "var(--text)",
    backgroundColor: "var(--terminal)",
    fontSize: "0.9375rem",
  },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--code)", lineHeight: "1.6" },
  ".cm-content": { caretColor: "var(--strong)", paddingBlock: "0.75rem" },
  ".cm-cursor": { borderLeftColor: "var(--strong)" },
  ".cm-gutters": {
    color: "var(--quiet)",
    backgroundColor: "var(--terminal)",
    border: "0",
    paddingInlineStart: "0.25rem",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--editor-line)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "var(--editor-selection)",
  },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--editor-selection)" },
  ".cm-panels": { color: "var(--text)", backgroundColor: "var(--panel)" },
  ".cm-panels.cm-panels-bottom": { borderTop: "1px solid var(--line)" },
  ".cm-panel.cm-search": { padding: "0.5rem 2rem 0.5rem 0.75rem" },
  ".cm-textfield": { backgroundColor: "var(--terminal)", border: "1px solid var(--line)" },
  ".cm-button": {
    backgroundImage: "none",
    backgroundColor: "var(--raised)",
    border: "1px solid var(--line)",
  },
  ".cm-searchMatch": { backgroundColor: "var(--editor-match)" },
  ".cm-remark-place": { padding: "0.25rem 0.75rem 0.375rem" },
  ".cm-remark": {
    padding: "0.375rem 0.75rem",
    borderLeft: "3px solid var(--yellow)",
    borderRadius: "0 8px 8px 0",
    backgroundColor: "var(--panel)",
    color: "var(--strong)",
    fontFamily: "system-ui, sans-serif",
    whiteSpace: "pre-wrap",
  },
  ".cm-remark b": { color: "var(--yellow)", fontWeight: "600" },
  ".cm-changedLine, &.cm-merge-b .cm-changedLine": { backgroundColor: "var(--diff-added)" },
  ".cm-deletedChunk, .cm-deletedLine": { backgroundColor: "var(--diff-removed)" },
  // What changed within a line is underlined: a stronger colour behind it would take the code's contrast away.
  "& .cm-changedText, &.cm-merge-b .cm-changedText": {
    background: "none",
    borderBottom: "2px solid var(--green)",
  },
  "& .cm-deletedChunk .cm-deletedText": { background: "none", borderBottom: "2px solid var(--red)" },
  ".cm-deletedChunk .cm-chunkButtons": { insetInlineEnd: "0.5rem", zIndex: "1" },
  // Where lines are short, buttons beside them would lie on the code.
  "@media (max-width: 48rem)": {
    ".cm-deletedChunk": { backgroundColor: "transparent" },
    ".cm-deletedChunk .cm-chunkButtons": { position: "static", textAlign: "end", padding: "0.25rem 0.5rem" },
  },
  ".cm-chunkButtons button": {
    minHeight: "1.625rem",
    marginInlineStart: "0.375rem",
    padding: "0 0.5rem",
    border: "1px solid var(--line)",
    borderRadius: "6px",
    color: "var(--text)",
    background: "var(--raised)",
    font: "0.8125rem system-ui, sans-serif",
    cursor: "pointer",
  },
  ".cm-chunkButtons button:hover": { borderColor: "var(--quiet)" },
  "button:focus-visible, input:focus-visible": { outline: "2px solid var(--blue)" },
  ".cm-changeGutter": { width: "0.25rem", paddingLeft: "0" },
  ".cm-changedLineGutter": { background: "var(--green)" },
  ".cm-deletedLineGutter": { background: "var(--red)" },
  ".cm-collapsedLines": { color: "var(--quiet)", background: "var(--raised)", paddingBlock: "0.25rem" },
});

export const editorTheme = [theme, syntaxHighlighting(style)];
