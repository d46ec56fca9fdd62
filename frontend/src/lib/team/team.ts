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
  /** Files that are worked on: paths by the ids of those who do. */
  readonly files = new Observable<ReadonlyMap<string, string>>(new Map());
  /** The latest change that took something away; null once anything else has changed. */
  readonly undoable = new Observable<Undoable | null>(null);
  /** False: the browser did not keep the latest change, so it lasts for this visit only. */
  readonly kept = new Observable(true);
  readonly #surroundings: TeamSurroundings;
  readonly #jobs = new Set<{ id: string; path: string | null }>();
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

  /** Marks an agent as working, on a file if one is named, until the returned function is called. */
  begin(id: string, path: string | null = null): () => void {
    const job = { id, path };
    this.#jobs.add(job);
    this.#tellJobs();
    return () => {
      if (this.#jobs.delete(job)) this.#tellJobs();
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

  /** Agents of roles take their role's place, or join with no role where nobody is to be replaced; others join. */
  import(imported: readonly Omit<StudioAgent, "id">[], replace: boolean): void {
    let agents = this.agents.value;
    let replaced = 0;
    for (const profile of imported) {
      const { role } = profile;
      if (role === null || !replace) {
        const name = freeName(profile.name, agents);
        agents = [...agents, { ...profile, name, role: null, id: this.#surroundings.newId() }];
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

  /** One agent may do several things at once; its newest file is shown. */
  #tellJobs(): void {
    const jobs = [...this.#jobs];
    this.files.set(new Map(jobs.flatMap(({ id, path }) => (path === null ? [] : [[id, path]]))));
    const working = new Set(jobs.map(({ id }) => id));
    const before = this.working.value;
    if (working.size !== before.size || [...working].some((id) => !before.has(id))) this.working.set(working);
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
