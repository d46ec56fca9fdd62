// What was measured on a GPU, as a section of Markdown.

import { decodeSpeed, machine, median, prefillSpeed, ratio, spread, table, today } from "../support/figures.mjs";

const count = (runs) => (runs === 1 ? "one run each" : `${runs} runs each`);
const speedSpread = (speeds) => spread(speeds, median(speeds) < 10 ? 2 : 1);
const context = (name) => name.split("+")[0];
const megabytes = (bytes) => (bytes / 1e6).toFixed(0);
const gigabytes = (bytes) => (bytes / 1e9).toFixed(bytes < 1e10 ? 2 : 0);

export function section({ results, adapter, versions, begun, loadAtStart, asked }) {
  const of = (engine) => results.map((run) => run[engine]).filter(Boolean);
  const [page, peer, native] = ["kipina", "wllama", "native"].map(of);
  const paragraphs = [
    [`${asked.model}, ${count(results.length)}, by turns; medians (ranges).`, ...quietness(begun)].join(" ") +
      `\n${machine()}; load average when it began ${loadAtStart}.`,
    page.length > 0 && besideWllama({ page, peer, adapter, versions, asked }),
    native.length > 0 && natively(native, asked),
    native.length > 0 && costs(native, asked),
  ];
  return `
## ${today()}: the engine on a GPU

${paragraphs.filter(Boolean).join("\n\n")}
`;
}

const quietness = ({ quiet, all }) =>
  quiet < all ? [`Of ${all} measurements, ${all - quiet} began beside other programs that computed.`] : [];

function besideWllama({ page, peer, adapter, versions, asked }) {
  const { decode, prompt } = asked.names;
  const layers = peer[0].layers ?? "none";
  const onGpu = peer.every((run) => run.layers !== null && !run.layers.startsWith("0/"));
  const wllama = onGpu ? "wllama on WebGPU" : `wllama on the processor, ${asked.threads} threads`;
  const compare = (label, name, figure) => {
    const [own, others] = [page, peer].map((runs) => runs.map((run) => figure(run.measured[name])));
    return [label, speedSpread(own), speedSpread(others), ratio(own, others)];
  };
  const sentences = [
    `In ${versions.chromium} without a window, each in a page of its own, on ${adapter.name}, ${adapter.halves ? "with" : "without"} \`shader-f16\`.`,
    `wllama ${versions.wllama}, llama.cpp ${peer[0].release}: ${layers} of its layers were on the GPU.`,
    !onGpu && !adapter.halves && "Its WebGPU wants `shader-f16`, so that what stands beside Kipinä's is its speed on the processor.",
    adapter.software && "A processor that plays a GPU is no yardstick: these figures show that the shaders run there, not how fast a GPU is.",
  ];
  const rows = [
    compare(`prompt of ${context(prompt)}`, prompt, prefillSpeed),
    compare(`decode at ${context(decode)} of context`, decode, decodeSpeed),
  ];
  return `${sentences.filter(Boolean).join("\n")}

${table(["tokens per second", "Kipinä on WebGPU", wllama, "ratio"], rows)}`;
}

function natively(runs, { names }) {
  const { decode, prompt } = names;
  const [first] = runs;
  const speeds = runs.map((run) => decodeSpeed(run.measured[decode]));
  const read = runs.map((run) => decodeSpeed(run.measured[decode]) * run.gpu_bytes_per_token);
  const copied = runs.map((run) => run.gpu_copied_bytes_per_second);
  const rows = [
    [`prompt of ${context(prompt)}, tokens per second`, speedSpread(runs.map((run) => prefillSpeed(run.measured[prompt])))],
    [`decode at ${context(decode)} of context, tokens per second`, speedSpread(speeds)],
    ["weights that decoding reads, GB per second", `${gigabytes(median(read))}`],
  ];
  // Where a processor plays the GPU, its caches and threads bound it as much as the memory does.
  if (!first.gpu_is_software) {
    rows.push(
      ["a copy within the GPU's memory, GB per second read and written", gigabytes(median(copied))],
      ["decoding's share of that", ratio(read, copied)],
    );
  }
  return `Natively, through \`speed\`, on ${first.gpu}${first.gpu_is_software ? ", which a processor plays" : ""}.

${table(["", "measured"], rows)}`;
}

/** By what it takes, not by how long that takes: the same on every adapter. */
function costs([run], { fileBytes }) {
  const { gpu_bytes_per_token: bytes, gpu_dispatches_per_token: dispatches } = run;
  const rows = [
    ["dispatches, the choice of the token included", dispatches],
    ["weights read, MB / the model's file", `${megabytes(bytes)} / ${megabytes(fileBytes)} = ${(bytes / fileBytes).toFixed(2)}`],
    ["buffers and bind groups made", "none"],
    ["times that something is read back", `1 in ${run.gpu_tokens_per_readback} tokens`],
  ];
  return `${table(["for a token of an answer", ""], rows)}

None are made because a \`Dispatch\` makes its bind group with the model and then only sets it, and a batch's tokens are
read back through buffers that are handed on from batch to batch. In a tab a batch has as many tokens as take 100 ms, 32 at most.`;
}
