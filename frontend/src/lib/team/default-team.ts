// The team that everybody starts with: the pipeline's own, with faces.

import team from "../../../../pipeline/default-team.json";
import { roles, type Role, type StudioAgent } from "./agent";
import type { AvatarName } from "./avatars";

const faces: Readonly<Record<Role, AvatarName>> = {
  manager: "bear",
  coder: "spark",
  data: "raccoon",
  tester: "wolf-cub",
  reviewer: "sloth",
  observer: "wolf",
};

/** An agent of a role has the role's name as its id. */
export function defaultAgent(role: Role): StudioAgent {
  const agent = team.agents.find((candidate) => candidate.role === role);
  if (agent === undefined) throw new Error(`the default team lacks ${role}`);
  return { ...agent, id: role, role, avatar: faces[role] };
}

export const defaultTeam: readonly StudioAgent[] = roles.map(defaultAgent);
