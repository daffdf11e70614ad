// A computer that is everybody's: a desk's, started at `/?kiosk`, where nobody is asked whose it is. After
// signing out, a time-out, the quick exit and a closed tab nothing is left of who was there: asked of the
// browser through its own tools, and looked for in everything that it wrote to its disk.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect, isBare } from '../kept.mjs';
import { canary } from '../papers.mjs';
import { printed } from '../printed.mjs';
import { finderOf } from '../scan.mjs';
import { desktop, journey, results } from '../stage.mjs';
import { statusFor, tokenOf } from '../wire.mjs';

const note = { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('note') };
/** Typed where the first word belongs: not a word, and like nothing else. */
const typed = 'kqzvxwpjmf';

journey('nothing stays on a desk’s computer', { name: 'shared-computer', record: true }, async (stage) => {
  const language = 'ar';
  const profile = mkdtempSync(join(results, 'profile-'));
  const titles = [canary('Carte'), canary('Bail')];
  const owner = await stage.newPerson('owner', { language });
  await owner.arrive();
  const keys = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  await owner.put(titles[0], note);
  await owner.leavePage();

  const desk = await stage.newPerson('at the desk', { language, viewport: desktop, profile });
  const gone = () => isGone(desk, stage, titles);
  const come = async () => {
    await desk.choose('welcome-come');
    await desk.comeWithWords(keys);
    await desk.paper(titles[0]).waitFor();
  };

  // Signing out.
  await desk.arrive('/?kiosk', true);
  await desk.told('exit-note-kiosk');
  await desk.look('kiosk-welcome');
  await desk.choose('welcome-come');
  await desk.comeWithWords({ ...keys, words: [typed, ...keys.words.slice(1)] });
  await desk.told('error-words_misread', { place: 1 });
  await desk.press('back');
  await desk.press('back');
  await come();
  await desk.put(titles[1], note);
  await desk.openPaper(titles[1]);
  const blank = await printed(stage.browser, desk.page);
  assert.deepEqual([blank.text, blank.title], ['', '…']);
  await desk.page.goBack();
  await desk.on('safe-title');
  await isBare(desk, stage);
  const token = tokenOf(stage);
  await desk.tab('settings');
  await desk.choose('settings-leave');
  await desk.choose('leave-here');
  await gone();
  assert.equal(await statusFor(stage, token), 401, 'the session is over');

  // A time-out: on the page's own clock, minutes pass when this journey says so.
  await desk.page.clock.install();
  await desk.arrive('/?kiosk');
  await come();
  const second = tokenOf(stage);
  await desk.page.clock.fastForward('01:35');
  await desk.told('lock-soon');
  await desk.look('lock-soon');
  await desk.page.clock.fastForward('00:30');
  await gone();
  assert.equal(await statusFor(stage, second), 401, 'the session is over');
  // Who has said nothing but a language leaves no more.
  await desk.arrive('/?kiosk');
  await desk.on('welcome-title');
  await desk.page.clock.fastForward('02:05');
  await gone();

  // The quick exit.
  await desk.arrive('/?kiosk');
  await come();
  await desk.press('exit');
  await gone();

  // A safe is opened here, its sheet printed, and the tab closed.
  await desk.arrive('/?kiosk');
  let sheet = null;
  const opened = await desk.openSafe({ keep: null, onSheet: async () => {
    sheet = await printed(stage.browser, desk.page);
  } });
  await desk.on('safe-title');
  assert.equal(sheet.title, '…');
  const letters = opened.letters.replaceAll(' ', '');
  assert.ok(sheet.text.includes(letters), 'the sheet is printed');
  for (const named of [new URL(stage.url).host, desk.t('page-title'), opened.handle]) {
    assert.ok(!sheet.text.includes(named), `${named} is printed`);
  }
  await inspect(desk, stage);
  await desk.page.close();
  await desk.close();

  const find = finderOf({
    'first title': titles[0], 'second title': titles[1], typed, handle: keys.handle, 'new handle': opened.handle,
    words: keys.words.join(' '), 'new words': opened.words.join(' '), letters: keys.letters, 'new letters': letters,
  });
  assert.deepEqual(kept(profile, find), [], 'on the disk');

  // The same search, the same browser, and somebody who says that it is theirs: their safe's name is kept.
  const own = await stage.newPerson('at home', { language, profile });
  await own.arrive();
  await own.choose('welcome-come');
  await own.comeWithWords(keys, true);
  await own.on('safe-title');
  await own.close();
  assert.ok(kept(profile, find).some((what) => /^handle, raw in .*IndexedDB/.test(what)), 'what is kept is found');
  rmSync(profile, { recursive: true });
});

journey('a browser that refuses to keep anything is as good as shared', { name: 'shared-computer-refuses' }, async (stage) => {
  const profile = mkdtempSync(join(results, 'profile-'));
  mkdirSync(join(profile, 'Default'));
  const never = { profile: { default_content_setting_values: { cookies: 2 } } };
  writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify(never));
  const owner = await stage.newPerson('owner', { profile });
  await owner.arrive();
  await owner.choose('welcome-open');
  await owner.on('keep-title');
  await owner.choose('keep-yes');
  await owner.told('keep-refused');
  await owner.look('keep-refused');
  await owner.choose('keep-no');
  await owner.choose('open-how-words');
  await owner.on('open-handle-title');
  await owner.close();
  rmSync(profile, { recursive: true });
});

/** The very first screen, with nothing behind it. */
async function isGone(desk, stage, titles) {
  const there = async () => {
    await desk.page.getByRole('button', { name: 'Français', exact: true }).waitFor();
    for (const title of titles) assert.equal(await desk.page.getByText(title).count(), 0);
  };
  await there();
  await inspect(desk, stage);
  for (const way of ['goBack', 'goForward']) {
    await desk.page[way]();
    if (desk.page.url().startsWith(stage.url)) await there();
  }
  await inspect(desk, stage);
}

/** What is found of the canaries in the files of a browser, and where. */
function kept(profile, find) {
  const found = [];
  for (const entry of readdirSync(profile, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    found.push(...find(readFileSync(path)).map((what) => `${what} in ${path.slice(profile.length)}`));
  }
  return found;
}
