// Which view the page shows. Views change without a page load: a tab that computes or works on a project goes on.

import { Observable } from "../compute/observable";

export const views = ["studio", "projects", "network", "compute", "guide", "settings", "admin"] as const;

export type View = (typeof views)[number];

/** Those that everybody uses; the others have a link where they belong. */
export const commonViews = views.filter((view) => view !== "admin");

export function pathOf(view: View): string {
  return view === "studio" ? "/" : `/${view}/`;
}

/** Null where the address belongs to no view. */
export function viewAt(path: string): View | null {
  const folder = path.endsWith("/") ? path : `${path}/`;
  return views.find((view) => pathOf(view) === folder) ?? null;
}

export interface Place {
  view: View;
  /** What a view shows of its own, after the `#`; the empty string for none. */
  detail: string;
}

/** The part of the browser's window that is used. */
export interface Surface {
  location: { pathname: string; hash: string; origin: string };
  history: { pushState(data: unknown, unused: string, url: string): void };
}

export class Router extends Observable<Place> {
  readonly #surface: Surface;

  constructor(surface: Surface) {
    super(placeOf(surface.location));
    this.#surface = surface;
  }

  go(view: View, detail = ""): void {
    this.visit(pathOf(view) + (detail === "" ? "" : `#${encodeURIComponent(detail)}`));
  }

  visit(address: string): void {
    this.#surface.history.pushState(null, "", address);
    this.follow();
  }

  /** The address has changed, as when a person goes back. */
  follow(): void {
    const place = placeOf(this.#surface.location);
    const { view, detail } = this.value;
    if (place.view !== view || place.detail !== detail) this.set(place);
  }

  /** Whether the router takes a click on this link; others are the browser's. */
  takes(link: { origin: string; pathname: string; hash: string }): boolean {
    if (link.origin !== this.#surface.location.origin) return false;
    const view = viewAt(link.pathname);
    // A place inside the view that is shown is scrolled to, as on any page.
    return view !== null && !(view === this.value.view && link.hash !== "");
  }
}

function placeOf(location: { pathname: string; hash: string }): Place {
  return { view: viewAt(location.pathname) ?? "studio", detail: decode(location.hash.slice(1)) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
