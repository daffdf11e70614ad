// What stays on a device of one's own: sealed bytes under names, and sealed drafts. Nothing here opens
// without the safe, but for what is `locked/`: that opens with its PIN, on this device, and the browser gives its
// key to nobody (PROTOCOL 6.5). On a shared computer nothing is written.

import { openDB, type DBSchema, type IDBPDatabase } from 'idb';

export interface KeptDraft {
  id: string;
  /** Which safe can open it. */
  account: string;
  sealed: Uint8Array;
}

/** Bytes under a key of their own, which never leaves the browser. LOCK-13 */
interface Locked {
  key: CryptoKey;
  iv: Uint8Array<ArrayBuffer>;
  sealed: ArrayBuffer;
}

interface Kept extends DBSchema {
  sealed: { key: string; value: Uint8Array | Locked };
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

async function locked(bytes: Uint8Array<ArrayBuffer>): Promise<Locked> {
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  return { key, iv, sealed: await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, bytes) };
}

async function unlocked({ key, iv, sealed }: Locked): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, sealed));
}

export async function keep(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  if (name.startsWith('here/')) {
    here.set(name, bytes);
    return;
  }
  const value = name.startsWith('locked/') ? await locked(bytes) : bytes;
  await (await database()).put('sealed', value, name);
}

export async function kept(name: string): Promise<Uint8Array | undefined> {
  const bytes = here.get(name) ?? (await (await found())?.get('sealed', name));
  return bytes === undefined || bytes instanceof Uint8Array ? bytes : unlocked(bytes);
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
