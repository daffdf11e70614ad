// Keys that are nowhere but in a page's memory: what reloading, locking, leaving and closing do, and
// that nothing is lost.

import assert from 'node:assert/strict';
import { canary, photo } from '../papers.mjs';
import { finderOf } from '../scan.mjs';
import { desktop, journey } from '../stage.mjs';

const refused = /status of 40[13]/;

journey('a page that is reloaded or left alone has no keys', { name: 'keys' }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  const keys = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  const title = canary('Carte');
  const picture = await photo(stage.browser, { colour: 'rgb(204, 32, 32)', width: 800, height: 600 });
  await owner.put(title, { name: 'IMG_1.jpg', mimeType: 'image/jpeg', buffer: picture.bytes });

  await owner.page.reload();
  await owner.on('come-title');
  await owner.told('outside-reload');
  await owner.told('outside-why');
  await owner.look('reloaded');
  await owner.choose('come-words');
  assert.equal(await owner.field('come-handle').inputValue(), keys.handle, 'this device knows which safe');
  await owner.press('back');

  owner.provoke(refused);
  const [first, ...rest] = keys.words;
  await owner.comeWithWords({ ...keys, words: ['qqqqq', ...rest] }, null);
  await owner.told('error-words_misread', { place: 1 });
  await owner.look('word-misread');
  await owner.press('back');
  await owner.comeWithWords({ ...keys, words: [...rest, first] }, null);
  await owner.told('error-wrong_words_or_handle');
  await owner.press('back');
  await owner.comeWithWords(keys, null);
  await owner.on('safe-title');
  await owner.paper(title).waitFor();

  await owner.tab('settings');
  await owner.on('settings-title');
  await owner.look('settings');
  await owner.choose('settings-lock');
  await owner.told('outside-locked');
  await owner.page.goBack();
  await owner.on('come-title');
  assert.equal(await owner.page.getByText(title).count(), 0, 'going back shows nothing');
  await owner.comeWithSheet(keys, true);
  await owner.on('safe-title');
  await owner.paper(title).waitFor();

  // The page's own clock, so that minutes pass when this journey says so.
  await owner.page.clock.install();
  await owner.page.goto('/?lang=fr');
  await owner.choose('welcome-come');
  await owner.comeWithWords(keys, null);
  await owner.paper(title).waitFor();
  // Four minutes and a half: a word. Five: closed.
  await owner.page.clock.fastForward('04:35');
  await owner.told('lock-soon');
  await owner.look('lock-soon');
  await owner.press('lock-stay');
  await owner.page.getByText(owner.t('lock-soon')).waitFor({ state: 'detached' });
  await owner.page.clock.fastForward('05:01');
  await owner.on('come-title');
  await owner.told('outside-idle');
  assert.equal(await owner.page.getByText(title).count(), 0);
});

journey('a photo outlives the page that took it', { name: 'draft' }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  const keys = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  const picture = await photo(stage.browser, { colour: 'rgb(204, 32, 32)', width: 1200, height: 900 });
  await owner.follow('safe-add');
  await owner.page.getByTestId('camera').setInputFiles({ name: 'IMG_1.jpg', mimeType: 'image/jpeg', buffer: picture.bytes });
  await owner.on('title-question');
  // The phone discards the page.
  await owner.page.goto('about:blank');

  await owner.page.goto('/?lang=fr');
  await owner.choose('welcome-come');
  const find = finderOf({ ...fields(picture), words: keys.words.join(' ') });
  const device = await owner.page.evaluate(kept);
  assert.ok(device.some((text) => text.length > picture.bytes.length), 'the draft is on the device');
  for (const text of device) assert.deepEqual(find(Buffer.from(text, 'base64')), [], 'and sealed');

  await owner.comeWithWords(keys, null);
  await owner.on('safe-title');
  await owner.told('safe-draft', { title: owner.t('untitled') });
  await owner.look('safe-draft');
  await owner.follow('safe-draft-look');
  await owner.on('draft-title');
  await owner.look('draft');
  const title = canary('Livret');
  await owner.write('title-label', title);
  await owner.press('draft-send');
  await owner.on('safe-title');
  await owner.openPaper(title);
  assert.equal(await owner.page.getByText(owner.t('safe-draft-look')).count(), 0);
  await owner.follow('paper-look');
  assert.deepEqual((await owner.drawn(title)).width, 1200);
});

journey('leaving leaves nothing behind', { name: 'leaving', record: true }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  const keys = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  const title = canary('RIB');
  const picture = await photo(stage.browser, { colour: 'rgb(204, 32, 32)', width: 800, height: 600 });
  await owner.put(title, { name: 'IMG_1.jpg', mimeType: 'image/jpeg', buffer: picture.bytes });

  // A shared computer keeps nothing, not even while it is used.
  const shared = await stage.newPerson('owner on a shared computer', { viewport: desktop });
  await shared.page.goto('/?lang=fr');
  await shared.choose('welcome-come');
  await shared.comeWithWords(keys, false);
  await shared.paper(title).waitFor();
  assert.deepEqual(await shared.page.evaluate(kept), []);
  assert.equal(await shared.page.evaluate(() => document.cookie + localStorage.length + sessionStorage.length), '00');

  await shared.tab('settings');
  await shared.choose('settings-devices');
  await shared.on('devices-title');
  await shared.read(shared.t('devices-other'));
  await shared.look('devices');
  const token = tokenOf(stage);
  await leave(shared, 'leave-here');
  await shared.told('outside-signed_out');
  await shared.look('signed-out');
  assert.equal(await ask(stage, token), 401, 'the session is over');

  // Signed out everywhere: every page is outside at its next turn.
  await shared.choose('welcome-come');
  await shared.comeWithWords(keys, false);
  await shared.paper(title).waitFor();
  shared.provoke(refused);
  await leave(owner, 'leave-everywhere');
  await owner.told('outside-signed_out');
  const find = finderOf({ title, words: keys.words.join(' '), sheet: keys.letters.replaceAll(' ', '') });
  for (const text of await owner.page.evaluate(kept)) {
    assert.deepEqual(find(Buffer.from(text, 'base64')), [], 'no key and no paper stays on the device');
  }
  await shared.tab('who');
  await shared.on('come-title');
  await shared.told('outside-session_ended');
  assert.equal(await shared.page.getByText(title).count(), 0);

  // The quick exit, by its button and by three times Shift.
  for (const exit of [() => shared.press('exit'), () => threeShifts(shared.page)]) {
    await shared.page.goto('/?lang=fr');
    await shared.choose('welcome-come');
    await shared.comeWithWords(keys, false);
    await shared.paper(title).waitFor();
    shared.provoke(/other origin: https:\/\/www\.meteofrance\.com/);
    await shared.page.route('https://www.meteofrance.com/**', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<title>Météo</title>Soleil' }));
    await exit();
    await shared.page.waitForURL('https://www.meteofrance.com/');
    await shared.page.goBack();
    await shared.page.getByRole('heading', { level: 1 }).waitFor();
    assert.equal(await shared.page.getByText(title).count(), 0, 'going back shows nothing');
  }
});

async function threeShifts(page) {
  for (let press = 0; press < 3; press += 1) await page.keyboard.press('Shift');
}

async function leave(person, how) {
  await person.tab('settings');
  await person.choose('settings-leave');
  await person.on('leave-title');
  await person.look('leave');
  await person.choose(how);
}

const tokenOf = (stage) => stage.wire.entries().findLast(({ headers }) => headers.authorization).headers.authorization;

async function ask(stage, authorization) {
  const path = '/v1/sync?statements_after=0&records_after=0&receipts_after=0';
  const answer = await fetch(stage.server.url + path, { headers: { authorization } });
  return answer.status;
}

const fields = ({ place, device, trailing, content }) => ({ place, device, trailing, content });

/** Everything that the page's databases hold, in base64. */
async function kept() {
  const found = [];
  const text = (value) => {
    if (!(value instanceof Uint8Array)) return btoa(unescape(encodeURIComponent(JSON.stringify(value))));
    let letters = '';
    for (const byte of value) letters += String.fromCharCode(byte);
    return btoa(letters);
  };
  const done = (request) => new Promise((settle, fail) => {
    request.onsuccess = () => settle(request.result);
    request.onerror = () => fail(request.error);
  });
  for (const { name } of await indexedDB.databases()) {
    const database = await done(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      for (const value of await done(database.transaction(store).objectStore(store).getAll())) {
        found.push(...(value instanceof Uint8Array ? [text(value)] : Object.values(value).map(text)));
      }
    }
    database.close();
  }
  return found;
}
