// The page's language as a store that every component reads.

import { derived, writable, type Readable } from "svelte/store";

import { formatsOf } from "./format";
import { dictionaries, type Language } from "./language";

export const language = writable<Language>("fi");
export const text = derived(language, (chosen) => dictionaries[chosen]);
export const formats = derived(language, formatsOf);

/** A view's own sentences: they come with the view, so that the first load has only what it shows. */
export function sentencesOf<Sentences>(both: Record<Language, Sentences>): Readable<Sentences> {
  return derived(language, (chosen) => both[chosen]);
}
