// What the page says of the public log: a paper is sent, then safe; an old safe is refused on a device
// that has seen nothing; a log that is silent keeps nobody from their papers; one that shows two books
// leaves a file; and a copy of a device is noticed.

import assert from 'node:assert/strict';
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { journey } from '../stage.mjs';

const text = (name, buffer) => ({ name, mimeType: 'text/plain', buffer });

journey('the newest safe is told from an old one by the public log', { name: 'log', record: true }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  const keys = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  await owner.put('first', text('first.txt', Buffer.from('one')));
  await owner.put('second', text('second.txt', Buffer.from('two')));
  await owner.told('safe-safe');
  await owner.tab('settings');
  await owner.told('settings-word');
  await owner.look('settings-word');

  // The safe as it was before the second paper, with every signature right.
  const elsewhere = await stage.newPerson('elsewhere');
  await elsewhere.arrive();
  await elsewhere.choose('welcome-come');
  stage.wire.tamper = (path, body) => {
    if (path !== '/v1/unlock/finish') return body;
    const unlocked = JSON.parse(body);
    unlocked.statements.pop();
    return Buffer.from(JSON.stringify(unlocked));
  };
  await elsewhere.comeWithWords(keys, false);
  await elsewhere.told('error-withheld');
  await elsewhere.look('withheld');
  stage.wire.tamper = null;

  // A log that does not answer: the papers are there, and it is said what was not checked.
  const silent = await stage.newPerson('silent');
  silent.provoke(/status of 503/);
  stage.wire.away = (_, path) => (path.startsWith('/v1/log/lookup') ? { status: 503, type: 'text/plain', body: '' } : null);
  await silent.arrive();
  await silent.choose('welcome-come');
  await silent.comeWithWords(keys, false);
  await silent.on('safe-title');
  await silent.told('safe-unchecked');
  await silent.paper('second').waitFor();
  await silent.look('unchecked');
  stage.wire.away = null;
  await silent.page.getByText(silent.t('safe-unchecked')).waitFor({ state: 'detached' });
  await silent.told('safe-safe');
});

journey('two books of one service leave a file that shows it', { name: 'books', record: true }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  const keys = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  await owner.put('first', text('first.txt', Buffer.from('one')));
  await owner.told('safe-safe');

  // Whoever has the log's key signs another tree of the same size.
  const seed = readFileSync(join(stage.server.data, 'secrets/log.key'));
  stage.wire.tamper = (path, body) => (path.startsWith('/v1/log/lookup') ? otherBook(body, seed) : body);
  await owner.page.goto('/?lang=fr');
  await owner.choose('welcome-come');
  await owner.comeWithWords(keys, null);
  await owner.told('error-log_forked');
  await owner.told('evidence-title');
  await owner.look('two-books');
  const [download] = await Promise.all([owner.page.waitForEvent('download'), owner.press('evidence-save')]);
  assert.equal(download.suggestedFilename(), owner.t('evidence-name'));
  const kept = JSON.parse(await readFile(await download.path(), 'utf8'));
  assert.ok(['fork', 'gap'].includes(kept.kind), kept.kind);
  assert.deepEqual(Object.keys(kept.files).sort(), ['consistency', 'first.note', 'second.note']);
  assert.ok(!JSON.stringify(kept).includes(keys.handle), 'it says nothing of the person');
  stage.wire.tamper = null;

  // The safe says so too, until the file is put away.
  await owner.page.goto('/?lang=fr');
  await owner.choose('welcome-come');
  await owner.comeWithWords(keys, null);
  await owner.paper('first').waitFor();
  await owner.told('evidence-title');
  await owner.look('evidence');
  await Promise.all([owner.page.waitForEvent('download'), owner.press('evidence-save')]);
  await owner.press('evidence-away');
  await owner.page.getByText(owner.t('evidence-title')).waitFor({ state: 'detached' });
});

journey('what a copy of a device signs is said on the device', { name: 'copied', record: true }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  const keys = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  await owner.put('first', text('first.txt', Buffer.from('one')));

  const thief = await stage.newPerson('thief');
  await thief.page.goto('/?lang=fr');
  await thief.choose('welcome-come');
  await thief.page.evaluate(fillStore, await owner.page.evaluate(readStore));
  await thief.page.goto('/?lang=fr');
  await thief.choose('welcome-come');
  await thief.comeWithWords(keys, null);
  await thief.paper('first').waitFor();
  await thief.put('second', text('second.txt', Buffer.from('two')));

  await owner.tab('settings');
  await owner.tab('safe');
  await owner.paper('second').waitFor();
  await owner.told('copied-device');
  await owner.told('copied-device-do');
  await owner.look('copied');
});

/** The same look-up under a checkpoint of the same size and another root, signed as the log signs. */
function otherBook(body, seed) {
  const answer = JSON.parse(body);
  const lookup = Buffer.from(answer.lookup, 'base64url');
  const length = lookup.readUInt16BE(0) & 0x3fff;
  const [origin, size, , , ...lines] = lookup.subarray(2, 2 + length).toString().split('\n');
  const root = createHash('sha256').update('another book').digest('base64');
  const signed = `${origin}\n${size}\n${root}\n`;
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]), format: 'der', type: 'pkcs8',
  });
  const again = lines.filter((line) => line !== '').map((line) => {
    const [dash, name, bytes] = line.split(' ');
    const given = Buffer.from(bytes, 'base64');
    const timed = given.length > 68;
    const time = timed ? given.readBigUInt64BE(4) : 0n;
    const message = timed ? `cosignature/v1\ntime ${time}\n${signed}` : signed;
    const head = given.subarray(0, timed ? 12 : 4);
    return `${dash} ${name} ${Buffer.concat([head, sign(null, Buffer.from(message), key)]).toString('base64')}\n`;
  });
  const note = Buffer.from(`${signed}\n${again.join('')}`);
  assert.equal(note.length, length);
  note.copy(lookup, 2);
  return Buffer.from(JSON.stringify({ ...answer, lookup: lookup.toString('base64url') }));
}

/** Everything that the page keeps on a device, as whoever copies the device has it. */
function readStore() {
  return new Promise((settle, fail) => {
    const opening = indexedDB.open('safe');
    opening.onerror = fail;
    opening.onsuccess = () => {
      const store = opening.result.transaction('sealed').objectStore('sealed');
      const [keys, values] = [store.getAllKeys(), store.getAll()];
      values.onsuccess = () => settle(keys.result.map((key, at) => [key, [...values.result[at]]]));
      values.onerror = fail;
    };
  });
}

function fillStore(kept) {
  return new Promise((settle, fail) => {
    const opening = indexedDB.open('safe', 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore('sealed');
      opening.result.createObjectStore('drafts', { keyPath: 'id' }).createIndex('account', 'account');
    };
    opening.onerror = fail;
    opening.onsuccess = () => {
      const transaction = opening.result.transaction('sealed', 'readwrite');
      for (const [key, bytes] of kept) transaction.objectStore('sealed').put(new Uint8Array(bytes), key);
      transaction.oncomplete = () => settle();
      transaction.onerror = fail;
    };
  });
}
