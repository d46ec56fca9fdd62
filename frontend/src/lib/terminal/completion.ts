// What could stand where the cursor is: commands, and what each of them takes.

import { commandNames, type CommandName } from "./commands";

export interface Sources {
  models: readonly string[];
  agents: readonly string[];
  languages: readonly string[];
}

export interface Option {
  /** What is offered, as it is read in the list. */
  label: string;
  /** The whole line once it is taken. */
  line: string;
  /** The command that the option is, where it is one: the list says what it does. */
  command: CommandName | null;
}

const MOST = 12;

/** Options for a line whose cursor is at its end; none for what is no command. */
export function completions(line: string, sources: Sources): Option[] {
  const text = line.trimStart();
  if (/^kp$/i.test(text) || /^kpn$/i.test(text)) return commandOptions("");
  const command = /^kpn[ \t]+([^\s]*)$/i.exec(text);
  if (command !== null) return commandOptions(command[1] ?? "");
  const argument = /^kpn[ \t]+(\S+)[ \t]+([^\n]*)$/i.exec(text);
  if (argument === null) return [];
  const name = commandNames.find((known) => known === argument[1]?.toLowerCase());
  if (name === undefined) return [];
  return argumentOptions(name, argument[2] ?? "", valuesOf(name, sources));
}

function valuesOf(name: CommandName, { models, agents, languages }: Sources): readonly string[] {
  switch (name) {
    case "load":
      return models;
    case "agent":
      return agents;
    case "lang":
      return languages;
    default:
      return [];
  }
}

function commandOptions(typed: string): Option[] {
  const wanted = typed.toLowerCase();
  const options = commandNames.filter((name) => name.startsWith(wanted));
  // Nothing is left to complete.
  if (options.length === 1 && options[0] === wanted) return [];
  return options.map((name) => ({ label: name, line: lineOf(name), command: name }));
}

/** Commands that take something end with a space: their values are offered next. */
function lineOf(name: CommandName): string {
  const takes: readonly CommandName[] = ["load", "agent", "project", "tokens", "lang"];
  return takes.includes(name) ? `kpn ${name} ` : `kpn ${name}`;
}

function argumentOptions(name: CommandName, typed: string, values: readonly string[]): Option[] {
  const wanted = typed.trim().toLowerCase();
  const begin = values.filter((value) => value.toLowerCase().startsWith(wanted));
  const contain = values.filter((value) => !begin.includes(value) && value.toLowerCase().includes(wanted));
  const options = [...begin, ...contain];
  if (options.length === 1 && options[0]?.toLowerCase() === wanted) return [];
  return options
    .slice(0, MOST)
    .map((value) => ({ label: value, line: `kpn ${name} ${value}`, command: null }));
}
