// Whoever lost everything is back, days later: three places and a paper, of which two were enough. What was lost
// opens nothing any more.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { desktop, journey, results } from '../stage.mjs';
import {
  addPaper, addPlace, begins, choosePerson, comesAgain, hasPaper, losesAll, nameThem, ownerOf, pin, placeOf, places,
  toGuardians, toLost, vouches, vouchesLater,
} from '../village.mjs';

const days = 86_400;

/** Three places and a paper; the owner has a phone with a PIN, words, a sheet and a card. */
async function hamlet(stage, language, keptBy) {
  const desks = [];
  for (const at of places.keys()) desks.push(await placeOf(stage, at, language, at === 0 ? { profile: keptBy('desk') } : {}));
  const { owner, keys } = await ownerOf(stage, language, { profile: keptBy('phone') });
  await owner.toWays();
  await owner.choose('ways-add-card');
  const card = await owner.drawCard('boat', pin);
  await owner.choose('ways-add-pin');
  await owner.choosePin(pin);
  await toGuardians(owner);
  await owner.press('guardians-begin');
  await owner.press('next');
  for (const [at, { code }] of desks.entries()) await addPlace(owner, places[at], code);
  const paper = await addPaper(owner, 'Awa');
  await owner.look('naming-who-four');
  await nameThem(owner, 4);
  await owner.look('guardians-four');
  return { desks, keys, card, paper };
}

/** Somebody at the door who tries what was lost. */
async function tries(stage, language, told, come) {
  const person = await stage.newPerson('who finds what was lost', { language });
  person.provoke(/status of 40/);
  await person.arrive();
  await person.choose('welcome-come');
  await come(person);
  await person.told(told);
  assert.equal(await person.page.getByText('Passeport').count(), 0);
  return person;
}

/** From the safe whose guardians those are, on a device of one's own. */
async function stillNamed(stage, language, keys) {
  const own = await stage.newPerson('own', { language });
  await own.arrive();
  await own.choose('welcome-come');
  await own.comeWithSheet(keys, true);
  await own.on('safe-title');
  await own.paper('Passeport').waitFor();
  return own;
}

// Two places see the person, and it takes four days; or one place does, and a paper is shown when seven are over.
for (const [language, way] of [['fr', 'places'], ['ar', 'paper']]) {
  journey(`whoever lost everything is back through ${way}, in ${language}`, { name: `guardians-open-${language}` }, async (stage) => {
    const kept = mkdtempSync(join(results, 'profiles-'));
    const keptBy = (what) => join(kept, what);
    const { desks, keys, card, paper } = await hamlet(stage, language, keptBy);
    const both = way === 'places';

    // At the desk's own computer, where nothing is kept.
    const lost = await losesAll(stage, language, { viewport: desktop });
    await toLost(desks[0].worker);
    await begins(desks[0].worker, lost.code);
    await vouches(desks[0].worker, true);
    await lost.lost.told('back-vouched', { count: 1, needed: 2 });
    await lost.lost.look('back-one-place');
    if (both) {
      await toLost(desks[1].worker);
      await desks[1].worker.look('guarding-desk-open');
      await vouchesLater(desks[1].worker, lost.code, true);
      await lost.lost.told('back-vouched', { count: 2, needed: 2 });
      await lost.lost.look('back-two-places');
    }

    // Neither sooner than it may, nor with fewer than it takes.
    await stage.pass((both ? 3 : 6) * days);
    const early = await comesAgain(stage, lost, language);
    await early.on('back-waits-title');
    if (!both) await hasPaper(early, paper, true);
    await early.told('back-vouched', { count: 2, needed: 2 });
    assert.equal(await early.button('back-open').count(), 0, 'the wait is not over');
    await stage.pass(2 * days);
    const again = await comesAgain(stage, lost, language);
    if (!both) {
      await again.on('back-waits-title');
      await again.told('back-vouched', { count: 1, needed: 2 });
      assert.equal(await again.button('back-open').count(), 0, 'one is not enough');
      await again.look('back-late-one');
      await hasPaper(again, paper);
    }
    await again.on('back-ready-title');
    await again.look('back-ready');
    await again.press('back-open');
    const now = await again.drawWays();
    await again.on('safe-title');
    await again.paper('Passeport').waitFor();
    await again.look('safe-back');
    await again.openPaper('Passeport');
    await toGuardians(again);
    await again.told('guardians-left', { left: 4, needed: 2 });
    await again.look('guardians-after');

    // What was lost opens nothing.
    await tries(stage, language, 'error-wrong_held', (person) => person.comeWithSheet(keys, false));
    await tries(stage, language, 'error-wrong_words_or_handle', (person) => person.comeWithWords(keys, false));
    await tries(stage, language, 'error-wrong_held', (person) => person.comeWithCard({ letters: card, pin }, false));
    const phone = await stage.newPerson('lost phone', { language, profile: keptBy('phone') });
    phone.provoke(/status of 40/);
    await phone.page.goto(`/?lang=${language}`);
    await phone.on('come-pin');
    await phone.typePin(pin);
    await phone.told('error-wrong_held');
    await phone.look('lost-phone');

    // The return is over, which its card says, and the desk.
    const over = await comesAgain(stage, lost, language, { provoked: /status of 410/ });
    await over.on('back-over-title');
    await over.look('back-over');
    const desk = await stage.newPerson('desk again', { language, viewport: desktop, profile: keptBy('desk') });
    await desk.page.goto(`/structure.html?lang=${language}`);
    await desk.choose('welcome-desk-come');
    await desk.comeWithWords(desks[0].keys);
    await toLost(desk);
    await choosePerson(desk);
    await desk.look('guarding-done');

    // With what was drawn anew, and the same people are there for the next time.
    const own = await stillNamed(stage, language, now);
    await own.look('safe-own');
    await toGuardians(own);
    await own.told('guardians-left', { left: 4, needed: 2 });
    await own.tab('trace');
    await own.on('trace-title');
    await own.look('trace-back');
    await phone.close();
    await desk.close();
    rmSync(kept, { recursive: true });
  });
}
