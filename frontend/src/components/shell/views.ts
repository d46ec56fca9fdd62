// The component of each view, loaded when the view is opened.

import type { Component } from "svelte";

import type { View } from "../../lib/page/router";

export const viewComponents: Record<View, () => Promise<{ default: Component }>> = {
  studio: () => import("../terminal/StudioView.svelte"),
  projects: () => import("../projects/ProjectsView.svelte"),
  network: () => import("../network/NetworkView.svelte"),
  compute: () => import("../compute/ComputeView.svelte"),
  guide: () => import("../guide/GuideView.svelte"),
  settings: () => import("../settings/SettingsView.svelte"),
};
