// Text to the clipboard, also on a page that browsers don't take for secure and so give no clipboard to.

/** False where the browser refused: then a person can still select the text. */
export async function copyText(text: string): Promise<boolean> {
  // Typed as always there, and missing where the page is not secure.
  const clipboard = (navigator as { clipboard?: Clipboard }).clipboard;
  try {
    if (clipboard !== undefined) {
      await clipboard.writeText(text);
      return true;
    }
  } catch {
    // Forbidden, as by the browser's settings: the old way may still be open.
  }
  return copySelected(text);
}

function copySelected(text: string): boolean {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.readOnly = true;
  area.className = "visually-hidden";
  // What lies outside an open dialog can't be selected.
  (focused?.closest("dialog") ?? document.body).append(area);
  try {
    area.select();
    // Deprecated, and without a successor for pages that are not secure.
    return (document as { execCommand(command: string): boolean }).execCommand("copy");
  } catch {
    return false;
  } finally {
    area.remove();
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }
}
