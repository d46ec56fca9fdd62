// The answers of commands as tables in a person's language.

import type { Dictionary } from "../i18n/fi";
import type { Formats } from "../i18n/format";
import type { Sentences } from "../i18n/terminal/fi";
import { commandNames } from "./commands";
import type { Output, OutputOf } from "./outputs";

export interface Column {
  title: string;
  /** Numbers stand to the right, code in its own letters. */
  look?: "number" | "code";
}

export interface Table {
  caption: string;
  columns: readonly Column[];
  /** Each row's first cell is its heading. */
  rows: readonly (readonly string[])[];
}

export interface Language {
  words: Sentences;
  text: Dictionary;
  formats: Formats;
}

/** The tables of an output; none where it is said otherwise. */
export function tablesOf(output: Output, language: Language): Table[] {
  switch (output.kind) {
    case "help":
      return helpTables(language.words);
    case "models":
      return [modelTable(output, language)];
    case "status":
      return [statusTable(output, language)];
    case "nodes":
      return output.nodes.length === 0 ? [] : [nodeTable(output, language)];
    case "agents":
      return [agentTable(output, language.words)];
    case "bench":
      return [benchTable(output, language)];
    default:
      return [];
  }
}

function helpTables({ command, commands }: Sentences): Table[] {
  return [
    {
      caption: command.helpTitle,
      columns: [{ title: command.commandColumn, look: "code" }, { title: command.aboutColumn }],
      rows: commandNames.map((name) => [commands[name].usage, commands[name].about]),
    },
    {
      caption: command.keysTitle,
      columns: [{ title: command.keyColumn, look: "code" }, { title: command.aboutColumn }],
      rows: command.keys,
    },
  ];
}

function modelTable({ models }: OutputOf<"models">, { words: { command }, formats }: Language): Table {
  return {
    caption: command.models,
    columns: [
      { title: command.number, look: "number" },
      { title: command.model, look: "code" },
      { title: command.parameters, look: "number" },
      { title: command.size, look: "number" },
      { title: command.nodesColumn, look: "number" },
      { title: command.here },
    ],
    rows: models.map((model, index) => {
      const size = formats.bytes(model.bytes);
      return [
        String(index + 1),
        model.id,
        command.billions(formats.decimal(model.parameters / 1e9)),
        model.exact ? size : command.about(size),
        String(model.nodes),
        model.stored ? command.stored : model.fits ? command.fits : command.tooBig,
      ];
    }),
  };
}

function statusTable(output: OutputOf<"status">, { words: { command }, text }: Language): Table {
  const { nodes, running, waiting } = output;
  const face = text.faces[output.face as keyof Dictionary["faces"]];
  return {
    caption: command.status,
    columns: [{ title: command.what }, { title: command.state }],
    rows: [
      [command.hub, text.status.hubStates[output.hub]],
      [command.network, nodes === null ? command.none : text.status.nodes(nodes)],
      [command.queue, running === null || waiting === null ? command.none : command.queued(running, waiting)],
      [command.compute, output.loaded === null ? face : `${face} · ${output.loaded}`],
      [command.agent, output.agent],
      [command.answeringModel, output.answering ?? command.none],
      [command.ownOnly, output.ownNodes ? command.yes : command.no],
    ],
  };
}

function nodeTable({ nodes }: OutputOf<"nodes">, { words: { command, answer }, formats }: Language): Table {
  return {
    caption: command.nodes,
    columns: [
      { title: command.name },
      { title: command.kind },
      { title: command.model, look: "code" },
      { title: command.load, look: "number" },
      { title: command.speed, look: "number" },
      { title: command.prompts, look: "number" },
    ],
    rows: nodes.map((node) => [
      node.name,
      command.kinds[node.kind] ?? node.kind,
      node.models.join(", "),
      command.busyOf(node.busy, node.slots),
      node.tokensPerSecond === null ? command.none : answer.speed(formats.rate(node.tokensPerSecond)),
      String(node.prompts),
    ]),
  };
}

function agentTable({ agents }: OutputOf<"agents">, { command }: Sentences): Table {
  return {
    caption: command.agents,
    columns: [{ title: command.name }, { title: command.model, look: "code" }, { title: command.state }],
    rows: agents.map(({ name, model, chosen }) => [
      name,
      model ?? command.anyModel,
      chosen ? command.chosen : "",
    ]),
  };
}

function benchTable(output: OutputOf<"bench">, { words: { command, answer }, formats }: Language): Table {
  const { model, node, promptTokens, completionTokens } = output;
  const time = (value: number | null): string =>
    value === null ? command.none : command.milliseconds(String(Math.round(value)));
  const count = (value: number | null): string => (value === null ? command.none : String(value));
  const rate = (value: number | null): string =>
    value === null ? command.none : answer.speed(formats.rate(value));
  return {
    caption: `${command.bench}: ${command.benchBy(node ?? command.none, model)}`,
    columns: [
      { title: command.phase },
      { title: command.tokensColumn, look: "number" },
      { title: command.time, look: "number" },
      { title: command.speed, look: "number" },
    ],
    rows: [
      [command.wait, "", time(output.queuedMs), ""],
      [command.prefill, count(promptTokens), time(output.prefillMs), rate(output.prefillPerSecond)],
      [command.decode, count(completionTokens), time(output.decodeMs), rate(output.decodePerSecond)],
      [command.total, "", time(output.totalMs), ""],
    ],
  };
}
