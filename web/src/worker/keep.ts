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

/** Null where nothing was ever kept: opening a database makes one, and a shared computer has none. A
 *  browser that does not tell is asked by opening. */
async function found(): Promise<IDBPDatabase<Kept> | null> {
  if (opened === null && 'databases' in indexedDB) {
    const all = await indexedDB.databases();
    if (all.every((one) => one.name !== 'safe')) return null;
  }
  return database();
}

/** Whether the browser lets this page keep anything. */
export async function canKeep(): Promise<boolean> {
  return database().then(() => true, () => false);
}

export async function keep(name: string, bytes: Uint8Array): Promise<void> {
  if (name.startsWith('here/')) {
    here.set(name, bytes);
    return;
  }
  await (await database()).put('sealed', bytes, name);
}

export async function kept(name: string): Promise<Uint8Array | undefined> {
  return here.get(name) ?? (await found())?.get('sealed', name);
}

export async function forget(name: string): Promise<void> {
  if (here.delete(name)) return;
  await (await found())?.delete('sealed', name);
}

export async function keepDraft(draft: KeptDraft): Promise<void> {
  await (await database()).put('drafts', draft);
}

export async function keptDrafts(account: string): Promise<KeptDraft[]> {
  return (await found())?.getAllFromIndex('drafts', 'account', account) ?? [];
}

export async function dropDraft(id: string): Promise<void> {
  await (await found())?.delete('drafts', id);
}
