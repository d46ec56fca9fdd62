// Tokens as text that can be seen: spaces and line breaks have a sign.

const REPLACEMENT = "\u{fffd}";

export function visible(text: string): string {
  return text.replaceAll(" ", "␣").replaceAll("\n", "⏎").replaceAll("\t", "⇥").replaceAll(REPLACEMENT, "◌");
}

/** Whether the token's bytes are a part of a character only. */
export function isPartial(text: string): boolean {
  return text.includes(REPLACEMENT);
}
