// The studio and the router, for every component of the page.

import { getContext, setContext } from "svelte";

import type { Router } from "../../lib/page/router";
import type { Studio } from "../../lib/studio/studio";

const STUDIO = Symbol("studio");
const ROUTER = Symbol("router");

export function provide(studio: Studio, router: Router): void {
  setContext(STUDIO, studio);
  setContext(ROUTER, router);
}

export function useStudio(): Studio {
  return getContext<Studio>(STUDIO);
}

export function useRouter(): Router {
  return getContext<Router>(ROUTER);
}
