// This browser's secret: prompts sent with it are its owner's, and so is the tab that joins with it.

import type { KeyValue } from "./storage";

const KEY = "kipina.owner";
const BYTES = 16;
/** 128 bits in base64url. */
const PATTERN = /^[\w-]{22}$/;

/** The kept secret, or a new one; where nothing can be kept, the page's memory has it for this visit. */
export function ownerSecret(
  storage: KeyValue,
  random: (into: Uint8Array<ArrayBuffer>) => Uint8Array,
): string {
  const known = storage.getItem(KEY);
  if (known !== null && PATTERN.test(known)) return known;
  const secret = base64url(random(new Uint8Array(BYTES)));
  storage.setItem(KEY, secret);
  return secret;
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
