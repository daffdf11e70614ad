// What only the structures' client answers: the desk, over the same one writer as the safe.

import type { Client as OwnerClient } from '../wasm/owner/client';
import type { Client as StructureClient } from '../wasm/structure/client';
import { receive, refusalOf } from './bulk';
import { Refusal, type Desk, type DocumentView, type StructureView } from './intents';
import { inTurn, newest, type Parts } from './vault.worker';

const writing = new Set<string>();

/** A group's state has one writer: the first page of this account that asks, until its worker ends. */
async function alone(account: string): Promise<void> {
  if (writing.has(account)) return;
  const free = await new Promise<boolean>((settle, fail) => {
    navigator.locks.request(`desk/${account}`, { ifAvailable: true }, (lock) => {
      settle(lock !== null);
      return lock === null ? undefined : new Promise<never>(() => undefined);
    }).catch(fail);
  });
  if (!free) throw new Refusal('busy_elsewhere');
  writing.add(account);
}

/** Answers to the intents of the desk, over one wasm client. */
export function deskOf(client: StructureClient, { described, put, account }: Parts): Desk {
  /** What the grants that were opened cover, by the id under which they were asked for. */
  const opened = new Map<string, DocumentView[]>();
  async function open(grantId: string): Promise<DocumentView[]> {
    const documents = JSON.parse(await inTurn(() => client.open_received(grantId)));
    opened.set(grantId, documents);
    return documents;
  }
  /** Everything else needs a desk, which begins with one of these three. */
  const first = (begin: (there: string) => Promise<string>): Promise<never> => inTurn<never>(async () => {
    await alone(account());
    return JSON.parse(await begin(await client.structure())) as never;
  });
  const isNowhere = (there: string): boolean => ['left', 'closed', undefined].includes((JSON.parse(there) as StructureView | null)?.state);
  return {
    drawRoot: async () => JSON.parse(client.draw_root()),
    // What is kept already is never overwritten: an answer may have been lost, or another page have been first.
    found: (name, place, myName) => first(() => client.found(name, place, myName)),
    structure: () => first(async (there) => there),
    invite: async (name) => JSON.parse(await inTurn(() => client.invite(name))),
    join: (fragment, myName) => first(async (there) => (isNowhere(there) ? client.join(fragment, myName) : there)),
    beginAgain: async (letters) => JSON.parse(await inTurn(() => client.begin_again(letters))),
    putOut: async (number) => JSON.parse(await inTurn(() => client.put_out(number))),
    makeManager: async (number) => JSON.parse(await inTurn(() => client.make_manager(number))),
    stepDown: async () => JSON.parse(await inTurn(() => client.step_down())),
    removeManager: async (number) => JSON.parse(await inTurn(() => client.remove_manager(number))),
    replaceManager: async (letters, number) => JSON.parse(await inTurn(() => client.replace_manager(letters, number))),
    closeStructure: async (letters) => JSON.parse(await inTurn(() => client.close_structure(letters ?? undefined))),
    settle: async () => {
      const there = await inTurn(() => client.settle());
      if (isNowhere(there)) opened.clear();
      return JSON.parse(there);
    },
    look: () => inTurn(() => client.look()),
    learn: () => inTurn(() => client.learn()),
    received: async () => JSON.parse(await inTurn(() => client.received())),
    deposit: async (address, paper, name, message, progress, abort) => void (await put(
      async (bytes) => (await client.begin_deposit(address, bytes)) as never, paper, progress, abort,
      (upload, note) => client.finish_deposit(upload as never, note, name, message),
    )),
    introductions: async () => JSON.parse(await inTurn(() => client.introductions())),
    introduce: (id) => inTurn(() => client.introduce(id)),
    withdrawIntroduction: (id) => inTurn(() => client.withdraw_introduction(id)),
    sentDeposits: async () => JSON.parse(await inTurn(() => client.sent_deposits())),
    renewal: async () => JSON.parse(await inTurn(() => client.renewal())),
    renew: async () => JSON.parse(await inTurn(() => client.renew())),
    openReceived: open as never,
    readReceived: (grantId, id, progress) => newest(async (before) => {
      if (before) {
        await inTurn(() => client.look());
        await open(grantId);
      }
      const known = opened.get(grantId) ?? [];
      if (before && known.every((it) => it.id !== id)) throw before;
      const reader = await inTurn(() => client.read_received(grantId, id));
      const { unchecked } = reader;
      const bytes = await receive(client as unknown as OwnerClient, reader as never, progress).catch((thrown: unknown) => {
        // Taken back between the receipt and the bytes.
        throw refusalOf(thrown).code === 'not_found' ? new Refusal('taken_back') : thrown;
      });
      return { ...await described(id, bytes, known), unchecked };
    }),
    receivedThumbnail: async (grantId, id) =>
      (await inTurn(() => client.received_thumbnail(grantId, id))).buffer as ArrayBuffer,
  };
}
