// The component of each view, loaded when the view is opened.

/* eslint-disable @typescript-eslint/no-unnecessary-type-assertion -- Astro needs them, Svelte does not */

import type { Component } from "svelte";

import type { View } from "../../lib/page/router";

/** Astro's own check takes a component of Svelte for one of Astro's. */
type Loaded = Promise<{ default: Component }>;

export const viewComponents: Record<View, () => Loaded> = {
  studio: () => import("../terminal/StudioView.svelte") as Loaded,
  projects: () => import("../projects/ProjectsView.svelte") as Loaded,
  network: () => import("../network/NetworkView.svelte") as Loaded,
  compute: () => import("../compute/ComputeView.svelte") as Loaded,
  guide: () => import("../guide/GuideView.svelte") as Loaded,
  settings: () => import("../settings/SettingsView.svelte") as Loaded,
  admin: () => import("../admin/AdminView.svelte") as Loaded,
};
