// The team in the browser's storage. Only what differs from the default team is written: who has changed nothing
// gets the better prompts of a later Kipinä.

import * as v from "valibot";

import type { KeyValue } from "../settings/storage";
import { agentSchema, sameProfile, type StudioAgent } from "./agent";
import { defaultAgent, defaultTeam } from "./default-team";

export const TEAM_KEY = "kipina.team";

const keptTeam = v.object({
  version: v.literal(1),
  chosen: v.optional(v.string(), ""),
  agents: v.array(v.unknown()),
});

export interface KeptTeam {
  agents: readonly StudioAgent[];
  /** The chosen agent's id; may name nobody. */
  chosen: string;
}

/** An agent that makes no sense, as from an older page, is as if it had never been changed or added. */
export function loadTeam(storage: KeyValue): KeptTeam {
  const kept = readKept(storage);
  const agents: StudioAgent[] = [];
  for (const candidate of kept.agents) {
    const parsed = v.safeParse(agentSchema, candidate);
    if (!parsed.success) continue;
    const agent = parsed.output;
    const known = agents.some(({ id }) => id === agent.id);
    const foreign = agent.role === null ? isRoleId(agent.id) : agent.id !== agent.role;
    if (!known && !foreign) agents.push(agent);
  }
  return { agents: wholeTeam(agents), chosen: kept.chosen };
}

/** Says whether it is kept: a full or forbidden storage keeps nothing. */
export function keepTeam(storage: KeyValue, { agents, chosen }: KeptTeam): boolean {
  const changed = agents.filter(({ role, ...agent }) =>
    role === null ? true : !sameProfile(agent, defaultAgent(role)),
  );
  const text = JSON.stringify({ version: 1, chosen, agents: changed });
  storage.setItem(TEAM_KEY, text);
  return storage.getItem(TEAM_KEY) === text;
}

/** The six of the roles first, in the pipeline's order, then those that were added. */
export function wholeTeam(agents: readonly StudioAgent[]): StudioAgent[] {
  const six = defaultTeam.map((agent) => agents.find(({ role }) => role === agent.role) ?? agent);
  return [...six, ...agents.filter(({ role }) => role === null)];
}

function isRoleId(id: string): boolean {
  return defaultTeam.some((agent) => agent.id === id);
}

function readKept(storage: KeyValue): v.InferOutput<typeof keptTeam> {
  try {
    return v.parse(keptTeam, JSON.parse(storage.getItem(TEAM_KEY) ?? "null"));
  } catch {
    return { version: 1, chosen: "", agents: [] };
  }
}
