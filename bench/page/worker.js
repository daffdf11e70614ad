// Measures in a worker, where the page does its work: sealing and opening in memory beside peers,
// uploads and downloads beside plain ones, and how much memory a large stream takes.

import { receive, send } from '../../web/src/worker/bulk';
import { openSafe, partBytes } from './ours.js';
import { limit, peers } from './peers.js';

const mebibyte = 1024 * 1024;

/** Each contestant once a round, each round in another order, so that a slow moment hits them all. */
async function compare(contestants, rounds) {
  const times = new Map(Object.keys(contestants).map((name) => [name, []]));
  const names = Object.keys(contestants);
  for (let round = -1; round < rounds; round += 1) {
    for (let place = 0; place < names.length; place += 1) {
      const name = names[(place + Math.max(round, 0)) % names.length];
      const start = performance.now();
      await contestants[name]();
      // The first round warms up.
      if (round >= 0) times.get(name).push(performance.now() - start);
    }
  }
  return Object.fromEntries([...times].map(([name, taken]) => [name, taken.sort((a, b) => a - b)[taken.length >> 1]]));
}

function random(bytes) {
  const made = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(made.subarray(at, at + 65_536));
  return made;
}

function whole(made, bytes) {
  if (!Array.isArray(made)) return made;
  const joined = new Uint8Array(bytes);
  made.reduce((at, piece) => (joined.set(piece, at), at + piece.length), 0);
  return joined;
}

function same(one, other) {
  if (one.length !== other.length || one.some((byte, place) => byte !== other[place])) {
    throw new Error('what was opened is not what was sealed');
  }
}

/** Sealing and opening with the bytes in memory, the network left out. */
async function inMemory(safe, bytes, rounds) {
  const plain = random(bytes);
  const document = await safe.add(plain);
  const sealed = await safe.fetchSealed(document);
  const contestants = { limit: await limit(), ours: { seal: safe.seal, open: (_, into) => safe.open(document, sealed, into) } };
  for (const [name, make] of Object.entries(peers)) contestants[name] = await make();
  const sealing = {};
  const opening = {};
  for (const [name, { seal, open }] of Object.entries(contestants)) {
    const theirs = await seal(plain);
    same(plain, whole(await open(theirs, new Uint8Array(bytes)), bytes));
    sealing[name] = () => seal(plain);
    opening[name] = () => open(theirs, new Uint8Array(bytes));
  }
  const result = { seal: await compare(sealing, rounds), open: await compare(opening, rounds) };
  await safe.remove(document);
  return result;
}

/** The page's own upload and download, beside the same bytes sent and fetched as they are. */
async function endToEnd(safe, bytes, rounds) {
  const plain = random(bytes);
  const file = new Blob([plain]);
  const document = await safe.add(plain);
  const sealed = new Blob([(await safe.fetchSealed(document)).subarray(safe.prefixBytes)]);
  const upload = await compare({
    plain: async () => {
      const upload = await safe.client.begin(undefined, bytes);
      let sending = Promise.resolve();
      for (let part = 0; part < upload.parts; part += 1) {
        const slice = sealed.slice(part * safe.sealedPartBytes, (part + 1) * safe.sealedPartBytes);
        const ready = new Uint8Array(await slice.arrayBuffer());
        await sending;
        sending = safe.putPart(upload.envelope, part, ready);
      }
      await sending;
      upload.free();
    },
    ours: async () => {
      const upload = await safe.client.begin(undefined, bytes);
      await send(safe.client, upload, file, () => undefined);
      upload.free();
    },
  }, rounds);
  const download = await compare({
    plain: async () => {
      const reading = (await safe.fetchContent(document)).body.getReader();
      while (!(await reading.read()).done);
    },
    ours: async () => {
      await receive(safe.client, await safe.client.read(document), () => undefined);
    },
  }, rounds);
  return { upload, download };
}

const memory = (what) => fetch(new URL('/memory', location.origin), { method: 'POST', body: what });

/** Seals a stream that is never whole in memory. */
async function stream(safe, bytes) {
  const part = random(partBytes);
  await memory('reset');
  const start = performance.now();
  await safe.sealStream(bytes, () => part);
  const milliseconds = performance.now() - start;
  const { peak } = await (await memory('read')).json();
  return { milliseconds, peak, wasm: safe.wasmBytes() };
}

async function run(api) {
  const safe = await openSafe(api);
  const tell = (what, figures) => postMessage({ what, figures });
  tell('stream', { bytes: 1024 * mebibyte, ...(await stream(safe, 1024 * mebibyte)) });
  for (const [bytes, rounds] of [[4 * mebibyte, 15], [64 * mebibyte, 7]]) {
    tell('memory', { bytes, ...(await inMemory(safe, bytes, rounds)) });
  }
  tell('network', { bytes: 64 * mebibyte, ...(await endToEnd(safe, 64 * mebibyte, 7)) });
  tell('end', {});
}

onmessage = ({ data }) => {
  run(data.api).catch((error) => postMessage({ failed: `${error?.stack ?? error}` }));
};
