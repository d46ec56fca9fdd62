// The team of the studio: who is in it, who answers in the terminal, who works right now.

import { Observable } from "../compute/observable";
import type { Sampling } from "../settings/settings";
import type { KeyValue } from "../settings/storage";
import type { Studio } from "../studio/studio";
import { clampSampling, sameProfile, type Profile, type Role, type StudioAgent } from "./agent";
import { avatarNames, type AvatarName } from "./avatars";
import { defaultAgent } from "./default-team";
import { keepTeam, loadTeam, TEAM_KEY, wholeTeam } from "./kept-team";

export type { AvatarName, Role, StudioAgent };

/** Who answers in the terminal until somebody is chosen. */
const FIRST_CHOICE = "coder";

/** What the latest change took away, for as long as it can be brought back. */
export type Undoable =
  { kind: "removed" | "reset"; name: string } | { kind: "imported"; replaced: number; added: number };

/** What the team needs of the studio. */
export interface TeamSurroundings {
  storage: KeyValue;
  /** What new agents draw their tokens with. */
  newSampling(): Sampling;
  newId(): string;
}

export class Team {
  readonly agents: Observable<readonly StudioAgent[]>;
  /** The id of the agent that answers in the terminal. */
  readonly chosen: Observable<string>;
  /** The ids of those that work. */
  readonly working = new Observable<ReadonlySet<string>>(new Set());
  /** The latest change that took something away; null once anything else has changed. */
  readonly undoable = new Observable<Undoable | null>(null);
  /** False: the browser did not keep the latest change, so it lasts for this visit only. */
  readonly kept = new Observable(true);
  readonly #surroundings: TeamSurroundings;
  readonly #jobs = new Map<string, number>();
  #before: readonly StudioAgent[] = [];

  constructor(surroundings: TeamSurroundings) {
    this.#surroundings = surroundings;
    const { agents, chosen } = loadTeam(surroundings.storage);
    this.agents = new Observable(agents);
    this.chosen = new Observable(FIRST_CHOICE);
    this.chosen.set(this.agent(chosen)?.id ?? FIRST_CHOICE);
  }

  agent(id: string): StudioAgent | undefined {
    return this.agents.value.find((agent) => agent.id === id);
  }

  ofRole(role: Role): StudioAgent {
    return this.agents.value.find((agent) => agent.role === role) ?? defaultAgent(role);
  }

  choose(id: string): void {
    if (this.agent(id) === undefined || id === this.chosen.value) return;
    this.chosen.set(id);
    this.#keep();
  }

  /** Marks an agent as working until the returned function is called. One may do several things at once. */
  begin(id: string): () => void {
    this.#count(id, 1);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#count(id, -1);
    };
  }

  /** Keeps a changed agent; one that another tab has removed meanwhile is there again. */
  save(agent: StudioAgent): void {
    const known = this.agent(agent.id) !== undefined;
    this.#change(
      known
        ? this.agents.value.map((other) => (other.id === agent.id ? agent : other))
        : [...this.agents.value, agent],
    );
  }

  /** A new agent with this name, a face that nobody has if there is one, and the settings' sampling. */
  add(name: string): StudioAgent {
    const taken = new Set(this.agents.value.map(({ avatar }) => avatar));
    return this.#join({
      name: this.#freeName(name),
      avatar: avatarNames.find((avatar) => !taken.has(avatar)) ?? "owl",
      model: null,
      prompt: "",
      sampling: clampSampling(this.#surroundings.newSampling()),
    });
  }

  /** Another agent like this one, with no role. */
  duplicate(agent: StudioAgent): StudioAgent {
    const { name, avatar, model, prompt, sampling } = agent;
    return this.#join({ name: this.#freeName(name), avatar, model, prompt, sampling });
  }

  /** Those of the roles stay. */
  remove(id: string): void {
    const agent = this.agent(id);
    if (agent?.role !== null) return;
    const others = this.agents.value.filter((other) => other.id !== id);
    this.#change(others, { kind: "removed", name: agent.name });
  }

  /** An agent of a role is again what it was at first. */
  reset(id: string): void {
    const agent = this.agent(id);
    if (agent === undefined || agent.role === null || isDefault(agent)) return;
    const first = defaultAgent(agent.role);
    const agents = this.agents.value.map((other) => (other.id === id ? first : other));
    this.#change(agents, { kind: "reset", name: agent.name });
  }

  /** Agents of roles take their role's place, others join. */
  import(imported: readonly Omit<StudioAgent, "id">[]): void {
    let agents = this.agents.value;
    let replaced = 0;
    for (const profile of imported) {
      const { role } = profile;
      if (role === null) {
        const name = freeName(profile.name, agents);
        agents = [...agents, { ...profile, name, id: this.#surroundings.newId() }];
      } else {
        agents = agents.map((other) => (other.role === role ? { ...profile, id: role } : other));
        replaced += 1;
      }
    }
    this.#change(agents, { kind: "imported", replaced, added: imported.length - replaced });
  }

  /** Brings back what the latest change took away. */
  undo(): void {
    if (this.undoable.value !== null) this.#change(this.#before);
  }

  /** Takes up what another tab has kept; who answers here stays this tab's choice. */
  follow(): void {
    this.undoable.set(null);
    this.#show(loadTeam(this.#surroundings.storage).agents);
  }

  #join(profile: Profile): StudioAgent {
    const agent = { ...profile, id: this.#surroundings.newId(), role: null };
    this.#change([...this.agents.value, agent]);
    return agent;
  }

  #freeName(name: string): string {
    return freeName(name, this.agents.value);
  }

  #change(agents: readonly StudioAgent[], undoable: Undoable | null = null): void {
    this.#before = this.agents.value;
    this.#show(wholeTeam(agents));
    this.undoable.set(undoable);
    this.#keep();
  }

  #show(agents: readonly StudioAgent[]): void {
    this.agents.set(agents);
    if (this.agent(this.chosen.value) === undefined) this.chosen.set(FIRST_CHOICE);
  }

  #keep(): void {
    const { storage } = this.#surroundings;
    this.kept.set(keepTeam(storage, { agents: this.agents.value, chosen: this.chosen.value }));
  }

  #count(id: string, change: number): void {
    const jobs = (this.#jobs.get(id) ?? 0) + change;
    if (jobs > 0) this.#jobs.set(id, jobs);
    else this.#jobs.delete(id);
    if (this.working.value.has(id) !== jobs > 0) this.working.set(new Set(this.#jobs.keys()));
  }
}

/** Whether an agent of a role is as the default team has it; others have no default. */
export function isDefault({ role, ...agent }: StudioAgent): boolean {
  return role !== null && sameProfile(agent, defaultAgent(role));
}

const teams = new WeakMap<Studio, Team>();

/** The studio's team; it lives as long as the page does. */
export function teamOf(studio: Studio): Team {
  const known = teams.get(studio);
  if (known !== undefined) return known;
  const team = new Team({
    storage: studio.local,
    newSampling: () => studio.settings.value.sampling,
    newId: () => `agent-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`,
  });
  if (typeof window !== "undefined") {
    // A null key: everything was cleared.
    window.addEventListener("storage", ({ key }) => {
      if (key === TEAM_KEY || key === null) team.follow();
    });
  }
  teams.set(studio, team);
  return team;
}

/** "Koodari", then "Koodari 2": names are how people and `kpn agent` tell agents apart. */
function freeName(name: string, agents: readonly StudioAgent[]): string {
  const taken = new Set(agents.map((agent) => agent.name.toLowerCase()));
  const stem = name.replace(/ \d+$/, "");
  let free = name;
  for (let number = 2; taken.has(free.toLowerCase()); number += 1) free = `${stem} ${number}`;
  return free;
}
