// Goes on with what this tab's team worked on before a reload, whichever view the page opens with.

import { forgivingStorage } from "../settings/storage";
import type { Studio } from "../studio/studio";
import { runningBeforeReload } from "./running";

export function resumeProjects(studio: Studio): void {
  if (runningBeforeReload(forgivingStorage(() => sessionStorage)).length === 0) return;
  // Without the hub there is nothing to go on with: opening the project tries again.
  void import("./projects").then(
    ({ projectsOf }) => {
      projectsOf(studio).resume();
    },
    () => undefined,
  );
}
