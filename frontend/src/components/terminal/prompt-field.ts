// How the prompt line takes its place on the page.

import type { Action } from "svelte/action";

export const optionId = (list: string, index: number): string => `${list}-${index}`;

export function focusPrompt(within: ParentNode): void {
  const field = within.querySelector<HTMLTextAreaElement>("textarea[data-prompt]");
  if (field !== null) focusAtEnd(field);
}

export function focusAtEnd(field: HTMLTextAreaElement): void {
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}

/** A field as high as its text; its own limits hold. */
export const growing: Action<HTMLTextAreaElement, string> = (field) => {
  const fit = (): void => {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  };
  fit();
  return {
    update() {
      // The new text is in the field only after Svelte's own turn.
      queueMicrotask(fit);
    },
  };
};

/** Some phones lay their keyboard over the page: what sticks to its bottom must rise above it. */
export const aboveKeyboard: Action = (element) => {
  const viewport = window.visualViewport;
  if (viewport === null) return {};
  const rise = (): void => {
    const covered = Math.max(0, window.innerHeight - viewport.height - viewport.offsetTop);
    // Zoomed in, the page is wider than what is seen, and nothing covers it.
    element.style.paddingBottom = viewport.scale > 1.01 || covered < 1 ? "" : `${covered + 8}px`;
  };
  viewport.addEventListener("resize", rise);
  viewport.addEventListener("scroll", rise);
  return {
    destroy() {
      viewport.removeEventListener("resize", rise);
      viewport.removeEventListener("scroll", rise);
    },
  };
};
