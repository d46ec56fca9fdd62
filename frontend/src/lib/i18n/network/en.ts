// The English sentences of the network view.

import type { HistoryRange } from "../../hub/history";
import type { NetworkWords } from "./fi";

const ranges: Record<HistoryRange, string> = { day: "Day", week: "Week", month: "Month" };

const lastRange: Record<HistoryRange, string> = {
  day: "the last 24 hours",
  week: "the last seven days",
  month: "the last 30 days",
};

const failedOf = (failed: string) => (failed === "0" ? "all of them answered" : `${failed} of them failed`);

export const en: NetworkWords = {
  title: "Network",
  live: "Updates by itself",
  asking: "Asking the hub…",
  gone: (time) =>
    `Below is what was known of the network at ${time}. The page keeps trying to reach the hub, and updates by itself then.`,
  goneUnknown:
    "Nothing is known of the network yet. Check that the hub is running; the page keeps trying to reach it.",
  now: "Right now",
  facts: {
    nodes: "Machines",
    slots: (busy, slots) => `${busy} of ${slots} slots in use`,
    perMinute: "Prompts per minute",
    perMinuteHint: "over the last minute",
    speed: "Tokens per second",
    speedHint: "all machines together",
    queue: "Waiting",
    running: (count) => `${count} being answered`,
    total: "Prompts in total",
    failed: (count) => (count === "0" ? "none of them failed" : `${count} of them failed`),
    tokens: "Tokens in answers",
    promptTokens: (count) => `${count} in prompts`,
  },
  nodes: {
    title: "Machines",
    kinds: { browser: "browser", native: "program", other: "machine" },
    own: "this browser",
    trusted: "trusted",
    trustedHint: "Joined with the hub's key",
    paused: "paused",
    onlyOwn: "own prompts only",
    suspended: "suspended",
    suspendedHint: "Its answers were not the model's own: it gets no prompts",
    cores: (count) => (count === 1 ? "1 core" : `${count} cores`),
    memory: (gibibytes) => `${gibibytes} GB of memory`,
    gpu: (name) => `GPU: ${name}`,
    unknownDevice: "Says nothing of its hardware",
    models: "Models",
    noModels: "no models",
    speed: "Speed",
    perSecond: (speed) => `${speed} tok/s`,
    unmeasured: "not measured yet",
    load: "Load",
    loadOf: (busy, slots) => `${busy} of ${slots}`,
    loadLabel: (name) => `Load of ${name}`,
    uptime: "Joined for",
    since: {
      seconds: (count) => `${count} s`,
      minutes: (count) => `${count} min`,
      hours: (count, minutes) => (minutes === 0 ? `${count} h` : `${count} h ${minutes} min`),
      days: (count, hours) => (hours === 0 ? `${count} days` : `${count} days ${hours} h`),
    },
    prompts: "Answers",
    tokens: "Tokens",
    none: "–",
  },
  empty: {
    title: "There is no machine in the network",
    text: "Nobody answers prompts right now. Join your machine: a browser is enough to begin with, and the program uses Ollama or the machine's own processor.",
    join: "Join your machine",
    compute: "Compute in this browser",
  },
  charts: {
    live: "The last minutes",
    liveHint: (minutes) => `The last ${minutes} minutes, or since you opened the page.`,
    prompts: "Prompts per minute",
    speed: "Tokens per second",
    summary: (now, least, most) => `Now ${now}. Between ${least} and ${most} so far.`,
    steady: (now) => `Now ${now}.`,
    unknownNow: (least, most) => `Now unknown. Between ${least} and ${most} so far.`,
    unknownSteady: (last) => `Now unknown, last ${last}.`,
    nothing: "Nothing has been heard yet.",
    old: "This hub is older than the page and does not tell its rates.",
    table: "Show as a table",
    time: "Time",
    none: "–",
    drawing: "The chart could not be drawn. Its figures are in the table.",
  },
  history: {
    title: "History",
    choose: "Period",
    ranges,
    loading: "Fetching the history…",
    nothing: (range) => `No prompt was sent in ${lastRange[range]}.`,
    unavailable:
      "The hub can't read its history from the database right now. Its log says why. Try again in a moment.",
    unreachable: "The history could not be fetched, since the hub does not answer.",
    missing: "This hub is older than the page and does not tell its history.",
    again: "Try again",
    stale: "The history could not be updated. Below is what was fetched before.",
    prompts: "Prompts",
    promptsSummary: (range, prompts, failed) =>
      `${prompts === "1" ? "1 prompt" : `${prompts} prompts`} in ${lastRange[range]}, ${failedOf(failed)}.`,
    speed: "Speed of one answer",
    speedSummary: (speed, wait) => `${speed} tok/s on average. The first token usually took ${wait}.`,
    speedUnknown: "No answer was measured.",
    columns: {
      time: "From",
      prompts: "Prompts",
      failed: "Failed",
      promptTokens: "Prompt tokens",
      completionTokens: "Answer tokens",
      speed: "tok/s",
      firstToken: "1st token",
      nodes: "Machines",
    },
    all: "prompts",
    failed: "failed",
    milliseconds: (count) => `${count} ms`,
    seconds: (count) => `${count} s`,
  },
};
