// What was measured in the browser, as a section of Markdown.

import { decodeSpeed, machine, prefillSpeed, ratio, spread, table, today } from "../support/figures.mjs";

const context = (name) => name.split("+")[0];

/** What every run that has this measurement of this engine says. */
const figures = ({ runs }, engine, name, figure) =>
  runs.map((run) => run[engine]?.measured[name]).filter(Boolean).map(figure);

export function section({ results, versions, flags, threads, loadAtStart, begun, names, failure }) {
  const { DECODE, PROMPT, LONG, TURNS, FULL } = names;
  const [main] = results;

  const beside = [];
  const compare = (label, model, ours, theirs, name, figure) => {
    const [own, others] = [ours, theirs].map((engine) => figures(model, engine, name, figure));
    if (own.length > 0 && others.length > 0) beside.push([label, spread(own), spread(others), ratio(own, others)]);
  };
  for (const model of results) {
    const label = `${model.id}, ${threads} threads`;
    compare(`${label}: prompt of ${context(PROMPT)}`, model, "kipina", "wllama", PROMPT, prefillSpeed);
    compare(`${label}: decode at ${context(DECODE)} of context`, model, "kipina", "wllama", DECODE, decodeSpeed);
    compare(`${label}: the same, native llama.cpp instead of wllama`, model, "kipina", "native", DECODE, decodeSpeed);
  }
  const single = `${main.id}, 1 thread, the plain build: decode at ${context(DECODE)} of context`;
  compare(single, main, "kipinaSingle", "wllamaSingle", DECODE, decodeSpeed);

  const alone = [];
  const over = (label, these, those, digits) => {
    if (these.length > 0) alone.push([label, spread(these, digits), spread(those, digits), ratio(these, those)]);
  };
  over(
    `decode at ${context(LONG)} of context, tokens per second / at ${context(DECODE)}`,
    figures(main, "kipina", LONG, decodeSpeed),
    figures(main, "kipina", DECODE, decodeSpeed),
    1,
  );
  const [first, answer, more] = TURNS.split("+").map(Number);
  over(
    `first token of a second turn (${first} tokens, ${answer + 1} of their answer, ${more} more), ms / without the cache`,
    figures(main, "kipina", TURNS, (measured) => measured.first_token_ms),
    figures(main, "kipina", TURNS, (measured) => measured.without_cache.first_token_ms),
    0,
  );
  over(
    `most memory of the page's process, with a prompt of ${context(FULL)} in a context of 4096, MB / the model's file`,
    main.memory,
    [main.megabytes],
    0,
  );

  const tables = [
    beside.length > 0 && table(["tokens per second", "Kipinä", "beside it", "ratio"], beside),
    alone.length > 0 && table([`${main.id}, ${threads} threads, Kipinä alone`, "this", "over this", "ratio"], alone),
  ];
  return `
## ${today()}: the engine in a browser, beside wllama

${conditions({ main, versions, flags, begun, failure }).join("\n")}
${machine()}; load average when it began ${loadAtStart}.

${tables.filter(Boolean).join("\n\n")}
`;
}

function conditions({ main, versions, flags, begun, failure }) {
  const of = (...engines) => main.runs.flatMap((run) => engines.map((engine) => run[engine])).filter(Boolean);
  const kernels = [...new Set(of("kipina", "kipinaSingle").map((engine) => engine.kernels))];
  const [peer] = of("wllama", "wllamaSingle");
  const [native] = of("native");
  const flagged = flags.length > 0 ? ` with \`${flags.join(" ")}\`` : "";
  return [
    `In ${versions.chromium}${flagged} without a window, each in a page of its own, ${Math.max(main.runs.length, main.memory.length)} runs each, by turns; medians (ranges).`,
    kernels.length > 0 && `The engine's kernels: ${kernels.join(", ")}.`,
    peer && `wllama ${versions.wllama}, llama.cpp ${peer.release}.`,
    native && `llama.cpp natively as in node-llama-cpp ${versions.native}, kernels for ${native.kernels}.`,
    failure && `It broke off (${failure.message}): there are fewer runs of what came last.`,
    begun.quiet < begun.all && `Of ${begun.all} measurements, ${begun.all - begun.quiet} began beside other programs that computed.`,
  ].filter(Boolean);
}
