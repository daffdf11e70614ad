// The client: owns the wasm safe and answers the page's intents, one after the other. Keys live in
// this worker's memory and nowhere else: ending the worker locks the safe.

import type { Client, Upload } from '../wasm/owner/client';
import { receive, refusalOf, sealAgain, send, sourceOf, untilAnswered } from './bulk';
import {
  Refusal, type Desk, type DocumentView, type DraftView, type NewDocument, type Opened, type Progress,
  type InboxView, type Safe, type SafeView, type SeenBefore, type GrantView,
} from './intents';
import { ofGuardians } from './guardians';
import { canKeep, dropDraft, forget, keep, keepDraft, kept, keptDrafts } from './keep';
import { hangUp, ship } from './ship';
import { deviceMark, waysIn } from './ways';

type Answers = Omit<Safe, 'missing' | 'lock'> & Partial<Desk>;

/** Drafts are sealed in memory: what is larger comes from a file that is still there. */
const draftLimitBytes = 40 * 1024 * 1024;

/** One thing after the other: the safe has one writer. */
let turn: Promise<unknown> = Promise.resolve();
export function inTurn<T>(what: () => Promise<T>): Promise<T> {
  const answer = turn.then(what);
  turn = answer.catch(() => undefined);
  return answer;
}

interface Service {
  file_limit_bytes: number;
  account_limit_bytes: number;
}

let service: Service | null = null;
async function limits(): Promise<Service> {
  if (service) return service;
  const answer = await ship('GET', '/v1/service', undefined, undefined).catch(() => {
    throw new Refusal('offline');
  });
  if (answer.status !== 200) throw new Refusal('server_down');
  service = JSON.parse(new TextDecoder().decode(answer.body)) as Service;
  return service;
}

/** What may come of reading what is sealed anew at that moment: then there is a newer one to read. */
const outrun = new Set(['not_found', 'conflict', 'damaged', 'taken_back']);

/** Reads, and once again where it may have been outrun: then `read` is told what happened. */
export async function newest<T>(read: (before?: Refusal) => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (thrown) {
    const before = refusalOf(thrown);
    if (!outrun.has(before.code)) throw thrown;
    return read(before);
  }
}

const evidenceNames = ['here/log-evidence', 'log-evidence'];

async function evidence(): Promise<ArrayBuffer | null> {
  for (const name of evidenceNames) {
    const found = await kept(name).catch(() => undefined);
    if (found) return found.slice().buffer;
  }
  return null;
}

interface DraftNote extends Omit<DraftView, 'id'> {
  mediaType: string;
  pageCount: number;
  thumbnailBytes: number;
}

/** A draft in the clear: length of the note, the note, the preview, the file. */
async function packDraft(paper: NewDocument): Promise<Uint8Array> {
  const preview = paper.thumbnail ? new Uint8Array(await paper.thumbnail.arrayBuffer()) : new Uint8Array(0);
  const note: DraftNote = {
    title: paper.title, kind: paper.kind, sizeBytes: paper.file.size, madeAt: Math.floor(Date.now() / 1000),
    mediaType: paper.mediaType, pageCount: paper.pageCount, thumbnailBytes: preview.length,
  };
  const head = new TextEncoder().encode(JSON.stringify(note));
  const packed = new Uint8Array(4 + head.length + preview.length + paper.file.size);
  new DataView(packed.buffer).setUint32(0, head.length);
  packed.set(head, 4);
  packed.set(preview, 4 + head.length);
  packed.set(new Uint8Array(await paper.file.arrayBuffer()), 4 + head.length + preview.length);
  return packed;
}

function unpackDraft(packed: Uint8Array): { note: DraftNote; paper: NewDocument } {
  const length = new DataView(packed.buffer, packed.byteOffset).getUint32(0);
  const note = JSON.parse(new TextDecoder().decode(packed.subarray(4, 4 + length))) as DraftNote;
  const content = 4 + length + note.thumbnailBytes;
  const file = new Blob([packed.slice(content)]);
  const paper: NewDocument = { ...note, file };
  if (note.thumbnailBytes > 0) paper.thumbnail = new Blob([packed.slice(4 + length, content)]);
  return { note, paper };
}

/** What the answers of a desk are made with. */
export interface Parts {
  described: (
    id: string, bytes: Uint8Array, known: { id: string; title: string; mediaType: string; kind: DocumentView['kind'] }[],
  ) => Promise<Opened>;
  put: (
    begin: (bytes: number) => Promise<Upload>, paper: NewDocument, progress: Progress, abort: AbortSignal,
    finish: (upload: Upload, note: string) => Promise<string>,
  ) => Promise<string>;
  /** Whose safe is open. */
  account: () => string;
}

type More<Given> = (client: Given, parts: Parts) => Desk;

/** Answers to all intents, over one wasm client. */
function answersOf<Given extends Client>(client: Given, more?: More<Given>): Answers {
  let account = '';
  let ownDevice = false;
  const draftViews = new Map<string, DraftView>();

  async function shown(view: string): Promise<SafeView> {
    const safe = JSON.parse(view) as Omit<SafeView, 'drafts' | 'evidence' | 'limitBytes' | 'fileLimitBytes'> & {
      accountId: string; kept: boolean;
    };
    [account, ownDevice] = [safe.accountId, safe.kept];
    const { account_limit_bytes: limitBytes, file_limit_bytes: fileLimitBytes } = await limits();
    return { ...safe, drafts: await drafts(), evidence: (await evidence()) !== null, limitBytes, fileLimitBytes };
  }

  async function drafts(): Promise<DraftView[]> {
    if (!ownDevice) return [];
    const views: DraftView[] = [];
    for (const draft of await keptDrafts(account)) {
      const view = draftViews.get(draft.id) ?? (await draftView(draft.id, draft.sealed));
      draftViews.set(draft.id, view);
      views.push(view);
    }
    return views;
  }

  /** A draft that does not open shows without a title, so that it can be dropped: the safe opens. */
  async function draftView(id: string, sealed: Uint8Array): Promise<DraftView> {
    try {
      const { note } = unpackDraft(await client.open_draft(sealed));
      return { id, title: note.title, kind: note.kind, sizeBytes: note.sizeBytes, madeAt: note.madeAt };
    } catch {
      return { id, title: '', kind: 'other', sizeBytes: sealed.length, madeAt: Math.floor(Date.now() / 1000) };
    }
  }

  async function keepSealed(id: string, paper: NewDocument): Promise<void> {
    const packed = await packDraft(paper);
    const sealed = await inTurn(() => client.seal_draft(packed));
    packed.fill(0);
    await keepDraft({ id, account, sealed });
    draftViews.delete(id);
  }

  /** Place and device data are removed here, before anything is sealed. */
  async function cleaned(paper: NewDocument): Promise<Blob> {
    if (paper.kind !== 'photo') return paper.file;
    const bytes = new Uint8Array(await paper.file.arrayBuffer().catch(() => {
      throw new Refusal('file_unreadable');
    }));
    return new Blob([client.without_traces(bytes) as Uint8Array<ArrayBuffer>], { type: paper.mediaType });
  }

  async function put(
    begin: (bytes: number) => Promise<Upload>, paper: NewDocument, progress: Progress, abort: AbortSignal,
    finish = (upload: Upload, note: string, preview: Uint8Array | undefined) => client.finish(upload, note, preview),
  ): Promise<string> {
    const { file_limit_bytes: limit } = await limits();
    if (paper.file.size > limit) throw new Refusal('file_too_large', undefined, { limit });
    const file = await cleaned(paper);
    const upload = await inTurn(() => begin(file.size));
    await orGiveUp(upload.envelope, abort, send(client, upload, sourceOf(file), progress, abort));
    const { title, kind, mediaType, pageCount } = paper;
    const preview = paper.thumbnail ? new Uint8Array(await paper.thumbnail.arrayBuffer()) : undefined;
    const note = JSON.stringify({ title, kind, mediaType, pageCount });
    const id = await inTurn(() => untilAnswered(() => finish(upload, note, preview)));
    upload.free();
    return id;
  }

  const asNew = (bytes: number): Promise<Upload> => client.begin(undefined, bytes);

  /** What has arrived of an upload that was stopped is given up. */
  async function orGiveUp(envelope: string, abort: AbortSignal, sending: Promise<void>): Promise<void> {
    try {
      await sending;
    } catch (thrown) {
      if (abort.aborted) {
        const path = `/v1/envelopes/${envelope}`;
        hangUp(`${path}/`);
        // Where that fails too, the server's sweep removes it.
        await ship('DELETE', path, client.token(), undefined).catch(() => undefined);
      }
      throw thrown;
    }
  }

  async function changeKey(id: string, progress: Progress, abort: AbortSignal): Promise<void> {
    const [reader, upload] = await inTurn(async () => {
      await client.view();
      const reader = await client.read(id);
      return [reader, await client.begin(id, reader.true_bytes)] as const;
    });
    await orGiveUp(upload.envelope, abort, sealAgain(client, reader, upload, progress, abort));
    await inTurn(() => untilAnswered(() => client.finish_key_change(upload)));
    upload.free();
  }

  async function documents(): Promise<DocumentView[]> {
    return (JSON.parse(await inTurn(() => client.view())) as SafeView).documents;
  }

  async function described(documentId: string, bytes: Uint8Array, known: { id: string; title: string; mediaType: string; kind: DocumentView['kind'] }[]): Promise<Opened> {
    const paper = known.find((it) => it.id === documentId);
    if (!paper) throw new Refusal('not_found');
    const { title, mediaType, kind } = paper;
    return { bytes: bytes.buffer as ArrayBuffer, title, mediaType, kind };
  }

  async function draftOf(draftId: string): Promise<NewDocument> {
    const draft = (await keptDrafts(account)).find((it) => it.id === draftId);
    if (!draft) throw new Refusal('not_found');
    return unpackDraft(await inTurn(() => client.open_draft(draft.sealed))).paper;
  }

  async function grants(): Promise<GrantView[]> {
    return JSON.parse(await inTurn(() => client.grants())) as GrantView[];
  }

  const safe: Answers = {
    ...waysIn(client, inTurn, shown),
    ...ofGuardians(client, inTurn, shown),
    evidence,
    putEvidenceAway: async () => {
      for (const name of evidenceNames) await forget(name);
    },
    open: ({ words, sheet, card }, own) => inTurn(async () => {
      // Asked first: once the safe exists, nothing may stand between the person and it.
      await limits();
      return shown(await client.open(words, sheet, card?.pin, card?.picture ?? 0, own));
    }),
    canKeep,
    keptHandle: async () => {
      const handle = await kept('handle').catch(() => undefined);
      return handle ? new TextDecoder().decode(handle) : null;
    },
    signOut: (everywhere) => inTurn(() => client.sign_out(everywhere)),
    devices: () => inTurn(async () => {
      await client.view();
      return JSON.parse(await client.devices());
    }),
    retireDevice: (id) => inTurn(() => client.retire_device(id)),

    view: () => inTurn(async () => shown(await client.view())),
    add: (paper, progress, abort) => put(asNew, paper, progress, abort),
    replace: async (id, paper, progress, abort) =>
      void (await put((bytes) => client.begin(id, bytes), paper, progress, abort)),
    inbox: async () => JSON.parse(await inTurn(() => client.inbox())),
    readDeposit: async (id, progress) => {
      const { waiting } = JSON.parse(await inTurn(() => client.inbox())) as InboxView;
      const reader = await inTurn(() => client.read_deposit(id));
      return described(id, await receive(client, reader, progress), waiting);
    },
    acceptDeposit: (id, paper, progress, abort) =>
      put((bytes) => client.begin_accepting(id, bytes), paper, progress, abort),
    refuseDeposit: (id) => inTurn(() => client.refuse_deposit(id)),
    rename: (id, title) => inTurn(() => client.rename(id, title)),
    remove: (id) => inTurn(() => client.remove(id)),
    changeKey,
    read: (id, progress) => newest(async () => {
      const known = await documents();
      const reader = await inTurn(() => client.read(id));
      return described(id, await receive(client, reader, progress), known);
    }),
    thumbnail: async (id) => (await inTurn(() => client.thumbnail(id))).buffer as ArrayBuffer,
    draft: async (paper) => {
      if (!ownDevice || paper.file.size > draftLimitBytes) return null;
      const id = crypto.randomUUID();
      await keepSealed(id, { ...paper, file: await cleaned(paper) });
      return id;
    },
    finishDraft: async (draftId, title, progress, abort) => {
      const draft = await draftOf(draftId);
      try {
        const id = await put(asNew, { ...draft, title }, progress, abort);
        await dropDraft(draftId);
        return id;
      } catch (thrown) {
        // What the person called it is kept with it for the next try.
        if (title !== draft.title) await keepSealed(draftId, { ...draft, title }).catch(() => undefined);
        throw thrown;
      }
    },
    dropDraft,
    takeAway: async (progress) => {
      const papers = (await documents()).filter((paper) => paper.state === 'kept');
      let done = 0;
      const { zipOf } = await import('./away');
      return zipOf(papers, async (paper) => {
        const reader = await inTurn(() => client.read(paper.id));
        const bytes = await receive(client, reader, () => undefined).catch((thrown: unknown) => {
          // One paper that does not open keeps nobody from taking the others: the list says so.
          if (refusalOf(thrown).code === 'damaged') return null;
          throw thrown;
        });
        done += 1;
        progress(done, papers.length);
        return bytes;
      });
    },
    closeForGood: () => inTurn(async () => {
      await client.close_for_good();
      for (const draft of await keptDrafts(account)) await dropDraft(draft.id);
    }),

    findStructures: async (query) => JSON.parse(await inTurn(() => client.find_structures(query))),
    compareStructure: async (id, code) => JSON.parse(await inTurn(() => client.compare_structure(id, code))),
    structures: async () => JSON.parse(await inTurn(() => client.structures())),
    introducers: async (id) => JSON.parse(await inTurn(() => client.introducers(id))),
    admitStructure: async (id, introducer) => JSON.parse(await inTurn(() => client.admit_structure(id, introducer))),
    give: (id, ids, endsAt, signedAs, purpose) => inTurn(() => client.give(id, ids, endsAt, signedAs, purpose)),
    grants,
    takeBack: async (grantId): Promise<SeenBefore> => {
      const before = await grants().catch(() => null);
      await inTurn(() => client.take_back(grantId));
      // It is taken back, even if the network goes before what had been opened can be asked again.
      const known = await grants().catch((thrown: unknown) => {
        if (before) return before;
        throw thrown;
      });
      const grant = known.find((it) => it.id === grantId || it.earlier.includes(grantId));
      const papers = await documents().catch(() => [] as DocumentView[]);
      return {
        documents: (grant?.documentIds ?? []).map((id) => ({
          id,
          title: papers.find((it) => it.id === id)?.title ?? '',
          opened: grant?.opened.filter((it) => it.documentId === id) ?? [],
        })),
      };
    },
    trace: async () => JSON.parse(await inTurn(() => client.trace())),
  };
  return { ...safe, ...more?.(client, { described, put, account: () => account }) };
}

export interface Asked {
  id: number;
  intent: string;
  args: unknown[];
  /** Index of the argument that is told how far it is; -1 for none. */
  progress: number;
  /** Index of the argument that says when to stop; -1 for none. */
  abort: number;
}

/** What was asked under this number is to be given up. */
export interface Stop {
  id: number;
  stop: true;
}

export type Told =
  | { id: number; answer: unknown }
  | { id: number; refusal: { code: string; retryAfter?: number | undefined; detail: Record<string, string | number> } }
  | { id: number; done: number; total: number };

function transferred(answer: unknown): Transferable[] {
  if (answer instanceof ArrayBuffer) return [answer];
  const bytes = (answer as { bytes?: unknown } | null)?.bytes;
  return bytes instanceof ArrayBuffer ? [bytes] : [];
}

/** Serves the page with the wasm that was given, and with what it answers more than an owner's. */
export function serve<Given extends Client>(load: Promise<new (outside: never) => Given>, more?: More<Given>): void {
  const outside = { ship, keep, kept, forget, mark: deviceMark } as never;
  const ready = load.then((Made) => answersOf(new Made(outside), more));
  ready.catch(() => undefined);

  const stoppable = new Map<number, AbortController>();
  self.onmessage = async ({ data }: MessageEvent<Asked | Stop>) => {
    if ('stop' in data) return stoppable.get(data.id)?.abort();
    const { id, intent, args, progress, abort } = data;
    const tell = (told: Told, transfer: Transferable[] = []): void => self.postMessage(told, { transfer });
    try {
      const answers = await ready.catch(() => {
        throw new Refusal('unsupported_browser');
      });
      const answer = answers[intent as keyof Answers] as ((...args: unknown[]) => Promise<unknown>) | undefined;
      if (!answer) throw new Refusal('internal');
      if (abort >= 0) {
        stoppable.set(id, new AbortController());
        args[abort] = stoppable.get(id)?.signal;
      }
      if (progress >= 0) args[progress] = (done: number, total: number) => tell({ id, done, total });
      const given = await answer(...args);
      tell({ id, answer: given }, transferred(given));
    } catch (thrown) {
      const { code, retryAfter, detail } = refusalOf(thrown);
      // A fault of ours: where it was, never what it was about.
      if (code === 'internal') console.error((thrown as Error | undefined)?.stack?.replace(/^.*\n/, '') ?? 'internal');
      tell({ id, refusal: { code, retryAfter, detail } });
    }
    stoppable.delete(id);
  };
}
