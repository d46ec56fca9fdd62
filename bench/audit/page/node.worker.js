// Loads the engine from the stored file, and joins a hub.

let node = null;

addEventListener(
  "message",
  ({ data }) => {
    join(data).then(postMessage, (error) => postMessage({ error: String(error?.stack ?? error) }));
  },
  { once: true },
);

async function join({ build, threads, contextLength, connection }) {
  const script = new URL(`/wasm/${build}/node.js`, location.origin);
  const module = await import(script.href);
  await module.default({ module_or_path: new URL("node_bg.wasm", script) });
  const root = await navigator.storage.getDirectory();
  const handle = await (await root.getFileHandle("model.gguf")).createSyncAccessHandle();
  const file = {
    read: (offset, into) => handle.read(into, { at: offset }),
    size: () => handle.getSize(),
  };
  node = await module.ComputeNode.load(file, { threads, contextLength, compute: "cpu" }, () => {});
  handle.close();
  node.connect(connection, () => {});
  return {};
}
