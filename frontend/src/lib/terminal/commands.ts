// What a line of the terminal means: `kpn …` is a command, anything else is for the agent.

export const commandNames = [
  "help",
  "models",
  "load",
  "unload",
  "status",
  "nodes",
  "agent",
  "project",
  "stop",
  "clear",
  "tokens",
  "bench",
  "lang",
] as const;

export type CommandName = (typeof commandNames)[number];

/** Those that mean nothing without more; `agent` alone tells who there is. */
const needsArgument: ReadonlySet<CommandName> = new Set(["load", "project", "tokens", "lang"]);

export interface Command {
  name: CommandName;
  /** The rest of the line, with no space around it. */
  argument: string;
}

export type Line =
  | { kind: "nothing" }
  | { kind: "text"; text: string }
  | { kind: "command"; command: Command }
  | { kind: "incomplete"; name: CommandName }
  | { kind: "unknown"; word: string; nearest: CommandName | null };

export function parseLine(line: string): Line {
  const text = line.trim();
  if (text === "") return { kind: "nothing" };
  const match = /^kpn(?:\s+(\S+)(?:\s+([\s\S]*))?)?$/i.exec(text);
  if (match === null) return { kind: "text", text };
  const word = (match[1] ?? "help").toLowerCase();
  const argument = match[2] ?? "";
  const name = commandNames.find((known) => known === word);
  if (name === undefined) return { kind: "unknown", word, nearest: nearest(word, commandNames) };
  if (argument === "" && needsArgument.has(name)) return { kind: "incomplete", name };
  return { kind: "command", command: { name, argument } };
}

/** The option that was probably meant; null where none is near. */
export function nearest<Option extends string>(word: string, options: readonly Option[]): Option | null {
  const wanted = word.toLowerCase();
  let best: Option | null = null;
  let least = Math.max(1, Math.floor(Math.min(wanted.length, 12) / 2)) + 1;
  for (const option of options) {
    const name = option.toLowerCase();
    const away = wanted.length > 1 && name.startsWith(wanted) ? 0 : distance(wanted.slice(0, 60), name);
    if (away < least) {
      best = option;
      least = away;
    }
  }
  return best;
}

/** Single letters to add, take away, change, or swap with the next one. */
function distance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped) cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}
