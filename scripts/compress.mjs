// compress.mjs FOLDER: puts a .br and a .gz beside every file that gets smaller by it.

import { readdir, readFile, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const compressible = new Set([".css", ".html", ".js", ".json", ".svg", ".txt", ".wasm", ".webmanifest"]);

async function compress(file) {
  const bytes = await readFile(file);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  for (const [suffix, smaller] of [
    [".br", await promisify(brotliCompress)(bytes, { params })],
    [".gz", await promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION })],
  ]) {
    if (smaller.length < bytes.length) await writeFile(file + suffix, smaller);
  }
}

const [folder] = process.argv.slice(2);
const names = await readdir(folder, { recursive: true });
await Promise.all(names.filter((name) => compressible.has(extname(name))).map((name) => compress(join(folder, name))));
