// The pipeline's worker: joins the host to this browser.

/// <reference lib="webworker" />

import { openTokenizer } from "../tokenizer/open";
import { Counters } from "./counters";
import { loadPipeline } from "./load-pipeline";
import { PipelineHost } from "./pipeline-host";
import type { ToPipeline } from "./worker-messages";

const counters = new Counters(openTokenizer);

const host = new PipelineHost({
  load: () => loadPipeline(location.origin),
  counter: (source) => counters.of(source),
});

/** One call after another: an event must not overtake the opening of its machine. */
let last: Promise<unknown> = Promise.resolve();

addEventListener("message", (event: MessageEvent<ToPipeline>) => {
  last = last.then(async () => {
    postMessage(await host.handle(event.data));
  });
});
