// A button that takes its own row away leaves the keyboard nowhere: browsers then begin at the top of the page.

/** Gives the keyboard to what was around an element that went away with it. For `use:`. */
export function keepFocus(place: HTMLElement): { destroy: () => void } {
  /** What has the keyboard, and all that is around it, the nearest first. */
  let focused: Element | null = null;
  let around: HTMLElement[] = [];

  const note = ({ target }: FocusEvent): void => {
    if (!(target instanceof Element)) return;
    focused = target;
    around = [];
    for (let one = target.parentElement; one !== null && one !== place; one = one.parentElement)
      if (one.matches("section, [role='region'], li")) around.push(one);
    around.push(place);
  };
  const observer = new MutationObserver(() => {
    if (focused === null || focused.isConnected) return;
    focused = null;
    // Whoever has the keyboard elsewhere by now has moved on.
    if (document.activeElement !== null && document.activeElement !== document.body) return;
    const nearest = around.find((one) => one.isConnected);
    if (nearest === undefined) return;
    if (!nearest.hasAttribute("tabindex")) nearest.tabIndex = -1;
    nearest.focus({ preventScroll: true });
  });
  place.addEventListener("focusin", note);
  observer.observe(place, { childList: true, subtree: true });
  return {
    destroy: () => {
      place.removeEventListener("focusin", note);
      observer.disconnect();
    },
  };
}
