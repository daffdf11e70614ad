// Bulk bytes between a file, the browser's cipher and the server: read ahead, sealed part by part, in
// bounded memory. Which bytes are sealed how is the wasm's plan; this only moves them.

import type { Client, Reader, Upload } from '../wasm/owner/client';
import { Refusal, type Progress } from './intents';
import { stream } from './ship';

const partPlainBytes = 4 * 1024 * 1024;
const tries = 6;

/** Waits before trying again what the network dropped: 1, 2, 4 … seconds. */
function pause(attempt: number): Promise<void> {
  return new Promise((settle) => setTimeout(settle, 1000 * 2 ** attempt));
}

/** The server is away, or has too much to do: said by nobody, by what stands before it, or by itself. */
const away = new Set(['offline', 'server_down', 'unavailable']);

/** Does it again while the server is away; any answer of its own about this, also a refusal, is final. */
export async function untilAnswered<T>(attempt: () => Promise<T>): Promise<T> {
  for (let count = 0; ; count += 1) {
    try {
      return await attempt();
    } catch (thrown) {
      if (count + 1 === tries || !away.has(refusalOf(thrown).code)) throw thrown;
      await pause(count);
    }
  }
}

/** What the wasm throws is JSON with a stable code; anything else is a fault of ours. */
export function refusalOf(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown;
  if (typeof thrown === 'string' && thrown.startsWith('{')) {
    const { code, retryAfter, detail } = JSON.parse(thrown) as {
      code: string; retryAfter: number | null; detail: Record<string, string | number>;
    };
    return new Refusal(code, retryAfter ?? undefined, detail);
  }
  return new Refusal('internal');
}

async function slice(file: Blob, part: number): Promise<Uint8Array> {
  const start = part * partPlainBytes;
  try {
    return new Uint8Array(await file.slice(start, start + partPlainBytes).arrayBuffer());
  } catch {
    throw new Refusal('file_unreadable');
  }
}

/** Fails as soon as it is to stop: a part on a slow network takes minutes. */
function stopping(abort: AbortSignal): Promise<never> {
  const stopped = new Promise<never>((_, fail) => {
    if (abort.aborted) fail(new Refusal('stopped'));
    abort.addEventListener('abort', () => fail(new Refusal('stopped')));
  });
  stopped.catch(() => undefined);
  return stopped;
}

/** Content that is sealed and uploaded: its parts are asked for in order. */
export interface Source {
  size: number;
  part: (part: number) => Promise<Uint8Array>;
}

export function sourceOf(file: Blob): Source {
  return { size: file.size, part: (part) => slice(file, part) };
}

/** Seals and uploads content. While one part is on its way the next is read and sealed. */
export async function send(
  client: Client, upload: Upload, { size, part: read }: Source, progress: Progress, abort: AbortSignal,
): Promise<void> {
  const stopped = stopping(abort);
  let next = read(0);
  let sending: Promise<void> = Promise.resolve();
  for (let part = 0; part < upload.parts; part += 1) {
    const plain = await next;
    next = part + 1 < upload.parts ? read(part + 1) : next;
    next.catch(() => undefined);
    const sealed = await upload.seal(part, plain);
    await Promise.race([sending, stopped]);
    const put = (): Promise<void> => {
      if (abort.aborted) throw new Refusal('stopped');
      return client.put_part(upload.envelope, part, sealed);
    };
    sending = untilAnswered(put)
      .then(() => progress(Math.min((part + 1) * partPlainBytes, size), size));
    // The next turn awaits it; until then a failure must not count as unheard.
    sending.catch(() => undefined);
  }
  await Promise.race([sending, stopped]);
}

type Body = ReadableStreamDefaultReader<Uint8Array>;

async function answered(reader: Reader, client: Client, from: number, abort: AbortSignal): Promise<Body> {
  const response = await stream(reader.path, client.token(), from, abort).catch(() => {
    throw new Refusal('offline');
  });
  if (!response.ok || !response.body) {
    const problem = await response.json().catch(() => ({ code: 'server_down' })) as { code: string };
    throw new Refusal(problem.code);
  }
  if (from > 0 && response.status !== 206) throw new Refusal('damaged');
  return response.body.getReader();
}

/** Fills `target`, going on where it was when the network went; false when the bytes ended before. */
class Feed {
  #rest: Uint8Array = new Uint8Array(0);
  #at = 0;
  constructor(private body: Body, private readonly from: (at: number) => Promise<Body>) {}

  async fill(target: Uint8Array): Promise<boolean> {
    let at = 0;
    while (at < target.length) {
      if (this.#rest.length === 0) {
        const { done, value } = await this.body.read().catch(() => this.#goOn());
        if (done) return false;
        this.#rest = value;
        this.#at += value.length;
      }
      const taken = this.#rest.subarray(0, target.length - at);
      target.set(taken, at);
      at += taken.length;
      this.#rest = this.#rest.subarray(taken.length);
    }
    return true;
  }

  async #goOn(): Promise<ReadableStreamReadResult<Uint8Array>> {
    return untilAnswered(async () => {
      this.body = await this.from(this.#at);
      return this.body.read().catch(() => {
        throw new Refusal('offline');
      });
    });
  }
}

/** Opens a document part by part, each into the room that is lent for it; the next is fetched
 *  meanwhile. Nothing of it counts before it has come to its end: only then all of it was checked. */
export async function* opened(
  client: Client, reader: Reader, room: (part: number, bytes: number) => Uint8Array,
): AsyncGenerator<Uint8Array, void, void> {
  const abort = new AbortController();
  try {
    const from = (at: number): Promise<Body> => answered(reader, client, at, abort.signal);
    const feed = new Feed(await from(0), from);
    const prefix = new Uint8Array(reader.prefix_bytes);
    if (!(await feed.fill(prefix))) throw new Refusal('damaged');
    await reader.start(prefix);
    let left = reader.sealed_bytes - prefix.length;
    // Two rooms in turn: while one part is opened the next is fetched.
    const rooms = [0, 1].map(() => new Uint8Array(Math.min(left, reader.part_bytes)));
    const fetched = async (part: number): Promise<Uint8Array> => {
      const sealed = rooms[part % 2]!.subarray(0, left);
      left -= sealed.length;
      if (!(await feed.fill(sealed))) throw new Refusal('damaged');
      return sealed;
    };
    let next = fetched(0);
    for (let part = 0, more = true; more; part += 1) {
      const sealed = await next;
      more = left > 0;
      if (more) next = fetched(part + 1);
      // The next turn awaits it; until then a failure must not count as unheard.
      next.catch(() => undefined);
      const bytes = Math.max(0, Math.min(partPlainBytes, reader.true_bytes - part * partPlainBytes));
      const plain = room(part, bytes);
      await reader.open(part, sealed, plain);
      yield plain;
    }
    reader.finish();
  } finally {
    abort.abort();
    reader.free();
  }
}

/** Fetches and opens a document. Nothing of it is given before all of it was checked. */
export async function receive(client: Client, reader: Reader, progress: Progress): Promise<Uint8Array> {
  const whole = new Uint8Array(reader.true_bytes);
  const room = (part: number, bytes: number): Uint8Array =>
    whole.subarray(part * partPlainBytes, part * partPlainBytes + bytes);
  let done = 0;
  for await (const piece of opened(client, reader, room)) {
    done += piece.length;
    progress(done, whole.length);
  }
  return whole;
}

/** Reads a document and seals it again on the way, never more than some parts of it at a time. Throws
 *  unless all of it was checked: what was uploaded then counts for nothing. */
export async function sealAgain(
  client: Client, reader: Reader, upload: Upload, progress: Progress, abort: AbortSignal,
): Promise<void> {
  const size = reader.true_bytes;
  const rooms = [0, 1].map(() => new Uint8Array(Math.min(size, partPlainBytes)));
  const pieces = opened(client, reader, (part, bytes) => rooms[part % 2]!.subarray(0, bytes));
  try {
    const part = async (): Promise<Uint8Array> => (await pieces.next()).value as Uint8Array;
    await send(client, upload, { size, part }, progress, abort);
    if (!(await pieces.next()).done) throw new Refusal('damaged');
  } finally {
    void pieces.return();
    for (const room of rooms) room.fill(0);
  }
}
