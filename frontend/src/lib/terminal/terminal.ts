// The terminal: what was asked and answered, what is being answered, and what a person is writing.

import { Observable } from "../compute/observable";
import type { Answer, Prompt } from "../hub/chat";
import { HubError } from "../hub/client";
import type { Sampling } from "../settings/settings";
import type { KeyValue } from "../settings/storage";
import { parseLine, type Command } from "./commands";
import { canContinue, shownAttempt, type Attempt, type Ending, type Entry, type Exchange } from "./entries";
import { History } from "./history";
import { keepEntries, loadEntries } from "./kept";
import { failing, type Output } from "./outputs";
import type { Target } from "./target";
import { fitTurns, FIRST_CHARACTERS_PER_TOKEN, learnDensity, turnsOf, type Fitted } from "./window";

/** Who answers; a `StudioAgent` is one. */
export interface Answerer {
  id: string;
  name: string;
  prompt: string;
  sampling: Sampling;
  model: string | null;
}

export interface TerminalSurroundings {
  local: KeyValue;
  session: KeyValue;
  /** Milliseconds. */
  now(): number;
  agent(): Answerer;
  target(wanted: string | null): Target;
  ask(prompt: Prompt, onText: (text: string) => void, signal: AbortSignal): Promise<Answer>;
  /** Shows an agent at work until the returned function is called. */
  begin(agent: string): () => void;
  run(command: Command, signal: AbortSignal): Promise<Output>;
  stopProjects(): Promise<void>;
}

/** Above this an answer only fills memory. */
const LONGEST_ANSWER = 4_000_000;
const MOST_ATTEMPTS = 6;
const MOST_ENTRIES = 300;

export class Terminal {
  readonly entries: Observable<readonly Entry[]>;
  /** What stands in the prompt line. */
  readonly draft = new Observable("");
  /** The exchange whose prompt is being edited. */
  readonly editing = new Observable<number | null>(null);
  /** Whether an answer is being written. */
  readonly answering = new Observable(false);
  readonly history: History;
  readonly #around: TerminalSurroundings;
  #nextId: number;
  #answer: AbortController | null = null;
  readonly #commands = new Set<AbortController>();
  #charactersPerToken = FIRST_CHARACTERS_PER_TOKEN;

  constructor(surroundings: TerminalSurroundings) {
    this.#around = surroundings;
    this.history = new History(surroundings.local);
    this.entries = new Observable<readonly Entry[]>(loadEntries(surroundings.session));
    this.#nextId = Math.max(0, ...this.entries.value.map(({ id }) => id)) + 1;
  }

  /** Takes what stands in the prompt line. False: an answer is under way, and the text stays where it is. */
  async submit(line: string): Promise<boolean> {
    const parsed = parseLine(line);
    if (parsed.kind === "nothing") return false;
    if (parsed.kind === "text" && this.answering.value) return false;
    this.history.add(line.trim());
    this.draft.set("");
    if (parsed.kind === "text") await this.#send(parsed.text);
    else if (parsed.kind === "command") await this.#command(line.trim(), parsed.command);
    else if (parsed.kind === "incomplete") {
      this.#tell(line.trim(), failing({ kind: "incomplete", command: parsed.name }));
    } else {
      const { word, nearest } = parsed;
      this.#tell(line.trim(), failing({ kind: "unknown_command", word, nearest }));
    }
    return true;
  }

  /** Ends the answer; what has come of it stays. */
  stop(): void {
    this.#answer?.abort();
  }

  /** Another answer to the newest prompt; the earlier ones can be looked at again. */
  async regenerate(id: number): Promise<void> {
    const exchange = this.#newest(id);
    if (exchange === null) return;
    const attempts = [...exchange.attempts, this.#attempt()].slice(-MOST_ATTEMPTS);
    this.#replace(id, { ...exchange, attempts, shown: attempts.length - 1 });
    await this.#answerTo(id);
  }

  /** Goes on with an answer that was cut off. */
  async continue(id: number): Promise<void> {
    const exchange = this.#newest(id);
    const attempt = exchange === null ? undefined : shownAttempt(exchange);
    if (attempt === undefined || !canContinue(attempt)) return;
    this.#patch(id, { ending: null });
    await this.#answerTo(id);
  }

  /** The prompt goes back to the prompt line; sending it drops its answer and what came after it. */
  edit(id: number): void {
    const exchange = this.#exchange(id);
    if (exchange === null || this.answering.value) return;
    this.editing.set(id);
    this.draft.set(exchange.prompt);
  }

  cancelEdit(): void {
    if (this.editing.value === null) return;
    this.editing.set(null);
    this.draft.set("");
  }

  /** Prompts and commands that sending an edited prompt takes away. */
  get laterThanEdited(): number {
    const index = this.entries.value.findIndex(({ id }) => id === this.editing.value);
    return index < 0 ? 0 : this.entries.value.length - index - 1;
  }

  show(id: number, attempt: number): void {
    const exchange = this.#exchange(id);
    if (exchange === null || exchange.attempts[attempt] === undefined) return;
    if (shownAttempt(exchange)?.ending === null) return;
    this.#replace(id, { ...exchange, shown: attempt });
    this.keep();
  }

  clear(): void {
    this.stop();
    for (const running of this.#commands) running.abort();
    this.editing.set(null);
    this.entries.set([]);
    this.keep();
  }

  /** Now, since the page may be gone in a moment. */
  keep(): void {
    keepEntries(this.#around.session, this.entries.value);
  }

  async #send(prompt: string): Promise<void> {
    const edited = this.entries.value.findIndex(({ id }) => id === this.editing.value);
    const before = edited < 0 ? this.entries.value : this.entries.value.slice(0, edited);
    this.editing.set(null);
    const id = this.#nextId++;
    const exchange: Exchange = { kind: "exchange", id, prompt, attempts: [this.#attempt()], shown: 0 };
    this.entries.set([...before, exchange].slice(-MOST_ENTRIES));
    await this.#answerTo(id);
  }

  async #answerTo(id: number): Promise<void> {
    const agent = this.#around.agent();
    const target = this.#around.target(agent.model);
    if (target.kind === "obstacle") {
      this.#patch(id, {
        agent: agent.name,
        agentId: agent.id,
        ending: { kind: "obstacle", obstacle: target.obstacle },
      });
      this.keep();
      return;
    }
    const abort = new AbortController();
    this.#answer = abort;
    this.answering.set(true);
    const done = this.#around.begin(agent.id);
    this.#patch(id, { agent: agent.name, agentId: agent.id, model: target.model });
    this.keep();
    try {
      await this.#stream(id, agent, target, abort);
    } finally {
      done();
      this.#answer = null;
      this.answering.set(false);
      this.keep();
    }
  }

  async #stream(
    id: number,
    agent: Answerer,
    target: Extract<Target, { kind: "model" }>,
    abort: AbortController,
  ): Promise<void> {
    const exchange = this.#exchange(id);
    if (exchange === null) return;
    const before = shownAttempt(exchange);
    const began = this.#around.now();
    const begun = before?.text ?? "";
    let text = begun;
    let endless = false;
    const onText = (piece: string): void => {
      if (endless) return;
      text += piece;
      endless = text.length > LONGEST_ANSWER;
      this.#patch(id, { text });
      if (endless) abort.abort();
    };
    const facts = (): Partial<Attempt> => ({
      seconds: (before?.seconds ?? 0) + (this.#around.now() - began) / 1000,
    });
    let { contextLength } = target;
    for (;;) {
      const fitted = this.#fit(exchange, agent, begun, contextLength);
      this.#patch(id, { forgotten: fitted.forgotten });
      try {
        const prompt: Prompt = { model: target.model, messages: fitted.messages, sampling: agent.sampling };
        const answer = await this.#around.ask(prompt, onText, abort.signal);
        this.#learn(fitted, answer);
        this.#patch(id, {
          ...facts(),
          model: answer.report?.model ?? target.model,
          node: answer.report?.node ?? null,
          tokens: answer.completionTokens === null ? null : (before?.tokens ?? 0) + answer.completionTokens,
          tokensPerSecond: answer.report?.tokens_per_second ?? null,
          ending: { kind: "done", finishReason: answer.finishReason },
        });
        return;
      } catch (error) {
        const ending = endingOf(error, abort.signal, endless);
        const more = turnsOf(this.#before(id)).length > fitted.forgotten;
        if (isTooLong(ending) && text === begun && more) {
          // The machine's window is smaller than thought: the oldest turns go, and it is asked again.
          contextLength /= 2;
          continue;
        }
        this.#patch(id, { ...facts(), ending });
        return;
      }
    }
  }

  #fit(exchange: Exchange, agent: Answerer, begun: string, contextLength: number): Fitted {
    return fitTurns({
      system: agent.prompt,
      turns: turnsOf(this.#before(exchange.id)),
      prompt: exchange.prompt,
      begun,
      contextLength,
      maxTokens: agent.sampling.max_tokens,
      charactersPerToken: this.#charactersPerToken,
    });
  }

  #learn(fitted: Fitted, answer: Answer): void {
    this.#charactersPerToken =
      learnDensity(fitted.characters, answer.promptTokens) ?? this.#charactersPerToken;
  }

  async #command(line: string, command: Command): Promise<void> {
    if (command.name === "clear") {
      this.clear();
      return;
    }
    if (command.name === "bench" && this.answering.value) {
      this.#tell(line, failing({ kind: "busy" }));
      return;
    }
    if (command.name === "stop") {
      const answer = this.answering.value;
      this.stop();
      for (const running of this.#commands) running.abort();
      await this.#around.stopProjects();
      this.#tell(line, { kind: "stopped", answer });
      return;
    }
    const id = this.#tell(line, null);
    const abort = new AbortController();
    this.#commands.add(abort);
    const output = await this.#around
      .run(command, abort.signal)
      .catch(() => failing({ kind: "missing_part" }));
    this.#commands.delete(abort);
    const entries = this.entries.value.map((entry) =>
      entry.id === id && entry.kind === "command" ? { ...entry, output } : entry,
    );
    this.entries.set(entries);
    this.keep();
  }

  #tell(line: string, output: Output | null): number {
    const id = this.#nextId++;
    const entry: Entry = { kind: "command", id, line, output };
    this.entries.set([...this.entries.value, entry].slice(-MOST_ENTRIES));
    if (output !== null) this.keep();
    return id;
  }

  #attempt(): Attempt {
    const { id, name } = this.#around.agent();
    return {
      agent: name,
      agentId: id,
      model: "",
      text: "",
      forgotten: 0,
      node: null,
      tokens: null,
      seconds: null,
      tokensPerSecond: null,
      ending: null,
    };
  }

  /** The newest exchange, if it has this id and nothing is being answered. */
  #newest(id: number): Exchange | null {
    const newest = this.entries.value.findLast((entry) => entry.kind === "exchange");
    return this.answering.value || newest?.id !== id ? null : newest;
  }

  #exchange(id: number): Exchange | null {
    return (
      this.entries.value.find((entry): entry is Exchange => entry.kind === "exchange" && entry.id === id) ??
      null
    );
  }

  #before(id: number): Exchange[] {
    return this.entries.value.filter(
      (entry): entry is Exchange => entry.kind === "exchange" && entry.id < id,
    );
  }

  #patch(id: number, change: Partial<Attempt>): void {
    const exchange = this.#exchange(id);
    // Cleared meanwhile.
    if (exchange === null) return;
    const attempts = exchange.attempts.map((attempt, index) =>
      index === exchange.shown ? { ...attempt, ...change } : attempt,
    );
    this.#replace(id, { ...exchange, attempts });
  }

  #replace(id: number, exchange: Exchange): void {
    this.entries.set(this.entries.value.map((entry) => (entry.id === id ? exchange : entry)));
  }
}

function endingOf(error: unknown, signal: AbortSignal, endless: boolean): Ending {
  if (endless) return { kind: "endless" };
  if (signal.aborted) return { kind: "stopped" };
  return { kind: "failed", failure: error instanceof HubError ? error.failure : { kind: "unreadable" } };
}

function isTooLong(ending: Ending): boolean {
  if (ending.kind !== "failed" || ending.failure.kind !== "refused") return false;
  return ending.failure.code === "context_length_exceeded";
}
