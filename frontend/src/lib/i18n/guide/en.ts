// The guide's sentences. What stands between backticks is shown as code.

import type { GuideWords } from "./fi";

const tokens = (count: number): string => (count === 1 ? "1 token" : `${count} tokens`);

export const en: GuideWords = {
  title: "Guide",
  contents: "Contents",
  print: "Print the guide",
  source: "Source:",
  partMissing: "This part could not be loaded. Check the connection and reload the page.",
  partLoading: "Loading…",
  model: {
    start: (modelId) => `Start ${modelId} in this tab`,
    startAny: "Start a model in this tab",
    starting: "The model is starting…",
    downloading: (done, total) => `Fetching the model: ${done} of ${total}`,
    question: "There is one question before it starts.",
    answer: "Answer it on the Compute page",
    failed: "The model did not start.",
    why: "See why on the Compute page",
  },
  sizes: {
    nav: "Model size",
    title: "How big a model?",
    text: [
      "A model's size is told in parameters: 0.5B is half a billion numbers. For every token it writes, the machine reads all of them from memory once. So a model twice the size is about half as fast, and memory speed matters more than the processor.",
      "Bigger is not always better. A small model completes a function before a big one has read the question. Choose the smallest that can do what you need.",
    ],
    caption: "The catalogue's Qwen2.5-Coder models, in a tab with two threads",
    columns: {
      model: "Model",
      file: "File",
      memory: "Memory",
      reads: "Reads",
      writes: "Writes",
      good: "Good for",
    },
    perSecond: (speed) => `${speed} tok/s`,
    about: (size) => `about ${size}`,
    notMeasured: "not measured",
    ceiling: (speed) => `at most about ${speed} tok/s`,
    good: {
      "0.5b": "One function at a time, completions, quick experiments. It loses hold of long tasks.",
      "1.5b": "A short whole file and tests for it. Keeps a few demands in mind at once.",
      "3b": "A file that builds on other files. Its licence forbids commercial use.",
      "7b": "Reviews, and changes over several files. Too big for a tab: run it in Ollama or with `kipina-node`.",
    },
    notes: [
      "File sizes are the catalogue's; those of 3B and 7B are estimated from their parameters. The memory of 0.5B was measured with a context of 4,096 tokens; the others are the estimates by which Kipinä decides whether a model fits your device.",
      "Where speed was not measured, the ceiling is calculated: the test machine's memory gives 23.8 GB per second, and the model is read once per token. What a model is good for is a rule of thumb from experience, not a measurement.",
    ],
  },
  tokens: {
    nav: "Tokens",
    title: "A model reads tokens, not words",
    text: [
      "Before the model sees your text, it is cut into tokens: common strings of letters, each with a number. An ordinary English word is one token, a rare word several. Everything costs tokens: time, memory, and how much text fits.",
      "Write anything below. It is cut by the model's own tokenizer, the same that computes answers.",
    ],
    label: "Your text",
    count: tokens,
    legend: "Point at a token, or go to it with the arrow keys, to see its number.",
    piece: (text, id) => `${text}, number ${id}`,
    partial: "part of a character",
    space: "space",
    newline: "line break",
    list: "The text's tokens",
    more: (count) => `…and ${tokens(count)} more that are not drawn.`,
    loading: "Fetching the tokenizer…",
    once: "The tokenizer is fetched once from the beginning of the model's file (about 6 MB) and stays in the browser.",
    compareTitle: "The same thing in English and in Finnish",
    compareText:
      "Models were taught mostly in English, so Finnish falls into smaller pieces. The same request costs more, and an answer of the same length takes longer. You can edit both.",
    english: "In English",
    finnish: "In Finnish",
    cost: (reading, writing) => `reading ${reading} s, writing ${writing} s`,
    costHint: (modelId, reads, writes) =>
      `Cost at the measured speed of ${modelId} in a tab: it reads ${reads} and writes ${writes} tokens per second.`,
    ratio: (times) => `Finnish takes ${times} times as many tokens.`,
    failures: {
      unknown_model: "The hub's catalogue does not have this model.",
      hub_unreachable:
        "The hub does not answer, and the tokenizer is not on this device yet. Try again when the connection is back.",
      source_missing: "Neither the hub nor Hugging Face has the model's file.",
      network_lost:
        "The beginning of the model's file could not be fetched. Check the connection and try again.",
      no_engine: "This hub has no compute engine installed.",
      engine_unreachable: "The hub did not deliver the compute engine. Try again in a while.",
      unsupported: "This browser can't run the tokenizer.",
      worker_lost: "The browser ended the tokenizer. Try again.",
    },
    retry: "Try again",
  },
  layers: {
    nav: "Layers of a prompt",
    title: "What a prompt is made of",
    text: [
      "The model remembers nothing of the last time. Every time it gets the whole prompt, from beginning to end, and goes on from there. A prompt has layers:",
    ],
    list: [
      {
        name: "System prompt",
        text: "Who the agent is and how it answers. Short and positive works: “Write one complete file”, not “never…”.",
      },
      {
        name: "Files",
        text: "The project's earlier files that the new one builds on. The most important come first; if not all fit, you are told.",
      },
      { name: "Conversation", text: "Earlier questions and answers. It grows with every turn." },
      { name: "Your request", text: "What you want right now. What stands last weighs most." },
      {
        name: "Beginning of the answer",
        text: "The answer's first characters, written for the model: a code fence, say. It goes on from there instead of starting with chatter.",
      },
    ],
    window: (length) =>
      `All of this and the answer must fit into the context window. In a tab that is ${length} tokens even if the model could do more: memory would run out.`,
    tryTitle: "Try beginning the answer",
    tryText:
      "The question stays the same, only the beginning of the answer changes. See what the model would say next.",
    asked: "Question",
    begun: "Beginning of the answer",
    none: "nothing",
    fence: "a code fence",
    answer: "Next token",
    recorded: (modelId) => `Recorded from ${modelId}. Start a model, and it computes these here.`,
  },
  reading: {
    nav: "Reading",
    title: "First the model reads, then it writes",
    text: [
      "An answer has two phases. First the model reads the prompt (prefill): many tokens at a time, fast. Then it writes one token after another (decode), much more slowly. While you wait for the first word, the model is reading.",
    ],
    speeds: (reads, writes) =>
      `qwen2.5-coder:0.5b in a tab reads ${reads} and writes ${writes} tokens per second.`,
    tryTitle: "Watch the model read",
    tryText:
      "Let the model read a text of a few hundred tokens. Then have it read again, and try changing the end or the beginning.",
    read: "Read the text",
    again: "Read the same again",
    end: "Add a sentence at the end and read",
    beginning: "Change the beginning and read",
    progress: (done, total) => `${done} of ${tokens(total)} read`,
    runs: "Readings",
    columns: { what: "What", tokens: "Tokens", cached: "In memory", time: "Time", speed: "Speed" },
    whats: {
      read: "Whole text",
      again: "The same again",
      end: "A sentence more",
      beginning: "New beginning",
    },
    seconds: (seconds) => `${seconds} s`,
    needsModel: "This needs a model that computes in this tab.",
    failed: "The model could not read the text. Try again.",
  },
  sampling: {
    nav: "Temperature and chance",
    title: "The next token is drawn by lot",
    text: [
      "The model does not choose a word: it gives every token a probability. Then one is drawn. The sliders change the draw, not the model. Move them and see what becomes of the bars.",
    ],
    recorded: (modelId) =>
      `A recorded distribution from ${modelId}. With a model running in this tab you can write a text of your own.`,
    live: (modelId) => `${modelId} computes in this tab.`,
    texts: "Texts to try",
    custom: "The text that the model goes on from",
    names: { even: "Code", winter: "English", cat: "Repetition" },
    computing: (done, total) => `Computing: ${done} of ${tokens(total)}`,
    empty: "Write something, and the model goes on from it.",
    failed: "The model could not compute this. Shorten the text or try again.",
    temperature: "Temperature",
    temperatureHint: "Low picks the sure thing, high surprises. 0 always takes the likeliest.",
    topK: "Top-k",
    topKHint: "So many of the likeliest take part.",
    topKOff: "all",
    topP: "Top-p",
    topPHint: "Those take part that together reach this share.",
    repeat: "Repeat penalty",
    repeatHint: "Tokens said just now lose probability. 1 does nothing.",
    reset: "Reset the sliders",
    bars: "The likeliest tokens",
    kept: (count) => `In the draw: ${count}`,
    others: (count) => `${count} others`,
    percent: (percent) => `${percent}%`,
    before: (percent) => `the model says ${percent}`,
    out: "out",
    said: "said just now",
    ends: "the answer ends",
    draw: "Draw the next one",
    drawn: (text) => `Drawn: ${text}`,
    drawnOther: "One of the others was drawn.",
    add: "Add to the text",
    team: "The team's own settings",
    teamColumns: {
      agent: "Agent",
      temperature: "Temperature",
      topK: "Top-k",
      topP: "Top-p",
      repeat: "Repeat penalty",
      tokens: "Tokens at most",
    },
    teamText:
      "Those who write and review code keep to what is sure; the planner and the finder of risks may draw more freely.",
  },
  stops: {
    nav: "Stop strings",
    title: "When an answer ends",
    text: [
      "A model stops when it draws the token for the end. A small one does not always: after the code comes an explanation, an example and another example. That is why answers get stop strings. When one of them opens a line, writing ends there, and the string itself is not shown.",
    ],
    list: "The team ends a file at these:",
    exampleTitle: "Example",
    kept: "This stays",
    cut: "This is never written",
    cutText: "### Explanation\nThe function takes two numbers and…",
    length:
      "An answer that ends at its length limit is unfinished. The team asks for the rest and does not accept half a file.",
  },
  team: {
    nav: "The team's work",
    title: "From an idea to a project",
    text: [
      "One small model can't hold a whole project in mind. So the work is divided: every agent gets one thing to do, and only the files that it needs.",
    ],
    figure: "The team's stages in order",
    stages: [
      { agent: "manager", name: "Plan", text: "The files, in the order in which they build on each other." },
      {
        name: "Files",
        text: "One at a time, each complete. Those that do not need each other go to several machines at once.",
      },
      { agent: "tester", name: "Tests", text: "Create, list, get, update, delete." },
      { agent: "reviewer", name: "Review", text: "`LGTM`, or a line for each fault: `ISSUE: file: what`." },
      { agent: "observer", name: "Risks", text: "At the end, a short list of what to be ready for." },
    ],
    mend: "A fault was found: the file is mended and reviewed again, at most twice.",
    after:
      "Everything is saved in the browser after every step. Close the tab halfway, and the work goes on from there.",
    open: "Try it: open Projects",
  },
  cache: {
    nav: "The cache",
    title: "Why the second question is faster",
    text: [
      "The model keeps its intermediate results for every token it has read. If a new prompt begins with the same tokens, that beginning is not read again. In a conversation the beginning is always the same: only the new question needs reading.",
    ],
    figure: "Time to the first word, when a conversation's second question has 885 tokens",
    without: "Without the cache",
    with: "With the cache",
    milliseconds: (ms) => `${ms} ms`,
    ratio: (ratio) =>
      `The second turn takes ${ratio}% of the time that reading the whole prompt would: of 885 tokens only some twenty are new.`,
    advice:
      "So it pays to stay in the same conversation and to leave the prompt's beginning as it is. One changed character at the beginning, and everything after it must be read anew.",
  },
  tips: {
    nav: "Tips",
    title: "How to ask a small model",
    list: [
      { name: "Ask in English.", text: "The model understands better, and it takes fewer tokens." },
      {
        name: "One thing at a time.",
        text: "“Write a function that…” works. “Make an app” does not: that is what the team is for.",
      },
      {
        name: "Say what you want, not what you don't.",
        text: "A ban reminds the model of the very thing you did not want.",
      },
      { name: "Give names and types.", text: "`def add(note: Note) -> int` says more than three sentences." },
      { name: "Ask for the whole file.", text: "Small models can't write diffs." },
      { name: "Beware of examples.", text: "The model copies them as its answer." },
      {
        name: "Lower the temperature when you want the same result.",
        text: "About 0.3 for code and reviews, more for ideas.",
      },
      {
        name: "Start over when it gets stuck.",
        text: "A repeating answer in the prompt feeds more repetition.",
      },
    ],
  },
  privacy: {
    nav: "Privacy",
    title: "Who sees your prompt",
    text: [
      "Kipinä is a network of your own: no company gets your prompt. But somebody's machine has to compute it.",
    ],
    rows: [
      {
        who: "Your browser",
        sees: "Everything. Conversations and projects are in this browser only, until you delete them.",
      },
      {
        who: "The hub",
        sees: "Prompt and answer pass through it. It writes neither to disk nor to its log, only counts and times.",
      },
      {
        who: "The machine that computes",
        sees: "Prompt and answer, while it computes. Its owner could read them from memory.",
      },
      { who: "Others on the network", sees: "How many prompts per minute. Not whose, and not what." },
    ],
    own: "If a text must not reach other people's machines, start a model in this tab and choose that only your own machine computes your prompts. The text then passes through the hub and comes back to you.",
    tokens:
      "The tokenizer and the experiments on this page work entirely in your browser: what you write there goes nowhere.",
  },
};
