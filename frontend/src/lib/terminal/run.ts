// What each command does; `stop` and `clear` are the terminal's own as well.

import { get } from "svelte/store";

import { faceOf, isActive } from "../compute/state";
import { fileSize, fit } from "../compute/fit";
import { findModel, type CatalogueModel } from "../hub/catalogue";
import { HubError } from "../hub/client";
import { languages } from "../i18n/language";
import type { Studio } from "../studio/studio";
import type { Team } from "../team/team";
import { benchPrompt, benchResult } from "./bench";
import { nearest, type Command } from "./commands";
import { failing, type Output } from "./outputs";
import { targetOf } from "./target";

/** Tokens that are listed one by one; more would be a wall. */
const LISTED_TOKENS = 400;
const MOST_CHARACTERS = 20_000;

export async function runCommand(
  studio: Studio,
  team: Team,
  { name, argument }: Command,
  signal: AbortSignal,
): Promise<Output> {
  switch (name) {
    case "help":
      return { kind: "help" };
    case "models":
      await studio.hub.refresh();
      return listModels(studio);
    case "load":
      return load(studio, argument);
    case "unload":
      return unload(studio);
    case "status":
      await studio.hub.refresh();
      return tellStatus(studio, team);
    case "nodes":
      await studio.hub.refresh();
      return listNodes(studio);
    case "agent":
      return chooseAgent(team, argument);
    case "project":
      return startProject(studio, argument);
    case "stop":
      return { kind: "stopped", answer: false };
    case "clear":
      return { kind: "help" };
    case "tokens":
      return countTokens(studio, argument);
    case "bench":
      return measure(studio, signal);
    case "lang":
      return changeLanguage(studio, argument);
  }
}

function listModels(studio: Studio): Output {
  const { models, connection } = studio.hub.value;
  if (models === null) return failing({ kind: "no_catalogue" });
  const { deviceBytes, stored } = studio.machine.value;
  return {
    kind: "models",
    hub: connection,
    models: models.map((model) => {
      const { bytes, exact } = fileSize(model);
      return {
        id: model.id,
        parameters: model.parameters,
        bytes,
        exact,
        nodes: model.nodes,
        stored: stored.some((record) => record.modelId === model.id && record.checksums !== null),
        fits: fit(model, deviceBytes).fits,
      };
    }),
  };
}

async function load(studio: Studio, argument: string): Promise<Output> {
  if (studio.hub.value.models === null) await studio.hub.refresh();
  const { models } = studio.hub.value;
  if (models === null) return failing({ kind: "no_catalogue" });
  const model = pickModel(models, argument);
  if (model === null) {
    const near = nearest(
      argument,
      models.map(({ id }) => id),
    );
    return failing({ kind: "unknown_model", name: argument, nearest: near });
  }
  const { state } = studio.compute.value;
  const loaded =
    isActive(state) && "modelId" in state && state.modelId === model.id && state.kind !== "stopping";
  if (!loaded) {
    studio.selectModel(model);
    await studio.startComputing();
  }
  return { kind: "load", model: model.id };
}

/** `1` is the catalogue's first; else an id or alias, or the only model whose id has this in it. */
export function pickModel(models: readonly CatalogueModel[], argument: string): CatalogueModel | null {
  if (/^\d{1,3}$/.test(argument)) return models[Number(argument) - 1] ?? null;
  const exact = findModel(models, argument) ?? findModel(models, argument.toLowerCase());
  if (exact !== undefined) return exact;
  const having = models.filter(({ id }) => id.toLowerCase().includes(argument.toLowerCase()));
  return having.length === 1 ? (having[0] ?? null) : null;
}

async function unload(studio: Studio): Promise<Output> {
  const { state } = studio.compute.value;
  if (!isActive(state)) return { kind: "unloaded", model: null };
  await studio.stopComputing();
  return { kind: "unloaded", model: "modelId" in state ? state.modelId : null };
}

function tellStatus(studio: Studio, team: Team): Output {
  const { connection, stats } = studio.hub.value;
  const { state } = studio.compute.value;
  return {
    kind: "status",
    hub: connection,
    nodes: stats?.nodes.length ?? null,
    waiting: stats?.queue.waiting ?? null,
    running: stats?.queue.running ?? null,
    face: faceOf(state),
    loaded: state.kind === "running" ? state.modelId : null,
    agent: team.agent(team.chosen.value)?.name ?? "",
    answering: get(studio.answering),
    ownNodes: studio.ownNodes.value,
  };
}

function listNodes(studio: Studio): Output {
  const { connection, stats } = studio.hub.value;
  if (stats === null) return failing({ kind: "no_catalogue" });
  return {
    kind: "nodes",
    hub: connection,
    nodes: stats.nodes.map(({ name, kind, models, busy, slots, tokens_per_second, prompts }) => ({
      name,
      kind,
      models,
      busy,
      slots,
      tokensPerSecond: tokens_per_second,
      prompts,
    })),
  };
}

function chooseAgent(team: Team, argument: string): Output {
  const agents = team.agents.value;
  if (argument === "") {
    const { value: chosen } = team.chosen;
    return {
      kind: "agents",
      agents: agents.map(({ id, name, model }) => ({ name, model, chosen: id === chosen })),
    };
  }
  const wanted = argument.toLowerCase();
  const named =
    agents.find(({ name }) => name.toLowerCase() === wanted) ??
    agents.find(({ role, id }) => role === wanted || id === wanted);
  const beginning = agents.filter(({ name }) => name.toLowerCase().startsWith(wanted));
  const agent = named ?? (beginning.length === 1 ? beginning[0] : undefined);
  if (agent === undefined) {
    const near = nearest(
      argument,
      agents.map(({ name }) => name),
    );
    return failing({ kind: "unknown_agent", name: argument, nearest: near });
  }
  team.choose(agent.id);
  return { kind: "agent", name: agent.name };
}

async function startProject(studio: Studio, idea: string): Promise<Output> {
  const part = await import("../projects/projects").catch(() => null);
  if (part === null) return failing({ kind: "missing_part" });
  try {
    return { kind: "project", id: await part.projectsOf(studio).create(idea), idea };
  } catch (error) {
    return failing({ kind: "project", message: error instanceof Error ? error.message : "" });
  }
}

/** Projects that the team is at work on. */
export async function stopProjects(studio: Studio): Promise<void> {
  const part = await import("../projects/projects").catch(() => null);
  part?.projectsOf(studio).stopAll();
}

async function countTokens(studio: Studio, text: string): Promise<Output> {
  if (text.length > MOST_CHARACTERS) return failing({ kind: "too_much_text", most: MOST_CHARACTERS });
  if (studio.hub.value.models === null) await studio.hub.refresh();
  const choice = get(studio.choice);
  const model = get(studio.answering) ?? (choice?.kind === "model" ? choice.model.id : null);
  if (model === null) return failing({ kind: "no_model" });
  const part = await import("../tokenizer/tokenizer").catch(() => null);
  if (part === null) return failing({ kind: "missing_part" });
  try {
    const tokens = await part.tokenizerOf(studio).tokenize(model, text);
    return {
      kind: "tokens",
      model,
      characters: Array.from(text).length,
      count: tokens.length,
      tokens: tokens.slice(0, LISTED_TOKENS).map(({ id, text: piece }) => ({ id, text: piece })),
    };
  } catch (error) {
    return failing({ kind: "tokenizer", message: error instanceof Error ? error.message : "" });
  }
}

async function measure(studio: Studio, signal: AbortSignal): Promise<Output> {
  const target = targetOf(studio, null);
  if (target.kind === "obstacle") return failing({ kind: target.obstacle });
  const salt = crypto.getRandomValues(new Uint32Array(2)).join("-");
  const began = performance.now();
  try {
    const answer = await studio.ask(benchPrompt(target.model, salt), () => undefined, signal);
    return benchResult(target.model, answer, performance.now() - began);
  } catch (error) {
    if (signal.aborted) return { kind: "stopped", answer: false };
    return failing({
      kind: "hub",
      failure: error instanceof HubError ? error.failure : { kind: "unreadable" },
    });
  }
}

function changeLanguage(studio: Studio, argument: string): Output {
  const wanted = argument.toLowerCase();
  const language = languages.find((known) => known === wanted);
  if (language === undefined) return failing({ kind: "unknown_language", name: argument });
  studio.language.set(language);
  return { kind: "language", language };
}
