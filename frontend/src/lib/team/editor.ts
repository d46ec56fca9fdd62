// The editor of the team: one agent's draft at a time, and nothing of it lost without a word.

import { Observable } from "../compute/observable";
import { sameProfile, type StudioAgent } from "./agent";
import { defaultAgent } from "./default-team";
import { checkDraft, draftOf, type Draft, type Faults } from "./draft";
import type { Team } from "./team";

export interface EditorState {
  /** As it is kept. */
  agent: StudioAgent;
  draft: Draft;
  faults: Faults;
  /** The draft says something else than what is kept. */
  changed: boolean;
  /** The person wanted to go elsewhere with changes that are not kept, and has to say what becomes of them. */
  leaving: boolean;
}

export class Editor {
  readonly state: Observable<EditorState>;
  readonly #team: Team;
  readonly #decimalMark: () => string;
  #next: (() => void) | null = null;

  constructor(team: Team, id: string, decimalMark: () => string) {
    this.#team = team;
    this.#decimalMark = decimalMark;
    this.state = new Observable(this.#fresh(team.agent(id) ?? team.ofRole("coder")));
  }

  /** Follows what becomes of the agent elsewhere until the returned function is called. */
  watch(): () => void {
    return this.#team.agents.subscribe(() => {
      const { agent, changed, draft } = this.state.value;
      const now = this.#team.agent(agent.id);
      if (now === agent) return;
      if (now === undefined && !changed) this.#open(this.#team.chosen.value);
      else if (now !== undefined) this.#set(changed ? { agent: now, draft } : this.#fresh(now));
    });
  }

  change(change: Partial<Draft>): void {
    const { agent, draft } = this.state.value;
    this.#set({ agent, draft: { ...draft, ...change } });
  }

  /** Fills the fields with what the agent of a role was at first; kept when it is saved. */
  fillDefaults(): void {
    const { agent } = this.state.value;
    if (agent.role !== null) this.change(draftOf(defaultAgent(agent.role), this.#decimalMark()));
  }

  discard(): void {
    this.state.set(this.#fresh(this.state.value.agent));
  }

  /** False: something in the fields is wrong. */
  save(): boolean {
    const { agent, draft } = this.state.value;
    const { profile } = checkDraft(draft, this.#others(agent));
    if (profile === null) return false;
    const saved = { ...agent, ...profile };
    this.state.set(this.#fresh(saved));
    this.#team.save(saved);
    return true;
  }

  /** Does it at once, or, with changes that are not kept, after the person has said what becomes of them. */
  leave(next: () => void): void {
    if (!this.state.value.changed) {
      next();
      return;
    }
    this.#next = next;
    this.state.set({ ...this.state.value, leaving: true });
  }

  answerLeaving(answer: "save" | "discard" | "stay"): void {
    const next = this.#next;
    this.#next = null;
    this.state.set({ ...this.state.value, leaving: false });
    if (answer === "discard") this.discard();
    if (answer === "stay" || (answer === "save" && !this.save())) return;
    next?.();
  }

  edit(id: string): void {
    this.leave(() => {
      this.#open(id);
    });
  }

  add(name: string): void {
    this.leave(() => {
      this.#open(this.#team.add(name).id);
    });
  }

  duplicate(): void {
    this.leave(() => {
      this.#open(this.#team.duplicate(this.state.value.agent).id);
    });
  }

  /** Removes the agent with its draft, and goes on with its neighbour. */
  remove(): void {
    const { id, role } = this.state.value.agent;
    if (role !== null) return;
    const ids = this.#team.agents.value.map((agent) => agent.id);
    const neighbour = ids[ids.indexOf(id) + 1] ?? ids[ids.indexOf(id) - 1] ?? this.#team.chosen.value;
    this.#open(neighbour);
    this.#team.remove(id);
  }

  /** Undoes the team's latest change; the fields show what is kept then. */
  undo(): void {
    this.leave(() => {
      this.#team.undo();
    });
  }

  #open(id: string): void {
    this.state.set(this.#fresh(this.#team.agent(id) ?? this.#team.ofRole("coder")));
  }

  #set({ agent, draft }: Pick<EditorState, "agent" | "draft">): void {
    const { profile, faults } = checkDraft(draft, this.#others(agent));
    const changed = profile === null || !sameProfile(profile, agent);
    this.state.set({ agent, draft, faults, changed, leaving: this.#next !== null && changed });
  }

  #fresh(agent: StudioAgent): EditorState {
    const draft = draftOf(agent, this.#decimalMark());
    return { agent, draft, faults: {}, changed: false, leaving: false };
  }

  #others({ id }: StudioAgent): StudioAgent[] {
    return this.#team.agents.value.filter((other) => other.id !== id);
  }
}

const unfinished = new WeakMap<Team, Editor>();

/** Goes on with changes that were not kept when the editor was last left, as by the browser's way back. */
export function editorOf(team: Team, id: string, decimalMark: () => string): Editor {
  const before = unfinished.get(team);
  if (before?.state.value.changed === true) return before;
  const editor = new Editor(team, id, decimalMark);
  unfinished.set(team, editor);
  return editor;
}
