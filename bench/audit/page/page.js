// What bench/audit/tab.mjs calls in the page: a tab's node, as the product runs it.

/** Puts the model where the product keeps it, in the origin's private file system. */
async function store(url) {
  const root = await navigator.storage.getDirectory();
  const handle = await root.getFileHandle("model.gguf", { create: true });
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  await response.body.pipeTo(await handle.createWritable());
}

/** Resolves once the node wants to connect; it then computes as long as the page is there. */
function join(settings) {
  const worker = new Worker("node.worker.js", { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.error === undefined ? resolve(data) : reject(new Error(data.error)));
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(settings);
  });
}

globalThis.bench = { store, join };
