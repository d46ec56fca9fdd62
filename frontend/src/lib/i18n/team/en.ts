// The team's English sentences.

import type { TeamWords } from "./fi";

export const en: TeamWords = {
  title: "Team",
  roles: {
    manager: "Plans",
    coder: "Writes code",
    data: "Data models",
    tester: "Tests",
    reviewer: "Reviews",
    observer: "Weighs risks",
  },
  noRole: "Your agent",
};
