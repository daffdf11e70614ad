// Nobody opened these safes for six years: their people were in prison. Everything that opened them still does;
// what was given has ended, one of the places has closed, and each is told so; giving anew goes as it ever did.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { canary, photo } from '../papers.mjs';
import { desktop, journey, results } from '../stage.mjs';
import { dayOf } from '../words.mjs';

const pin = '481709';
/** Half of the time: the places go on living. */
const years = 3 * 365 * 24 * 3600;
const stays = { name: 'Accueil Les Tilleuls', place: 'Roubaix' };
const closes = { name: 'Halte de nuit', place: 'Marseille' };

journey('safes that slept for six years', { name: 'sleeping' }, async (stage) => {
  const kept = mkdtempSync(join(results, 'profiles-'));
  const keptBy = (who) => join(kept, who);
  const { manager, code } = await runs(stage, stays, keptBy('manager'));
  const { manager: closing, root, code: closingCode } = await runs(stage, closes);
  const { bytes } = await photo(stage.browser, { colour: 'rgb(204, 32, 32)', width: 800, height: 600 });
  const file = { name: 'IMG_1.jpg', mimeType: 'image/jpeg', buffer: bytes };

  const sleepers = [];
  for (const language of ['fr', 'ar']) {
    const sleeper = { language, title: canary('Passeport'), signedAs: canary('Aminata') };
    const owner = await stage.newPerson(`before ${language}`, { language, ...(language === 'fr' && { profile: keptBy(language) }) });
    await owner.arrive();
    sleeper.keys = await owner.openSafe({ keep: true });
    await owner.on('safe-title');
    await owner.put(sleeper.title, file);
    if (language === 'fr') {
      await owner.toWays();
      await owner.choose('ways-add-card');
      sleeper.card = await owner.drawCard('boat', pin);
      await owner.choose('ways-add-pin');
      await owner.choosePin(pin);
      await owner.on('ways-title');
    }
    await owner.give({ ...stays, code }, sleeper.title, sleeper.signedAs);
    await owner.give({ ...closes, code: closingCode }, sleeper.title, sleeper.signedAs, new Date().getFullYear() + 10);
    sleepers.push(sleeper);
  }
  await closing.person.tab('team');
  await closing.person.choose('end-choice');
  await closing.person.on('end-title', closes);
  await closing.person.write('come-letters', root);
  await closing.person.press('end-sheet');
  await closing.person.on('closed-title', closes);

  const before = Date.now();
  await stage.pass(years);
  let desk = await comesAgain(stage, manager, keptBy('manager'));
  await stage.pass(years);
  desk = await comesAgain(stage, manager, keptBy('manager'));
  const now = await desk.page.evaluate(() => Date.now());
  assert.ok(Math.abs(now - before - 2 * years * 1000) < 3_600_000, 'six years have passed');

  for (const { language, title, signedAs, keys, card } of sleepers) {
    const newcomer = async (who) => {
      const person = await stage.newPerson(`${who} ${language}`, { language });
      await person.arrive();
      await person.choose('welcome-come');
      return person;
    };
    // The phone that lay in a locker, and what was on paper: whoever reads Arabic has the words alone.
    if (language === 'fr') {
      const own = await stage.newPerson('phone', { language, profile: keptBy(language) });
      // The first screen waits a moment only for what the device keeps: a slow one would be asked for its language.
      await own.page.goto('/?lang=fr');
      await own.on('come-pin');
      await own.typePin(pin);
      await own.paper(title).waitFor();
      await own.close();
      const byCard = await newcomer('card');
      await byCard.comeWithCard({ letters: card, pin }, false);
      await byCard.paper(title).waitFor();
      const bySheet = await newcomer('sheet');
      await bySheet.comeWithSheet(keys, false);
      await bySheet.paper(title).waitFor();
    }
    const owner = await newcomer('words');
    await owner.comeWithWords(keys, true);
    await owner.paper(title).waitFor();
    await owner.told('paper-only-me');
    await owner.look('safe');
    await owner.openPaper(title);
    await owner.look('paper');
    await owner.follow('paper-look');
    assert.ok((await owner.drawn(title)).colours > 100, 'a picture, not a blank');
    await owner.press('back');

    // What was given: one for a month, one to a place that is no more.
    await owner.tab('who');
    await owner.on('who-title');
    await owner.told('who-none');
    await owner.told('grant-closed');
    await owner.told('grant-ended', { day: dayOf(language, before / 1000 + 30 * 24 * 3600) });
    await owner.look('who');
    await owner.press('take-back');
    await owner.on('taken-title');
    await owner.look('taken');
    await owner.tab('trace');
    await owner.on('trace-title');
    await owner.told('trace-taken_back', { name: closes.name });
    await owner.look('trace');

    // Given anew, and opened there.
    await owner.give(stays, title, `${signedAs} 2`);
    await desk.tab('team');
    await desk.tab('received');
    await desk.page.getByRole('link').filter({ hasText: `${signedAs} 2` }).click();
    await desk.onNamed(`${signedAs} 2`);
    await desk.page.getByRole('link', { name: title }).click();
    assert.ok((await desk.drawn(title)).colours > 100, 'a picture, not a blank');
    await desk.press('back');
    await desk.onNamed(`${signedAs} 2`);
    await owner.tab('who');
    await owner.told('grant-until', { day: dayOf(language, now / 1000 + 30 * 24 * 3600) });
    await owner.look('who-anew');
  }
  rmSync(kept, { recursive: true });
});

/** Somebody who founds a structure. */
async function runs(stage, structure, profile) {
  const person = await stage.newPerson(`manager of ${structure.name}`, { viewport: desktop, profile });
  await person.arrive('/structure.html');
  const keys = await person.openSafe({ keep: true, desk: 'desk-' });
  const root = await person.found(structure, 'Claire', stage.server);
  return { manager: { person, keys }, person, root, code: await person.code() };
}

async function comesAgain(stage, { keys }, profile) {
  const person = await stage.newPerson('manager again', { viewport: desktop, profile });
  await person.page.goto('/structure.html?lang=fr');
  await person.choose('welcome-desk-come');
  await person.comeWithWords(keys);
  await person.on('received-title');
  return person;
}
