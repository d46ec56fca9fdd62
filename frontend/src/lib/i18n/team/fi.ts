// The team's Finnish sentences.

import type { Role } from "../../team/agent";

const roleNames: Record<Role, string> = {
  manager: "Suunnittelee",
  coder: "Koodaa",
  data: "Tiedon mallit",
  tester: "Testaa",
  reviewer: "Tarkastaa",
  observer: "Punnitsee riskit",
};

export const fi = {
  title: "Tiimi",
  roles: roleNames,
  noRole: "Oma agentti",
};

export type TeamWords = typeof fi;
