// The part of a long text that is shown: a page that draws a million lines stands still.

export const SHOWN_LENGTH = 60_000;

/** The beginning of a text; never half a character. */
export function excerptOf(text: string, length = SHOWN_LENGTH): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  const halfACharacter = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, halfACharacter ? length - 1 : length);
}
