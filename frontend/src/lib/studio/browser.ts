// The studio in a real browser.

import { browserSurroundings } from "../compute/browser";
import { watchPage } from "../compute/page-events";
import { ownerSecret } from "../settings/owner";
import { forgivingStorage } from "../settings/storage";
import { nodeName } from "../settings/tab";
import { loadTuning, saveTuning } from "../settings/tuning";
import { deleteModel, storedModels } from "../weights/stores";
import { Studio } from "./studio";

export function openStudio(): Studio {
  const local = forgivingStorage(() => localStorage);
  return new Studio({
    fetcher: (input, init) => fetch(input, init),
    local,
    session: forgivingStorage(() => sessionStorage),
    compute: browserSurroundings({
      nodeName: nodeName(local, randomHex),
      owner: ownerSecret(local, (into) => crypto.getRandomValues(into)),
      tuning: {
        recall: () => loadTuning(local),
        keep: (tuning) => {
          saveTuning(local, tuning);
        },
      },
    }),
    cores: navigator.hardwareConcurrency || 1,
    search: location.search,
    storedModels,
    deleteModel,
    watchPage,
  });
}

function randomHex(): string {
  return [...crypto.getRandomValues(new Uint8Array(2))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
