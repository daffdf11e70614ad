// An evening at a desk's tablet: one person after the other, each in their own language, opens a safe. Between
// two people the browser keeps how many there were and nothing else, and going back leads to nobody.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { actsOf } from '../acts.mjs';
import { inspect } from '../kept.mjs';
import { finderOf } from '../scan.mjs';
import { journey, results } from '../stage.mjs';
import { statusFor, tokenOf } from '../wire.mjs';

const pin = '481709';
const hours = 3600;

journey('an evening at a desk: three people, one of whom gives up', { name: 'evening', record: true }, async (stage) => {
  const profile = mkdtempSync(join(results, 'profile-'));
  const desk = await stage.newPerson('worker', { language: 'fr', profile });
  const speaking = (language) => {
    const person = { ...desk, who: language, language };
    return Object.assign(person, actsOf(person));
  };
  await desk.page.goto('/?kiosk');
  await desk.on('language-title');
  await inspect(desk, stage);
  await desk.press('evening-title');
  await desk.on('evening-title');
  await desk.look('evening');
  await desk.press('evening-begin');
  const endsAt = await isBetween(desk, stage, 0);
  assert.ok(Math.abs(endsAt - Date.now() / 1000 - 8 * hours) < 60, 'eight hours');
  await desk.look('language');

  // In French, with words and a sheet.
  const first = speaking('fr');
  await choose(first);
  await first.told('evening-count', { count: 0 });
  await first.look('evening-welcome');
  const keys = await first.openSafe({ keep: null });
  const token = await isDone(first, stage);
  assert.equal(await isBetween(desk, stage, 1), endsAt);
  assert.equal(await statusFor(stage, token), 401, 'the session is over');

  // In Arabic, given up where the words were drawn; asked first, and going on leaves everything as it was.
  const second = speaking('ar');
  await choose(second);
  await second.choose('welcome-open');
  await second.choose('open-how-words');
  await second.on('open-handle-title');
  const handle = (await second.page.locator('main .handle').innerText()).trim();
  await second.press('evening-next');
  await second.told('evening-sure');
  await second.look('evening-sure');
  await second.press('evening-no');
  assert.equal((await second.page.locator('main .handle').innerText()).trim(), handle);
  await second.press('evening-next');
  await second.press('evening-yes');
  assert.equal(await isBetween(desk, stage, 1), endsAt);

  // In English, with a card that is copied by hand.
  const third = speaking('en');
  await choose(third);
  const papers = await openWithCard(third);
  await third.on('evening-done-title');
  // Without network just then: nothing of the person is shown, and once there is one it goes on from here.
  desk.provoke(/ERR_INTERNET_DISCONNECTED/);
  await desk.context.setOffline(true);
  const failed = desk.page.waitForEvent('requestfailed', (request) => request.isNavigationRequest());
  await third.press('evening-next');
  await failed;
  await desk.context.setOffline(false);
  await desk.page.reload();
  assert.equal(await isBetween(desk, stage, 2), endsAt);
  await desk.page.reload();
  assert.equal(await isBetween(desk, stage, 2), endsAt);

  // Both opened for good: the first comes in at another browser.
  const home = await stage.newPerson('at home', { language: 'fr' });
  await home.arrive();
  await home.choose('welcome-come');
  await home.comeWithWords(keys, false);
  await home.on('safe-title');

  // The worker looks at the number and ends it.
  await desk.press('evening-team');
  await desk.on('evening-running');
  await desk.told('evening-count', { count: 2 });
  await desk.look('evening-running');
  await desk.press('evening-end');
  await desk.button('evening-title').waitFor();
  await inspect(desk, stage);

  // Another one, on the page's own clock: who goes away is not counted, and after eight hours it is over.
  await desk.page.clock.install();
  await desk.page.goto('/?kiosk');
  await desk.press('evening-title');
  await desk.press('evening-begin');
  await isBetween(desk, stage, 0);
  await choose(first);
  await first.choose('welcome-open');
  await first.choose('open-how-words');
  await first.on('open-handle-title');
  await desk.page.clock.fastForward('05:05');
  await isBetween(desk, stage, 0);
  await desk.page.clock.fastForward('08:00:00');
  await desk.button('evening-title').waitFor();
  await inspect(desk, stage);
  await desk.close();

  const find = finderOf({
    handle: keys.handle, words: keys.words.join(' '), letters: keys.letters.replaceAll(' ', ''),
    'given up': handle, card: papers.card, sheet: papers.letters.replaceAll(' ', ''),
  });
  const kept = readdirSync(profile, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile())
    .flatMap((entry) => find(readFileSync(join(entry.parentPath ?? entry.path, entry.name))));
  assert.deepEqual(kept, [], 'on the disk');
  rmSync(profile, { recursive: true });
});

async function choose(person) {
  const names = { fr: 'Français', en: 'English', ar: 'العربية' };
  await person.page.getByRole('button', { name: names[person.language], exact: true }).click();
  await person.on('welcome-title');
}

/** With a card, and a sheet; nothing is printed. */
async function openWithCard(person) {
  const { page } = person;
  await person.choose('welcome-open');
  await person.choose('open-how-card');
  const card = await person.drawCard('boat', pin);
  await person.choose('open-second-sheet');
  await person.on('sheet-own-title');
  const letters = (await page.locator('main .sheet .group').allInnerTexts()).join(' ');
  await person.press('sheet-next');
  await person.checkSheet(letters);
  return { card, letters };
}

/** A safe was just opened: there is one way on. Gives the session that ends there. */
async function isDone(person, stage) {
  await person.on('evening-done-title');
  await person.look('evening-done');
  const buttons = await person.page.getByRole('main').getByRole('button').count();
  const tabs = await person.page.getByRole('navigation').count();
  assert.deepEqual([buttons, tabs], [1, 0], 'one button');
  const token = tokenOf(stage);
  await person.press('evening-next');
  return token;
}

/** The first screen, whichever way one goes, and the number all that is kept. Gives when the evening ends. */
async function isBetween(desk, stage, count) {
  const there = async () => {
    await desk.on('language-title');
    await desk.told('evening-count', { count });
  };
  await there();
  const stored = await desk.page.evaluate(() => sessionStorage.getItem('evening'));
  await inspect(desk, stage, [['evening', stored]]);
  for (const way of ['goBack', 'goForward']) {
    await desk.page[way]();
    if (!desk.page.url().startsWith(stage.url)) continue;
    await there();
  }
  if (!desk.page.url().startsWith(stage.url)) await desk.page.goto('/?kiosk');
  await there();
  await inspect(desk, stage, [['evening', stored]]);
  const [opened, endsAt] = stored.split('.').map(Number);
  assert.equal(opened, count);
  return endsAt;
}
