// Every English sentence that a person reads.

import type { Dictionary } from "./fi";

const viewNames: Dictionary["views"]["names"] = {
  studio: "Studio",
  projects: "Projects",
  network: "Network",
  compute: "Compute",
  guide: "Guide",
  settings: "Settings",
  admin: "Administration",
};

export const en: Dictionary = {
  language: { name: "English", choose: "Language" },
  page: {
    name: "Kipinä",
    skip: "Skip to the content",
    tagline: "One private language model from the machines you have",
    noScript: "Kipinä computes in your browser, which takes JavaScript. Allow it and reload the page.",
  },
  copy: { copy: "Copy", copied: "Copied", refused: "Could not copy" },
  views: {
    label: "Views",
    names: viewNames,
    leads: {
      studio:
        "Ask, or ask for code, in your own words. The chosen agent of the team answers, and the machines that have joined compute.",
      projects: "Tell an idea, and the team plans, writes, tests and reviews its files.",
      network:
        "The machines that answer prompts for this hub right now. The text of prompts is neither shown here nor kept.",
      compute:
        "This tab can run a language model on your own machine. The model is downloaded once and stays on your device.",
      guide:
        "How small language models work, what to ask of them, and where your words go. The figures were measured on this system, and the distributions shown are a real model's.",
      settings: "Language, look, key, computing and storage. Settings stay in this browser, on this device.",
      admin:
        "For the hub's operator: machines, keys, the queue, audits, settings and the log. Every change is written down.",
    },
    title: (view) => (view === "studio" ? "Kipinä" : `${viewNames[view]} – Kipinä`),
    broken: "The view stopped with an error",
    brokenHint: "The rest of the page works, and what was saved is kept. Try again, or reload the page.",
    again: "Try again",
    detail: (message) => `Error: ${message}`,
    missing: "The view did not come",
    missingHint: "The hub did not answer, or there is a newer version of this page. Reload the page.",
    reload: "Reload",
  },
  status: {
    title: "Status",
    hub: "Hub",
    hubStates: { unknown: "checking", connected: "connected", unreachable: "not reachable" },
    network: "Network",
    nodes: (count) => (count === 1 ? "1 machine" : `${count} machines`),
    models: (count) => (count === 1 ? "1 model" : `${count} models`),
    perMinute: (count) => (count === "1" ? "1 prompt/min" : `${count} prompts/min`),
    perMinuteShort: (count) => `${count}/min`,
    compute: "This tab",
    processor: "processor",
    join: "Join your machine",
    look: "Open",
    lookNamed: "Open Compute",
    percent: (count) => `${count}%`,
    none: "–",
  },
  offline: {
    title: "The hub can't be reached",
    text: "Prompts get no answers right now. The guide, the projects on this device and the settings work all the same.",
    again: "Reconnect",
  },
  update: {
    ready: "There is a new version of Kipinä.",
    interrupts: "Computing and answers under way are interrupted for a moment.",
    apply: "Update",
    later: "Later",
    elsewhere: "Kipinä was updated in another tab.",
    reload: "Reload",
  },
  trouble: {
    title: "Something went wrong",
    hint: "If something doesn't work now, reload the page.",
    close: "Close",
    reload: "Reload",
  },
  faces: {
    idle: "not started",
    checking: "checking the device",
    asking: "waiting for your answer",
    elsewhere: "running in another tab",
    preparing: "preparing",
    downloading: "downloading the model",
    building: "building",
    joining: "joining the hub",
    ready: "ready",
    busy: "answering a prompt",
    paused: "paused",
    offline: "hub not reachable",
    stopping: "stopping",
    stopped: "stopped",
    failed: "failed",
  },
  compute: {
    title: "Compute on this machine",
    start: "Start",
    startAgain: "Try again",
    pause: "Pause",
    resume: "Resume",
    stop: "Stop",
    change: (model) => `Change to ${model}`,
    strangersTitle: "Whose prompts does this machine answer?",
    strangers:
      "While this tab computes, prompts of other people run on it too. Their text is in your machine's memory only while it is answered and is not kept. The hub sees prompts but does not store them.",
    onlyOwn: "Only my own prompts",
    with: "Compute with",
    withHint: "Automatic measures both and takes the faster. A change takes effect at the next start.",
    wishes: { auto: "Automatic", gpu: "Graphics processor", cpu: "Processor" },
    threads: "Threads",
    threadsHint: (cores) => `This machine has ${cores} cores. A change takes effect at the next start.`,
    threadsUnavailable: "This browser computes with one thread.",
    autoStart: "Start by itself when the page is opened",
    slower: {
      secure_context:
        "Browsers allow computing only over a secure connection (https) or on the hub's own machine (localhost).",
      webassembly: "This browser has no WebAssembly.",
      simd: "This browser lacks WebAssembly's SIMD instructions.",
      relaxed_simd:
        "This browser lacks relaxed SIMD, so computing is slower than it could be. A current Chrome, Edge or Firefox is faster.",
      threads: "This browser lacks WebAssembly threads, so computing is slower than it could be.",
      isolation:
        "The page is not isolated from other pages (COOP and COEP headers are missing), so one thread computes. Tell the hub's operator.",
    },
  },
  progress: {
    label: (model) => `Download of ${model}`,
    rehashing: "Checking what was downloaded before",
    fetching: { hub: "Downloading from the hub", hugging_face: "Downloading from Hugging Face" },
    waiting: "The connection broke. The next attempt comes soon; what was downloaded is kept.",
    amount: (done, total) => `${done} / ${total}`,
    speed: (speed) => `${speed}/s`,
    left: (time) => `${time} left`,
    preparing: "Preparing",
    building: "Building the model in memory",
  },
  running: {
    joining: "Joining the hub…",
    ready: "Ready. The tab answers prompts as long as you keep it open.",
    busy: (tokens) => `Answering a prompt: ${tokens} tokens.`,
    paused: "Paused. The model is in memory, but no new prompts are taken.",
    pausedBusy: "Paused. The answer under way is finished first.",
    offline: "The connection to the hub broke. The model stays in memory, and the tab joins again by itself.",
  },
  computation: {
    gpu: (adapter) => `Computes on the graphics processor ${adapter}.`,
    cpu: (threads) =>
      threads === 1
        ? "Computes on the processor in one thread."
        : `Computes on the processor in ${threads} threads.`,
    unavailable: "The browser gives the page no graphics processor (WebGPU).",
    slower: (adapter) => `The graphics processor ${adapter} would be slower than the processor.`,
    does_not_fit: (adapter) =>
      `The model doesn't fit the graphics processor ${adapter}. A smaller model may fit.`,
    failed: (adapter, message) =>
      `The model could not be put on the graphics processor ${adapter}. A newer browser or driver may help. (${message})`,
    lost: (adapter) =>
      `The graphics processor ${adapter} was lost while computing, so the processor goes on. It is tried again once computing is stopped and started anew.`,
    lostOnce: "The graphics processor was lost while computing, and the model was built on it anew.",
    rebuilding:
      "The graphics processor was lost while computing. The model is being built anew, and new prompts wait meanwhile.",
  },
  restarted:
    "The browser ended the computing, probably for lack of memory, and it was started once more. If it happens again, close other tabs or choose a smaller model.",
  asking: {
    title: "Start anyway?",
    battery: "This machine runs on battery. Computing drains it quickly.",
    data_saver: (size) => `Data saver is on, and the model is ${size}.`,
    yes: "Start anyway",
    no: "Not now",
  },
  elsewhere: {
    title: "Another tab is computing already",
    text: "The browser holds the model in memory only once.",
    holder: (model, time) => `The other tab was started at ${time} with ${model}.`,
    unknown: "The other tab does not answer right now. It may be frozen in the background.",
    takeOver: "Move to this tab",
  },
  stopped: {
    person: "Stopped. The downloaded model is kept on your device.",
    moved: "The computing moved to another tab.",
  },
  models: {
    title: "Models",
    loading: "Fetching the list of models…",
    unavailable: "The list did not come.",
    empty: "The hub's catalogue has no models.",
    size: (size) => `download ${size}`,
    aboutSize: (size) => `download about ${size}`,
    memory: (size) => `memory about ${size}`,
    licence: (licence) => `licence ${licence}`,
    stored: "on your device",
    partlyStored: "partly downloaded",
    current: "in use",
    remove: "Delete from device",
    removeNamed: (model) => `Delete ${model} from this device`,
    removeFailed: "The model could not be deleted. Close other tabs of Kipinä and try again.",
    notPinned: "no checksum: only the download's length is checked",
    noSource: "The hub does not have the file, and the catalogue does not say where a browser could get it.",
    beyondWasm: (needed) => `Needs about ${needed} of memory; a browser tab holds 4 GB at most.`,
    deviceMemory: (needed, deviceGigabytes) =>
      `Needs about ${needed} of memory, and this device has ${deviceGigabytes} GB. Choose a smaller model.`,
  },
  failures: {
    title: "This did not work",
    network_lost:
      "The connection broke and did not come back. What was downloaded is kept: check the network and try again to go on.",
    source_missing:
      "Neither the hub nor Hugging Face has the model's file. Choose another model or tell the hub's operator.",
    wrong_length:
      "The file on offer has another size than the catalogue says. Choose another model or tell the hub's operator.",
    corrupt:
      "The downloaded file's checksum was wrong twice, so it was deleted. Try again later or choose another model.",
    storage_full: (needed, free) =>
      `Not enough storage: ${needed} are needed, and the browser has ${free} free. Delete models or free some space, then try again.`,
    storage_full_unknown: (needed) =>
      `The storage is full: ${needed} are still missing. Delete models or free some space, then try again.`,
    storage_unavailable:
      "The browser lets this page store nothing. Open it in an ordinary window, not a private one, and allow site data.",
    browser_too_old: (missing) =>
      `${missing} Update the browser, or use a current Chrome, Edge, Firefox or Safari.`,
    insecure: (missing) => `${missing} Open the page at an https address, or ask the hub's operator for one.`,
    not_enough_memory: (needed) =>
      `The model needs about ${needed} of memory, more than this device can give. Choose a smaller model.`,
    nothing_fits:
      "None of the catalogue's models fits this device, so this tab can't compute. You can still send prompts in the studio.",
    unknown_model: (model) =>
      `The model ${model} in this page's address is not in the catalogue. Choose one below.`,
    catalogue_unreachable:
      "The hub did not give its list of models. Check that the hub is running, then try again.",
    no_engine:
      "This hub was installed without the engine for browsers, so this tab can't compute. You can still send prompts in the studio. Tell the hub's operator.",
    engine_unreachable: "The hub did not deliver the engine. Check the connection and try again.",
    out_of_memory: "The memory ran out. Close other tabs or choose a smaller model, then try again.",
    engine: (message) =>
      `The engine stopped with an error. Try again; if it happens again, delete the model and download it anew. (${message})`,
    worker_lost:
      "The browser ended the computing, probably for lack of memory. Close other tabs or choose a smaller model, then try again.",
    refused_key: "This hub lets only machines with its key join. Ask the hub's operator.",
    refused_nodes:
      "As many tabs of this network compute as the hub allows. Stop one of them, then try again.",
    refused_ban: (reason) => `The hub's operator has banned this machine. Ask the operator why. (${reason})`,
    refused_version: "This page is older than the hub. Reload the page.",
    refused: (reason) => `The hub did not let this tab join. Try again in a moment. (${reason})`,
  },
  prompt: {
    speed: (speed) => `${speed} tok/s`,
    errors: {
      unreachable: "The connection to the hub broke. Check the network and try again.",
      unreadable: "The hub's answer could not be read. Reload the page.",
      no_node_available:
        "No machine is free for this model right now. Start it above, or try again in a moment.",
      model_not_found: "The hub does not know this model. Choose another one.",
      missing_api_key: "This hub wants an API key. Set it in the settings; its operator has one for you.",
      invalid_api_key:
        "The hub does not accept the API key. Check it in the settings, or ask the operator for a new one.",
      expired_api_key: "The API key has expired. Ask the operator for a new one, and set it in the settings.",
      insufficient_scope: "The API key is not for asking. Ask the operator for one that is.",
      model_not_allowed: "The API key is not for this model. Choose another one.",
      insufficient_quota: "Today's amount is used up. Go on when a new day begins at midnight (UTC).",
      context_length_exceeded: "The prompt is too long for the model. Shorten it and try again.",
      out_of_memory: "The machine that answered ran out of memory. Try again, or choose a smaller model.",
      node_lost: "The machine that answered left the network in the middle. Try again.",
      cancelled_by_operator:
        "The hub's operator cancelled the prompt. Ask the operator before you send it again.",
      hub_stopping: "The hub is being stopped. Wait a moment and try again.",
      rate_limit_exceeded: "There are too many prompts right now. Wait a moment and try again.",
      deadline_expired: "The prompt waited too long for its turn. Try again.",
      other: (message) => `The answer failed. Try again. (${message})`,
    },
  },
  time: {
    seconds: (count) => `${count} s`,
    minutes: (minutes, seconds) => `${minutes} min ${seconds} s`,
    hours: (hours, minutes) => `${hours} h ${minutes} min`,
  },
  units: ["B", "kB", "MB", "GB"],
  notFound: { title: "No such page", text: "There is nothing at this address.", home: "To the front page" },
};
