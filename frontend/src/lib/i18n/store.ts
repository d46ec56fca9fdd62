// The page's language as a store that every component reads.

import { derived, writable } from "svelte/store";

import { formatsOf } from "./format";
import { dictionaries, type Language } from "./language";

export const language = writable<Language>("fi");
export const text = derived(language, (chosen) => dictionaries[chosen]);
export const formats = derived(language, formatsOf);
