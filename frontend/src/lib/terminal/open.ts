// The studio's terminal; it lives as long as the page does.

import { forgivingStorage } from "../settings/storage";
import type { Studio } from "../studio/studio";
import { teamOf } from "../team/team";
import { runCommand, stopProjects } from "./run";
import { targetOf } from "./target";
import { Terminal } from "./terminal";

const terminals = new WeakMap<Studio, Terminal>();

export function terminalOf(studio: Studio): Terminal {
  const known = terminals.get(studio);
  if (known !== undefined) return known;
  const team = teamOf(studio);
  const terminal = new Terminal({
    local: studio.local,
    session: forgivingStorage(() => sessionStorage),
    now: () => performance.now(),
    agent: () => team.agent(team.chosen.value) ?? team.ofRole("coder"),
    target: (wanted) => targetOf(studio, wanted),
    ask: (prompt, onText, signal) => studio.ask(prompt, onText, signal),
    begin: (agent) => team.begin(agent),
    run: (command, signal) => runCommand(studio, team, command, signal),
    stopProjects: () => stopProjects(studio),
  });
  // What is being answered is kept as far as it came.
  window.addEventListener("pagehide", () => {
    terminal.keep();
  });
  terminals.set(studio, terminal);
  return terminal;
}
