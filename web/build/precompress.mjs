// Writes a `.br` and a `.gz` beside each file of the page, as small as they get: the server sends
// them as they are and compresses nothing itself.

import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** A Vite plugin that works when all files are written. */
export function precompress() {
  let folder = 'dist';
  return {
    name: 'precompress',
    apply: 'build',
    configResolved(config) {
      folder = config.build.outDir;
    },
    closeBundle: { order: 'post', handler: () => compressAll(folder) },
  };
}

async function compressAll(folder) {
  await mkdir(kept, { recursive: true });
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && compressible.test(entry.name));
  await Promise.all(files.map((entry) => compress(join(entry.path, entry.name))));
}

/** Most files are the same as in the last build, whose results are kept by their content. */
async function compress(file) {
  const bytes = await readFile(file);
  const digest = createHash('sha256').update(bytes).digest('hex');
  await Promise.all(Object.entries(ways).map(async ([extension, way]) => {
    const known = join(kept, `${digest}.${extension}`);
    const size = await stat(known).then((found) => found.size, () => null)
      ?? await keep(known, await way(bytes));
    // A copy that saves nothing is not worth its place.
    if (size < bytes.length) await copyFile(known, `${file}.${extension}`);
  }));
}

/** Under its name only when it is whole. */
async function keep(known, bytes) {
  const partial = `${known}.${process.pid}`;
  await writeFile(partial, bytes);
  await rename(partial, known);
  return bytes.length;
}

const ways = {
  br: (bytes) => promisify(brotliCompress)(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  }),
  gz: (bytes) => promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }),
};

const kept = 'node_modules/.cache/precompress';

const compressible = /\.(css|html|ico|js|json|mjs|pfb|svg|ttf|txt|wasm|webmanifest)$/;
