// A computer is let in by the phone on which the safe is open: by its square before the camera, and by letters.

import assert from 'node:assert/strict';
import { film } from '../film.mjs';
import { canary, photo } from '../papers.mjs';
import { desktop, journey } from '../stage.mjs';

/** Somebody with a safe on their phone, and a paper in it. */
async function withPhone(stage, language) {
  const owner = await stage.newPerson('the phone', { language });
  await owner.arrive();
  const keys = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  const title = canary('Carte');
  const { bytes } = await photo(stage.browser, { colour: 'rgb(204, 32, 32)', width: 800, height: 600 });
  await owner.put(title, { name: 'IMG_1.jpg', mimeType: 'image/jpeg', buffer: bytes });
  return { owner, title, keys };
}

async function toLink(owner) {
  await owner.tab('settings');
  await owner.choose('settings-devices');
  await owner.on('devices-title');
  await owner.choose('devices-link');
  await owner.on('link-title');
}

/** A computer that shows its square; gives the letters under it. */
async function computerOf(stage, language, keep, look = false) {
  const computer = await stage.newPerson('the computer', { language, viewport: desktop });
  await computer.arrive();
  await computer.choose('welcome-come');
  await computer.keepOrNot(keep);
  await computer.choose('come-phone');
  await computer.on('phone-title');
  const shown = computer.page.getByRole('img', { name: computer.t('phone-square') });
  await shown.waitFor();
  if (look) await computer.look('phone-square');
  const letters = (await computer.page.locator('main .letters .group').allInnerTexts()).join(' ');
  assert.equal(letters.replaceAll(' ', '').length, 24);
  return { computer, shown, letters };
}

async function typeLetters(owner, letters) {
  await owner.press('link-type');
  await owner.write('link-letters', letters.toLowerCase());
  await owner.press('next');
}

/** Both show the same picture, and it has a name. */
async function samePicture(...people) {
  const shown = await Promise.all(people.map((person) =>
    person.page.locator('main .picture').getByRole('img').getAttribute('aria-label')));
  assert.ok(shown[0]);
  assert.equal(new Set(shown).size, 1, shown.join());
}

journey('a computer is let in by its square, in French', { name: 'linking-fr', camera: true }, async (stage) => {
  const { owner, title } = await withPhone(stage, 'fr');
  const { computer, shown } = await computerOf(stage, 'fr', true, true);
  await film(stage, await shown.screenshot({ type: 'png' }));
  await toLink(owner);
  await owner.on('link-sure');
  await owner.told('link-warn');
  await owner.told('link-own');
  await owner.look('link-sure');
  assert.equal(await computer.button('phone-yes').count(), 0, 'looking lets nobody in');
  await owner.press('link-yes');
  await owner.on('link-done');
  await owner.look('link-done');
  await computer.on('phone-picture');
  await computer.look('phone-picture');
  await samePicture(computer, owner);
  await computer.press('phone-yes');
  await computer.on('safe-title');
  await computer.paper(title).waitFor();

  // It is listed, is there again after a lock, and is signed out from the phone.
  await owner.press('link-devices');
  await owner.on('devices-title');
  await owner.told('devices-computer');
  await owner.look('devices-linked');
  computer.provoke(/401/);
  await owner.press('devices-retire');
  await owner.press('devices-retire-yes');
  await owner.on('devices-title');
  await computer.tab('trace');
  await computer.on('come-title');
});

journey('letters let somebody else’s computer in, on which nothing stays, in Arabic', { name: 'linking-ar' }, async (stage) => {
  const { owner, title } = await withPhone(stage, 'ar');
  const { computer, letters } = await computerOf(stage, 'ar', false, true);
  owner.provoke(/404/);
  await toLink(owner);
  await owner.look('link-scan');
  await typeLetters(owner, 'ABCD');
  await owner.told('error-link_misread');
  await owner.write('link-letters', 'CRCQ XEX4 2713 MQFW 9NNJ C1VD');
  await owner.press('next');
  await owner.told('link-gone');
  await owner.look('link-typed');
  await owner.write('link-letters', letters);
  await owner.press('next');
  await owner.on('link-sure');
  await owner.told('link-shared');
  await owner.press('link-yes');
  await owner.on('link-done');
  await computer.on('phone-picture');
  await samePicture(computer, owner);
  await computer.press('phone-yes');
  await computer.on('safe-title');
  await computer.paper(title).waitFor();
  await computer.tab('settings');
  await computer.choose('settings-leave');
  await computer.choose('leave-here');
  await computer.on('language-title');
  const left = await computer.page.evaluate(async () => [
    ...(await indexedDB.databases()).map((one) => one.name), ...Object.keys(localStorage), ...Object.keys(sessionStorage),
    ...(await caches.keys()), location.hash,
  ].filter((it) => it !== ''));
  assert.deepEqual(left, []);
});

journey('whoever is quicker than the owner is noticed on both screens', { name: 'linking-stranger' }, async (stage) => {
  const { owner } = await withPhone(stage, 'fr');
  const stranger = await stage.newPerson('a stranger', { language: 'fr' });
  await stranger.arrive();
  await stranger.openSafe({ keep: false });
  const { computer, letters } = await computerOf(stage, 'fr', true);
  await toLink(stranger);
  await typeLetters(stranger, letters);
  await stranger.on('link-sure');
  await stranger.press('link-yes');
  await stranger.on('link-done');
  await toLink(owner);
  await typeLetters(owner, letters);
  await owner.told('error-link_taken');
  await owner.look('link-taken');
  await computer.on('phone-picture');
  await computer.press('phone-no');
  await computer.told('phone-not');
  await computer.look('phone-not');
  // The next square is another one, and the owner's.
  await computer.page.getByRole('img', { name: computer.t('phone-square') }).waitFor();
  const again = (await computer.page.locator('main .letters .group').allInnerTexts()).join(' ');
  assert.notEqual(again, letters);
  await owner.write('link-letters', again);
  await owner.press('next');
  await owner.on('link-sure');
  await owner.press('link-yes');
  await owner.on('link-done');
  await computer.on('phone-picture');
  await computer.press('phone-yes');
  await computer.on('safe-title');
});
