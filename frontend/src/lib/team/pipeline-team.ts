// The team in the form that the pipeline reads, that of `pipeline/default-team.json`.

import type { Sampling } from "../settings/settings";
import { roles, type Role, type StudioAgent } from "./agent";
import { defaultAgent } from "./default-team";

export interface PipelineAgent {
  role: Role;
  name: string;
  model: string | null;
  prompt: string;
  sampling: Sampling;
}

/** The six of the roles; whoever has none takes no part in projects. */
export function pipelineTeam(agents: readonly StudioAgent[]): { agents: PipelineAgent[] } {
  const six = roles.map((role) => {
    const agent = agents.find((candidate) => candidate.role === role) ?? defaultAgent(role);
    const { name, model, prompt, sampling } = agent;
    return { role, name, model, prompt, sampling };
  });
  return { agents: six };
}
