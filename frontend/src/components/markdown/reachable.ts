// What scrolls must be within the keyboard's reach; what does not is no stop on its way.

import type { Action } from "svelte/action";

export const reachable: Action = (element) => {
  const look = (): void => {
    const { scrollWidth, clientWidth, scrollHeight, clientHeight } = element;
    const scrolls = scrollWidth > clientWidth || scrollHeight > clientHeight;
    // Losing the keyboard's place would be worse than one stop too many.
    if (scrolls) element.tabIndex = 0;
    else if (document.activeElement !== element) element.removeAttribute("tabindex");
  };
  const watching = new ResizeObserver(look);
  watching.observe(element);
  for (const child of element.children) watching.observe(child);
  return {
    destroy() {
      watching.disconnect();
    },
  };
};
