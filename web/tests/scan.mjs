// Looks for planted canaries where nothing may be readable: what the server keeps, what it logs, what
// went over the wire. In the encodings in which they might hide, and inside what was compressed.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, constants, deflateSync, gzipSync, inflateSync, unzipSync } from 'node:zlib';

const swapped = (text) => Buffer.from(text, 'utf16le').swap16();

/** Base64 as it stands wherever `bytes` begins in a longer text: without the letters of neighbours. */
function inBase64(bytes, encoding) {
  return [0, 1, 2].map((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes]);
    const letters = shifted.subarray(0, shifted.length - (shifted.length % 3)).toString(encoding);
    return Buffer.from(letters.slice(shift === 0 ? 0 : 4));
  });
}

/** Everything that `canary`, a text or bytes, may look like. */
function disguises(canary) {
  const bytes = Buffer.from(canary);
  const found = [
    ['raw', bytes],
    ['hex', Buffer.from(bytes.toString('hex'))],
    ['HEX', Buffer.from(bytes.toString('hex').toUpperCase())],
    ...inBase64(bytes, 'base64').map((letters, shift) => [`base64 after ${shift}`, letters]),
    ...inBase64(bytes, 'base64url').map((letters, shift) => [`base64url after ${shift}`, letters]),
  ];
  if (typeof canary === 'string') {
    found.push(['UTF-16LE', Buffer.from(canary, 'utf16le')], ['UTF-16BE', swapped(canary)]);
    found.push(['JSON', Buffer.from(JSON.stringify(canary).slice(1, -1).replace(/[^ -~]/gu, escaped))]);
    found.push(['an address', Buffer.from(encodeURIComponent(canary))]);
  }
  return found;
}

const escaped = (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Finds any of many canaries in one walk over the bytes. @param {Record<string, string | Buffer>} canaries */
export function finderOf(canaries) {
  const starts = new Uint8Array(1 << 24);
  const needles = new Map();
  for (const [name, canary] of Object.entries(canaries)) {
    for (const [disguise, bytes] of disguises(canary)) {
      assert.ok(bytes.length >= 8, `${name} is too short to be told from chance (${disguise})`);
      const start = (bytes[0] << 16) | (bytes[1] << 8) | bytes[2];
      starts[start] = 1;
      needles.set(start, [...(needles.get(start) ?? []), { what: `${name}, ${disguise}`, bytes }]);
    }
  }
  const walk = (place, found) => {
    let key = 0;
    for (let at = 0; at < place.length; at += 1) {
      key = ((key << 8) | place[at]) & 0xffffff;
      if (starts[key] === 0) continue;
      for (const { what, bytes } of needles.get(key)) {
        if (place.subarray(at - 2, at - 2 + bytes.length).equals(bytes)) found.add(what);
      }
    }
  };
  return (place) => {
    const found = new Set();
    walk(place, found);
    for (const inner of inflated(place)) walk(inner, found);
    return [...found];
  };
}

/** What opens as gzip or zlib, wherever it begins; a stream that is cut off gives what it has. */
function* inflated(place) {
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 1 << 26 };
  const starts = [['1f8b08', unzipSync], ...['7801', '785e', '789c', '78da'].map((start) => [start, inflateSync])];
  for (const [start, open] of starts) {
    const magic = Buffer.from(start, 'hex');
    for (let at = place.indexOf(magic); at >= 0; at = place.indexOf(magic, at + 1)) {
      try {
        const inner = open(place.subarray(at), options);
        if (inner.length >= 8) yield inner;
      } catch {
        // Two bytes by chance.
      }
    }
  }
}

function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile()) yield [path.slice(folder.length + 1), readFileSync(path)];
  }
}

function plain(answer, headers = {}) {
  const encoding = headers['content-encoding'];
  if (encoding === 'br') return brotliDecompressSync(answer);
  return encoding === 'gzip' ? unzipSync(answer) : answer;
}

/** Everything that the server has and had: its folder, its log, both directions of the wire. */
function* everything(stage) {
  yield* files(stage.server.data);
  yield ['log', readFileSync(stage.log)];
  const program = /^\/(assets\/|[\w-]*(\.html|\.svg|\.png|\.webmanifest)?(\?|$))/;
  for (const { method, path, headers, body, answer, answerHeaders } of stage.wire.entries()) {
    const name = `${method} ${path}`;
    yield [name, Buffer.from(`${path}\n${JSON.stringify(headers)}\n${JSON.stringify(answerHeaders)}`)];
    yield [`${name}, request`, body];
    // The program itself is the same for everybody.
    if (!program.test(path)) yield [`${name}, answer`, plain(answer, answerHeaders)];
  }
}

/**
 * Fails when a canary is anywhere, and when what is public is not found where it must be: then the
 * search looked in the wrong place.
 */
export function findsNothing(stage, canaries, known) {
  controls(canaries);
  const find = finderOf(canaries);
  const findKnown = finderOf(known);
  const leaks = [];
  const places = { database: false, log: false, wire: false, blob: 0 };
  for (const [where, bytes] of everything(stage)) {
    leaks.push(...find(bytes).map((what) => `${what} in ${where}`));
    if (/\.sqlite|\.db|wal/.test(where)) places.database ||= findKnown(bytes).length > 0;
    else if (/^(GET|POST|PUT) /.test(where)) places.wire ||= findKnown(bytes).length > 0;
    else if (where === 'log') places.log = bytes.length > 0;
    else places.blob = Math.max(places.blob, bytes.length);
  }
  assert.deepEqual(leaks, []);
  assert.ok(places.database && places.log && places.wire && places.blob > 1 << 20, JSON.stringify(places));
}

/** The search finds every canary in every disguise, also in what is compressed. */
function controls(canaries) {
  for (const [name, canary] of Object.entries(canaries)) {
    const find = finderOf({ [name]: canary });
    for (const [disguise, bytes] of disguises(canary)) {
      const noise = randomBytes(64);
      const planted = Buffer.concat([noise, bytes, noise]);
      const wanted = `${name}, ${disguise}`;
      for (const place of [planted, gzipSync(planted), Buffer.concat([noise, deflateSync(planted), noise])]) {
        assert.ok(find(place).includes(wanted), `${wanted} is found where it was planted`);
      }
    }
    for (const before of ['', 'x', 'xy']) {
      const text = Buffer.concat([Buffer.from(before), Buffer.from(canary), Buffer.from(before)]);
      assert.ok(find(Buffer.from(text.toString('base64'))).length > 0, `${name} is found in base64`);
    }
  }
  assert.deepEqual(finderOf(canaries)(randomBytes(1 << 20)), [], 'chance is not taken for a find');
}
