// Keys that are nowhere but in a page's memory: what reloading, locking, leaving and closing do, and
// that nothing is lost.

import assert from 'node:assert/strict';
import { canary, photo } from '../papers.mjs';
import { finderOf } from '../scan.mjs';
import { desktop, journey } from '../stage.mjs';
import { sessions, statusFor, tokenOf } from '../wire.mjs';

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
  // A sheet does not say whose it is: then somebody has to.
  await owner.comeWithSheet(keys);
  await owner.keepOrNot(true);
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

journey('words that were drawn or typed do not stay on a screen', { name: 'wiped' }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.page.clock.install();
  await owner.arrive();
  await owner.choose('welcome-open');
  await owner.keepOrNot(true);
  await owner.choose('open-how-words');
  await owner.on('open-handle-title');
  await owner.press('open-handle-next');
  await owner.on('open-words-title');
  const words = (await owner.page.locator('main .word').allInnerTexts()).map((word) => word.trim());
  // One of six may be a word of the page itself; not alone in its place, and not two in one place.
  const none = async () => {
    for (const text of await owner.page.evaluate(texts)) {
      const there = text.toLowerCase().split(/[^a-z]+/).filter((word) => words.includes(word));
      assert.ok(there.length === 0 || (there.length === 1 && text.trim().length > there[0].length), `${there} is still there`);
    }
  };
  await assert.rejects(none());
  // Who writes slowly says so.
  await owner.page.clock.fastForward('04:35');
  await owner.told('wipe-soon');
  await owner.look('wipe-soon');
  await owner.press('lock-stay');
  await owner.page.clock.fastForward('04:00');
  await owner.on('open-words-title');
  await owner.page.clock.fastForward('01:01');
  await owner.on('welcome-title');
  await owner.told('outside-wiped');
  await owner.look('wiped');
  await none();

  // The same for words that were typed and not sent.
  await owner.choose('welcome-come');
  await owner.keepOrNot(true);
  await owner.choose('come-words');
  await owner.page.getByLabel(`${owner.t('come-word')} 1`, { exact: true }).fill('abacus');
  await owner.page.clock.fastForward('05:01');
  await owner.on('welcome-title');
  await owner.told('outside-wiped');
  await owner.choose('welcome-come');
  await owner.keepOrNot(true);
  await owner.choose('come-words');
  assert.equal(await owner.page.getByLabel(`${owner.t('come-word')} 1`, { exact: true }).inputValue(), '');
  // A screen without a secret stays.
  await owner.page.clock.fastForward('20:00');
  await owner.on('come-words');

  // The quick exit takes drawn words with it.
  await owner.page.goto('/?lang=fr');
  await owner.choose('welcome-open');
  await owner.keepOrNot(true);
  await owner.choose('open-how-words');
  await owner.press('open-handle-next');
  await owner.on('open-words-title');
  words.splice(0, 6, ...(await owner.page.locator('main .word').allInnerTexts()).map((word) => word.trim()));
  owner.provoke(/other origin: https:\/\/www\.meteofrance\.com/);
  await owner.page.route('https://www.meteofrance.com/**', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<title>Météo</title>Soleil' }));
  await threeShifts(owner.page);
  await owner.page.waitForURL('https://www.meteofrance.com/');
  await owner.page.goBack();
  await owner.page.getByRole('heading', { level: 1 }).waitFor();
  await none();
});

journey('one device is removed, and the others stay', { name: 'devices' }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  const keys = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  const lost = await stage.newPerson('whoever found the phone');
  await lost.page.goto('/?lang=fr');
  await lost.choose('welcome-come');
  await lost.comeWithWords(keys, true);
  await lost.on('safe-title');

  await owner.tab('settings');
  await owner.choose('settings-devices');
  await owner.on('devices-title');
  const remove = owner.button('devices-retire');
  await remove.waitFor();
  assert.equal(await remove.count(), 1, 'this device is not removed from here');
  await owner.told('devices-computer');
  await owner.look('devices-two');
  await remove.click();
  await owner.on('devices-retire-title');
  await owner.look('devices-retire');
  await owner.press('keep-it');
  await owner.on('devices-title');
  await remove.click();
  await owner.press('devices-retire-yes');
  await owner.on('devices-title');
  await remove.waitFor({ state: 'detached' });
  await owner.told('devices-this');
  await owner.tab('trace');
  await owner.told('trace-device_retired', { here: 'no' });

  lost.provoke(refused);
  await lost.tab('who');
  await lost.on('come-title');
  await lost.told('outside-session_ended');
  // The owner goes on, and the words still open.
  await owner.tab('safe');
  await owner.put('note', { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('note') });
  await lost.comeWithWords(keys, null);
  await lost.on('safe-title');
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
  await owner.paper(title).waitFor();
  await owner.page.getByText(owner.t('safe-draft-look')).waitFor({ state: 'detached' });
  await owner.openPaper(title);
  await owner.follow('paper-look');
  assert.deepEqual((await owner.drawn(title)).width, 1200);
});

journey('leaving leaves nothing behind', { name: 'leaves', record: true }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  const keys = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  const title = canary('RIB');
  const picture = await photo(stage.browser, { colour: 'rgb(204, 32, 32)', width: 800, height: 600 });
  await owner.put(title, { name: 'IMG_1.jpg', mimeType: 'image/jpeg', buffer: picture.bytes });

  const shared = await stage.newPerson('owner on a shared computer', { viewport: desktop });
  const comeBriefly = async () => {
    await shared.page.goto('/?lang=fr');
    await shared.choose('welcome-come');
    await shared.comeWithWords(keys, false);
    await shared.paper(title).waitFor();
  };
  const others = sessions(stage);
  await comeBriefly();
  await shared.tab('settings');
  await shared.choose('settings-devices');
  await shared.on('devices-title');
  await shared.read(shared.t('devices-other'));
  await shared.look('devices');
  const token = tokenOf(stage, others);
  await leave(shared, 'leave-here');
  await shared.on('language-title');
  assert.equal(await statusFor(stage, token), 401, 'the session is over');

  // Signed out everywhere: every page is outside at its next turn.
  await comeBriefly();
  shared.provoke(refused);
  await leave(owner, 'leave-everywhere');
  await owner.told('outside-signed_out');
  await owner.look('signed-out');
  const find = finderOf({ title, words: keys.words.join(' '), sheet: keys.letters.replaceAll(' ', '') });
  for (const text of await owner.page.evaluate(kept)) {
    assert.deepEqual(find(Buffer.from(text, 'base64')), [], 'no key and no paper stays on the device');
  }
  // Which may have come by itself.
  await Promise.race([shared.tab('who').catch(() => undefined), shared.on('language-title')]);
  await shared.on('language-title');
  assert.equal(await shared.page.getByText(title).count(), 0);

  // The quick exit, by its button and by three times Shift.
  for (const exit of [() => shared.press('exit'), () => threeShifts(shared.page)]) {
    await comeBriefly();
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

/** Every text of the page, shown or not, and what its fields hold. */
function texts() {
  const found = [...document.querySelectorAll('input, textarea')].map(({ value }) => value);
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) found.push(walker.currentNode.data);
  return found;
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
