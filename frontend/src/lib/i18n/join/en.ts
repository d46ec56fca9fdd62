// The English sentences of the dialog that joins a machine.

import type { JoinSentences } from "./fi";

export const en: JoinSentences = {
  title: "Join your machine",
  lead: "Two commands, and your machine answers the network's prompts for as long as the program runs.",
  close: "Close",
  system: "Operating system",
  systems: { linux: "Linux", macos: "macOS", windows: "Windows", docker: "Docker" },
  model: "Model",
  ollama: {
    title: "Install Ollama and fetch the model",
    hint: "Ollama computes the answers. Where it is installed already, the last line is enough.",
  },
  node: {
    title: "Start kipina-node",
    hint: {
      linux: "The command fetches the program from this hub, checks it and starts it.",
      macos: "The command fetches the program from this hub, checks it and starts it.",
      windows:
        "Run it in PowerShell. The command fetches the program from this hub, checks it and starts it.",
      docker:
        "The container fetches the program from this hub, checks it, and starts whenever the machine does.",
    },
  },
  copyOllama: "Copy the command: Ollama",
  copyNode: "Copy the command: kipina-node",
  copyAgain: "Copy the command: start again",
  copySource: "Copy the command: build it yourself",
  copy: "Copy",
  key: "The hub's key",
  keyHint:
    "Only if the hub's operator gave you one (NODE_API_KEY). It goes into the command and is not kept.",
  showKey: "Show the key",
  more: "Other ways",
  again: "The program is on the machine already",
  source: "There is no program for your machine: build it from source",
  onlyHere: (host) =>
    `The address ${host} works on this machine only. To join another machine, open this page first at an address that it can reach.`,
  waiting: "Waiting for a new machine. It shows here as soon as it has joined.",
  joined: (name) => `${name} joined the network.`,
};
