// Serves the measuring page and all that it loads, with the headers that give a page shared memory.

import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const types = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };
const isolation = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};

/** `folders`: what lies under which path, as in `{ "/": "…/page" }`; the longest path that fits counts. */
export async function serve(folders) {
  const paths = Object.keys(folders).sort((a, b) => b.length - a.length);
  const find = (url) => {
    const asked = normalize(decodeURIComponent(new URL(url, "http://localhost").pathname));
    const path = paths.find((path) => asked.startsWith(path));
    return join(folders[path], asked === "/" ? "index.html" : asked.slice(path.length));
  };
  const server = createServer((request, response) => {
    const file = find(request.url);
    const found = statSync(file, { throwIfNoEntry: false });
    if (!found?.isFile()) {
      response.writeHead(404).end();
      return;
    }
    const type = types[extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { ...isolation, "content-type": type, "content-length": found.size });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, end: () => server.close() };
}
