// Our own contestant: the page's client, driven as its worker drives it.

import start, { Client } from '../../web/src/wasm/owner/client';

export const partBytes = 4 * 1024 * 1024;

/** Whether an upload is only pretended: then what is measured is sealing. */
const isUpload = (method, path) => method === 'PUT' && path.startsWith('/v1/envelopes/');

export async function openSafe(api) {
  const { memory } = await start();
  const own = globalThis.fetch;
  // The page's code asks its own origin; here the server has another one.
  globalThis.fetch = (path, options) => own(new URL(path, typeof path === 'string' && path.startsWith('/v1/') ? api : location.origin), options);
  let pretended = false;
  const client = new Client({
    async ship(method, path, token, body) {
      if (pretended && isUpload(method, path)) return { status: 204, body: new Uint8Array(0) };
      const headers = new Headers();
      if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
      if (body !== undefined) {
        headers.set('content-type', typeof body === 'string' ? 'application/json' : 'application/octet-stream');
      }
      const answer = await fetch(path, { method, headers, body: body ?? null, cache: 'no-store', credentials: 'omit' });
      return { status: answer.status, body: new Uint8Array(await answer.arrayBuffer()) };
    },
    keep: async () => undefined,
    kept: async () => undefined,
    forget: async () => undefined,
  });
  client.draw();
  await client.open(false);

  const content = (document) => fetch(`/v1/documents/${document}/content`, {
    headers: { authorization: `Bearer ${client.token()}` }, cache: 'no-store',
  });
  const probe = { prefixBytes: 0, sealedPartBytes: 0 };

  async function sealParts(upload, plain, took) {
    for (let part = 0; part < upload.parts; part += 1) {
      took(await upload.seal(part, plain(part)), part);
    }
    upload.free();
  }

  return {
    client,
    get prefixBytes() { return probe.prefixBytes; },
    get sealedPartBytes() { return probe.sealedPartBytes; },
    wasmBytes: () => memory.buffer.byteLength,

    /** Really uploads a document, and gives its id. */
    async add(plain) {
      const upload = await client.begin(undefined, plain.length);
      for (let part = 0; part < upload.parts; part += 1) {
        const sealed = await upload.seal(part, plain.subarray(part * partBytes, (part + 1) * partBytes));
        await client.put_part(upload.envelope, part, sealed);
      }
      const paper = { title: 'Bench', kind: 'other', mediaType: 'application/octet-stream', pageCount: 0 };
      const document = await client.finish(upload, JSON.stringify(paper), undefined);
      const reader = await client.read(document);
      [probe.prefixBytes, probe.sealedPartBytes] = [reader.prefix_bytes, reader.part_bytes];
      reader.free();
      return document;
    },
    remove: (document) => client.remove(document),
    putPart: (envelope, part, body) => fetch(`/v1/envelopes/${envelope}/parts/${part}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${client.token()}`, 'content-type': 'application/octet-stream' },
      body, cache: 'no-store', credentials: 'omit',
    }),
    fetchContent: content,
    fetchSealed: async (document) => new Uint8Array(await (await content(document)).arrayBuffer()),

    /** From a document's first byte to its last sealed one: keys, plan, chunks, leaves. */
    async seal(plain) {
      pretended = true;
      const upload = await client.begin(undefined, plain.length);
      pretended = false;
      const parts = [];
      await sealParts(upload, (part) => plain.subarray(part * partBytes, (part + 1) * partBytes), (sealed) => parts.push(sealed));
      return parts;
    },

    /** From the prefix to the moment when everything was checked. */
    async open(document, sealed, into) {
      const reader = await client.read(document);
      await reader.start(sealed.subarray(0, reader.prefix_bytes));
      let at = reader.prefix_bytes;
      for (let part = 0; at < sealed.length; part += 1) {
        const end = Math.min(at + reader.part_bytes, sealed.length);
        await reader.open(part, sealed.subarray(at, end), into.subarray(part * partBytes, (part + 1) * partBytes));
        at = end;
      }
      reader.finish();
      reader.free();
      return into;
    },

    async sealStream(bytes, plain) {
      pretended = true;
      const upload = await client.begin(undefined, bytes);
      pretended = false;
      await sealParts(upload, plain, () => undefined);
    },
  };
}
