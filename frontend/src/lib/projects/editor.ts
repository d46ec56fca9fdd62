// The code editor, made of CodeMirror. Loaded when a file is opened; knows nothing of projects.

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput } from "@codemirror/language";
import { unifiedMergeView } from "@codemirror/merge";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, StateEffect, StateField, type Extension } from "@codemirror/state";
import {
  Decoration,
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  WidgetType,
  type DecorationSet,
} from "@codemirror/view";

import { editorTheme } from "./editor-theme";
import { languageFor } from "./languages";
import type { Remark } from "./remarks";

export interface EditorWords {
  /** The editor's name for a screen reader. */
  label: string;
  accept: string;
  acceptHint: string;
  reject: string;
  rejectHint: string;
  /** CodeMirror's own sentences, by its English ones. */
  phrases: Record<string, string>;
  remark(line: number | null): string;
}

export interface EditorOptions {
  parent: HTMLElement;
  path: string;
  text: string;
  readOnly: boolean;
  /** The text that this one is compared with; null: it is only edited. */
  original: string | null;
  remarks: readonly Remark[];
  words: EditorWords;
  onInput(text: string): void;
  onSave(): void;
  onBlur(): void;
}

const setRemarks = StateEffect.define<{ remarks: readonly Remark[]; words: EditorWords }>();

export class CodeEditor {
  readonly #view: EditorView;
  readonly #readOnly = new Compartment();
  readonly #language = new Compartment();
  /** A text that is set from outside is no input of the person's. */
  #isSetting = false;

  constructor(options: EditorOptions) {
    const { parent, path, text, readOnly, original, words } = options;
    // In a shadow the editor's styles are adopted; in the page they would be an element, which the page's policy forbids.
    const root = parent.shadowRoot ?? parent.attachShadow({ mode: "open" });
    this.#view = new EditorView({
      parent: root,
      root,
      doc: text,
      extensions: [
        basics(words),
        this.#readOnly.of(EditorState.readOnly.of(readOnly)),
        this.#language.of([]),
        remarkField,
        original === null ? [] : comparison(original, words),
        keymap.of([
          {
            key: "Mod-s",
            preventDefault: true,
            run: () => {
              options.onSave();
              return true;
            },
          },
          // Without a trap for the keyboard: Escape, then Tab leaves the editor, as CodeMirror documents.
          indentWithTab,
        ]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !this.#isSetting) options.onInput(update.state.doc.toString());
          if (update.focusChanged && !update.view.hasFocus) options.onBlur();
        }),
      ],
    });
    this.setRemarks(options.remarks, words);
    void languageFor(path).then((language) => {
      this.#view.dispatch({ effects: this.#language.reconfigure(language) });
    });
  }

  get text(): string {
    return this.#view.state.doc.toString();
  }

  /** What grows at its end is only added to, and followed by who looks at the end. */
  setText(text: string): void {
    const { doc } = this.#view.state;
    const current = doc.toString();
    if (text === current) return;
    const { scrollHeight, scrollTop, clientHeight } = this.#view.scrollDOM;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < 48;
    const grows = text.startsWith(current);
    this.#isSetting = true;
    this.#view.dispatch({
      changes: grows
        ? { from: doc.length, insert: text.slice(current.length) }
        : { from: 0, to: doc.length, insert: text },
      ...(grows && isAtEnd && current !== ""
        ? { effects: EditorView.scrollIntoView(text.length, { y: "end" }) }
        : {}),
    });
    this.#isSetting = false;
  }

  setReadOnly(readOnly: boolean): void {
    if (this.#view.state.readOnly === readOnly) return;
    this.#view.dispatch({ effects: this.#readOnly.reconfigure(EditorState.readOnly.of(readOnly)) });
  }

  setRemarks(remarks: readonly Remark[], words: EditorWords): void {
    this.#view.dispatch({ effects: setRemarks.of({ remarks, words }) });
  }

  focus(): void {
    this.#view.focus();
  }

  destroy(): void {
    this.#view.destroy();
  }
}

function basics(words: EditorWords): Extension {
  return [
    lineNumbers(),
    highlightActiveLineGutter(),
    history(),
    foldGutter(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    highlightActiveLine(),
    highlightSelectionMatches(),
    EditorView.lineWrapping,
    EditorState.phrases.of(words.phrases),
    // What may be edited takes the keyboard by itself, but only an index says so to tools that check it.
    EditorView.contentAttributes.of({ "aria-label": words.label, spellcheck: "false", tabindex: "0" }),
    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap]),
    editorTheme,
  ];
}

function comparison(original: string, words: EditorWords): Extension {
  return unifiedMergeView({
    original,
    highlightChanges: true,
    gutter: true,
    collapseUnchanged: { margin: 3, minSize: 8 },
    mergeControls: (type, action) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = words[type];
      button.title = type === "accept" ? words.acceptHint : words.rejectHint;
      // With the keyboard too: CodeMirror's own listens to the mouse only.
      button.addEventListener("click", (event) => {
        action(event);
      });
      return button;
    },
  });
}

class RemarkWidget extends WidgetType {
  constructor(
    readonly where: string,
    readonly text: string,
  ) {
    super();
  }

  override eq(other: RemarkWidget): boolean {
    return other.where === this.where && other.text === this.text;
  }

  override toDOM(): HTMLElement {
    const note = document.createElement("div");
    note.className = "cm-remark";
    note.setAttribute("role", "note");
    const where = document.createElement("b");
    where.textContent = `${this.where}: `;
    note.append(where, this.text);
    // CodeMirror does not count a block's own margins: what is around the note is its padding.
    const element = document.createElement("div");
    element.className = "cm-remark-place";
    element.append(note);
    return element;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

/** Under the line that a remark names, or above the first. */
const remarkField = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(decorations, transaction) {
    let next = decorations.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(setRemarks)) continue;
      const { remarks, words } = effect.value;
      const { doc } = transaction.state;
      const widgets = remarks.map(({ text, line }) => {
        const widget = new RemarkWidget(words.remark(line), text);
        const at = line === null ? 0 : doc.line(Math.min(line, doc.lines)).to;
        return Decoration.widget({ widget, block: true, side: line === null ? -1 : 1 }).range(at);
      });
      next = Decoration.set(widgets, true);
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});
