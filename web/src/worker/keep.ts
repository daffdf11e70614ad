// What stays on a device of one's own: sealed bytes under names, and sealed drafts. Nothing here opens
// without the safe. On a shared computer nothing is written.

import { openDB, type DBSchema, type IDBPDatabase } from 'idb';

export interface KeptDraft {
  id: string;
  /** Which safe can open it. */
  account: string;
  sealed: Uint8Array;
}

interface Kept extends DBSchema {
  sealed: { key: string; value: Uint8Array };
  drafts: { key: string; value: KeptDraft; indexes: { account: string } };
}

let opened: Promise<IDBPDatabase<Kept>> | null = null;

function database(): Promise<IDBPDatabase<Kept>> {
  opened ??= openDB<Kept>('safe', 1, {
    upgrade(db) {
      db.createObjectStore('sealed');
      db.createObjectStore('drafts', { keyPath: 'id' }).createIndex('account', 'account');
    },
    terminated() {
      opened = null;
    },
  });
  return opened;
}

/** What is kept for as long as this worker lives: on a shared computer nothing is written. */
const here = new Map<string, Uint8Array>();

export async function keep(name: string, bytes: Uint8Array): Promise<void> {
  if (name.startsWith('here/')) {
    here.set(name, bytes);
    return;
  }
  await (await database()).put('sealed', bytes, name);
}

export async function kept(name: string): Promise<Uint8Array | undefined> {
  return here.get(name) ?? (await database()).get('sealed', name);
}

export async function forget(name: string): Promise<void> {
  if (here.delete(name)) return;
  await (await database()).delete('sealed', name);
}

export async function keepDraft(draft: KeptDraft): Promise<void> {
  await (await database()).put('drafts', draft);
}

export async function keptDrafts(account: string): Promise<KeptDraft[]> {
  return (await database()).getAllFromIndex('drafts', 'account', account);
}

export async function dropDraft(id: string): Promise<void> {
  await (await database()).delete('drafts', id);
}
