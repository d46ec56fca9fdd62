// Goes on with what this tab's team worked on before a reload, whichever view the page opens with.

import { forgivingStorage } from "../settings/storage";
import type { Studio } from "../studio/studio";
import { runningBeforeReload } from "./running";

export async function resumeProjects(studio: Studio): Promise<void> {
  if (runningBeforeReload(forgivingStorage(() => sessionStorage)).length === 0) return;
  const { projectsOf } = await import("./projects");
  projectsOf(studio).resume();
}
