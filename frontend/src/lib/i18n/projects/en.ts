// The projects' English sentences.

import type { ImportProblem } from "../../projects/projects";
import type { MachineProblem } from "../../projects/machine";
import type { FileProblem, Stage } from "../../projects/project";
import type { ProjectWords } from "./fi";

const stages: Record<Stage, string> = {
  planning: "Plan",
  writing: "Writing",
  reviewing: "Review",
  mending: "Mending",
  summing: "Risks",
  done: "Done",
};

const doing: Record<Stage, string> = {
  planning: "Planning the files",
  writing: "Writing the files",
  reviewing: "Checking that the files work together",
  mending: "Mending what the review found",
  summing: "Weighing the risks",
  done: "Writing the change that you asked for",
};

const fileProblems: Record<FileProblem, string> = {
  empty: "there was no file in the answer",
  repeats: "the answer repeated itself",
  too_long: "the answer did not end",
  shrunk: "the mended file would have lost most of its text",
};

const machineProblems: Record<MachineProblem, string> = {
  missing: "This hub has no engine for projects, so the team can't work. Your files are safe.",
  unreachable: "The hub did not deliver the engine for projects. Work goes on when the connection is back.",
  broken: "The engine for projects stopped with an error. The last step is saved: go on from there.",
};

const importProblems: Record<ImportProblem, string> = {
  no_project: "The file is no Kipinä project. Choose a file that was exported from Kipinä.",
  refused: "The project contradicts itself and can't be opened. Export it again and try once more.",
  no_pipeline: "The project could not be checked, because the hub does not answer. Try again in a moment.",
};

const shares = { outline: "outline only", nothing: "not at all", whole: "whole" };

export const en: ProjectWords = {
  new: {
    title: "New project",
    label: "Idea",
    placeholder: "What should the service do?",
    start: "Start",
    starting: "Starting…",
    examples: "Try an example",
    ideas: [
      "A to-do list: add, list, edit and delete tasks in an SQLite database",
      "A link shortener that counts the clicks of every link",
      "A library's loans: books, borrowers and due dates",
    ],
    failed: "The project could not be started.",
  },
  list: {
    title: "Your projects",
    loading: "Loading projects…",
    empty: "No projects yet. Write an idea above, or import a project that was exported before.",
    files: (count) => (count === 1 ? "1 file" : `${count} files`),
    noFiles: "no files yet",
    changed: (when) => `changed ${when}`,
    import: "Import a project",
    actions: (name) => `Actions: ${name}`,
    rename: "Rename",
    name: "Name",
    save: "Save",
    cancel: "Cancel",
    duplicate: "Duplicate",
    copyOf: (name) => `${name} (copy)`,
    export: "Export",
    remove: "Delete",
    removed: (name) => `The project “${name}” was deleted.`,
    undo: "Undo",
    importProblems,
    imported: "The project was imported.",
    tooLarge: "The file is too large for a project.",
  },
  runs: {
    running: "running",
    stopped: "stopped",
    unstarted: "not started",
    failed: "unfinished",
    finished: "done",
    waiting: "waiting",
  },
  storage: {
    full: "The browser's storage is full, so the latest changes are in this tab only. Free some space, or download the project.",
    forbidden:
      "The browser does not allow storage, so projects last only as long as this tab is open. Download the project to keep it.",
    download: "Download the project",
  },
  page: {
    back: "All projects",
    loading: "Opening the project…",
    missing: "There is no such project",
    missingHint: "It may have been deleted, or it is kept in another browser.",
    elsewhere: "The project is open in another tab",
    elsewhereHint: "You can follow it here. When the other tab is closed, work goes on in this one.",
    takeOver: "Go on in this tab",
  },
  actions: {
    label: "Actions of the project",
    start: "Start",
    resume: "Continue",
    retry: "Try again",
    stop: "Stop",
    zip: "Download ZIP",
    zipping: "Packing…",
    zipFailed: "The ZIP file could not be made.",
    export: "Export project",
  },
  progress: {
    title: "Progress",
    stages,
    doing,
    left: (time) => `about ${time} left`,
    leftUnknown: "time left is known after the first answers",
    round: (round) => `round ${round}`,
    stageDone: "done",
    stageNow: "now",
    stageAhead: "to come",
    neverStarted: "The team begins by planning the files.",
    stopped: "You stopped the team. It goes on from where it was.",
    finished: "All files are written and reviewed.",
  },
  waits: {
    hub: "Waiting for the hub. Work goes on by itself when the connection is back.",
    node: (model) =>
      model === null
        ? "Waiting for a machine that answers. Work goes on by itself when one joins the network."
        : `Waiting for a machine with the model ${model}. Work goes on by itself when one joins the network.`,
    turn: "All machines are busy. Waiting for a turn.",
    again: "A machine was lost in the middle of an answer. It is asked again in a moment.",
    compute: "Compute on this machine",
  },
  questions: {
    plan: "Plan",
    review: "Review",
    risks: "Risks",
    asks: (name, model) => `${name} · ${model}`,
  },
  meter: {
    label: (what) => `The model's window: ${what}`,
    amount: (used, window) => `${used} / ${window} tokens`,
    hint: "Question and the model's window",
    shortened: (count) => (count === 1 ? "1 file fitted only in part" : `${count} files fitted only in part`),
    shortenedFile: (path, share) => `${path}: ${shares[share]}`,
  },
  failures: {
    title: "The team could not go on",
    plan: "Several attempts gave no usable plan. Make the idea more precise in a new project, or try again.",
    file: (path, problem) =>
      `The file ${path} did not come out in several attempts: ${fileProblems[problem]}. Try again, write it yourself, or choose a larger model.`,
    window: (needed, window) =>
      `The question does not fit the model's window: it needs ${needed} tokens, and there is room for ${window}. Shorten the agent's prompt, or choose a model with a larger window.`,
    nobody: (words) => `Nobody could answer: ${words}`,
    words: {
      missing_api_key: "the hub wants an API key, which is set in the settings.",
      invalid_api_key: "the hub does not accept the API key that is set in the settings.",
      expired_api_key: "the API key has expired. The hub's operator has a new one.",
      insufficient_scope: "the API key is not for asking. The hub's operator has one that is.",
      model_not_allowed: "the API key is not for this model. Choose another one for the agent.",
      insufficient_quota: "today's amount is used up. A new day begins at midnight (UTC).",
      unreachable: "the hub could not be reached.",
      unreadable: "the hub's answer was not understood.",
    },
    machine: machineProblems,
  },
  files: {
    title: "Files",
    none: "Files appear here once the plan is made.",
    states: {
      waiting: "waiting",
      writing: "being written",
      partial: "unfinished",
      written: "done",
      edited: "edited",
      draft: "not saved",
    },
    issues: (count) => (count === 1 ? "1 remark" : `${count} remarks`),
    opensHere: "Files open here.",
    writer: (name) => `Written by ${name}`,
    empty: "The file has not been written yet.",
    code: (path) => `File ${path}`,
    saving: "Save (Ctrl+S)",
    saved: "Saved",
    remove: "Delete the file",
    removeSure: (path) => `Delete ${path} and all of its versions?`,
    removeLast: "It is the project's last file: the team would begin with a new plan.",
    removeYes: "Delete",
    keep: "Keep it",
    editorFailed: "The editor could not be loaded. The text can be read but not edited.",
    tooLong: "The file is too long to be shown in the editor.",
    search: {
      find: "Find",
      next: "next",
      previous: "previous",
      all: "all",
      matchCase: "match case",
      byWord: "by word",
      regexp: "regexp",
      replace: "Replace",
      replaceAll: "replace all",
      close: "close",
    },
  },
  versions: {
    label: "Version",
    newest: "newest",
    option: (number, by, round) => (round === 0 ? `${number} · ${by}` : `${number} · ${by} · round ${round}`),
    you: "you",
    compare: "Compare",
    compareWith: "Compare with version",
    leave: "Close the comparison",
    same: "The versions are the same.",
    accept: "Accept",
    reject: "Revert",
    acceptHint: "Accept this change",
    rejectHint: "Put this part back as it was",
    acceptAll: "Accept all",
    revert: (number) => `Go back to version ${number}`,
    unchanged: (lines) => `${lines} unchanged lines`,
    deleted: "deleted line",
  },
  regenerate: {
    open: "Write anew",
    label: "What should change?",
    placeholder: "For example: use asynchronous routes",
    hint: "You may leave it empty: then the file is just written again.",
    start: "Write",
    cancel: "Cancel",
  },
  notes: {
    title: "Notes",
    none: "No notes.",
    review: "What the review found",
    risks: "Risks",
    notices: "What happened",
    atLine: (line) => `line ${line}`,
    onFile: "review",
    shortened: (path, files) =>
      path === null
        ? `Not everything fitted into the question: ${files}.`
        : `When ${path} was written, not everything fitted into the question: ${files}.`,
    planRefused: "The plan could not be used, so another one was asked for.",
    planRefusedDetail: "The model was told",
    fileRefused: (path, problem) => `The file ${path} was asked for again: ${fileProblems[problem]}.`,
    reviewUnclear: "The reviewer's answers had no verdict, so the files were not reviewed.",
    issuesLeft: "These remarks were left unmended:",
    lost: "A machine was lost in the middle of an answer, and another one was asked.",
    lostDetail: "The hub said",
  },
  tabs: { label: "Parts of the project", files: "Files", editor: "Editor", notes: "Notes" },
};
