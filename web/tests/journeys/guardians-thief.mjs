// A thief of the sheet is the first to make other keys, names guardians of their own and puts a forged paper in. Those whom
// the owner had named bring the owner back all the same, and the thief is out.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { journey, results } from '../stage.mjs';
import {
  addPaper, addPerson, begins, comesAgain, friendOf, losesAll, note, places, toGuardians, toLost, village, vouches, vouchesLater,
} from '../village.mjs';

const days = 86_400;
const refused = /status of (401|404)/;
const forged = 'Procuration';

/** Comes in with the owner's sheet, and makes everything their own. */
async function steals(stage, language, keys, profile, address) {
  const thief = await stage.newPerson('thief', { language, profile });
  await thief.arrive();
  await thief.choose('welcome-come');
  await thief.comeWithSheet(keys, true);
  await thief.on('safe-title');
  await thief.toWays();
  await thief.choose('known-title');
  await thief.press('known-yes');
  const stolen = await thief.drawWays();
  await thief.on('safe-title');
  await thief.press('known-done-yes');
  await thief.put(forged, note);
  await toGuardians(thief);
  await thief.told('guardians-left', { left: 3, needed: 2 });
  await thief.choose('guardians-change');
  await thief.press('next');
  await addPerson(thief, address, 'Zoé');
  await addPaper(thief, 'ici');
  await thief.press('naming-next', { count: 2 });
  await thief.on('naming-known-title');
  await thief.press('next');
  await thief.told('naming-before');
  await thief.look('naming-before');
  await thief.press('naming-yes');
  await thief.on('guardians-title');
  await thief.told('guardians-left', { left: 2, needed: 2 });
  return { thief, stolen };
}

/** Of the keys of before and of those of the thief: nobody else is in the list, which is not folded then. */
async function changedLately(worker) {
  await worker.told('guarding-before-what');
  await worker.told('guarding-before-twice');
  await worker.look('guarding-before');
}

/** The page hears of it by itself, or when something is asked for. */
async function isOut(person) {
  const there = person.page.getByRole('navigation').getByRole('link', { name: person.t('tab-who'), exact: true });
  if (await there.count() > 0) await there.click({ timeout: 5_000 }).catch(() => undefined);
  await person.on('come-title');
  await person.told('outside-session_ended');
}

const letters = async (person) => {
  const shown = (await person.page.locator('main .same').innerText()).trim();
  assert.match(shown, /^[0-9A-Z]{4} ?[0-9A-Z]{4}$/);
  return shown;
};

journey('a thief of the sheet is overruled by the guardians of before', { name: 'guardians-thief' }, async (stage) => {
  const language = 'fr';
  const kept = mkdtempSync(join(results, 'profiles-'));
  const profile = join(kept, 'thief');
  const { owner, keys, first, second } = await village(stage, language);
  const { address } = await friendOf(stage, language);
  const { thief, stolen } = await steals(stage, language, keys, profile, address);

  // The owner's device is out, and so is what the owner has on paper.
  owner.provoke(refused);
  await owner.tab('who');
  await owner.on('come-title');
  await owner.told('outside-session_ended');
  await owner.look('owner-out');
  await owner.comeWithWords(keys, null);
  await owner.told('error-wrong_words_or_handle');

  // The places find the person among the safes that were changed lately.
  const lost = await losesAll(stage, language);
  await toLost(first);
  await changedLately(first);
  await begins(first, lost.code);
  await vouches(first, true);
  await first.look('guarding-thief');
  await lost.lost.on('back-waits-title');
  assert.equal(await letters(first), await letters(lost.lost));
  await lost.lost.look('back-thief');
  await toLost(second);
  await vouchesLater(second, lost.code, true);
  assert.equal(await letters(second), await letters(first));
  await lost.lost.told('back-vouched', { count: 2, needed: 2 });

  // Days later the thief is still inside; then the owner is.
  await stage.pass(5 * days);
  const inside = await stage.newPerson('thief again', { language, profile });
  await inside.page.goto(`/?lang=${language}`);
  await inside.choose('welcome-come');
  await inside.comeWithWords(stolen, null);
  await inside.on('safe-title');
  await inside.told('alarm-title');
  await inside.look('alarm-thief');
  inside.provoke(refused);
  const again = await comesAgain(stage, lost, language);
  await again.on('back-ready-title');
  await again.press('back-open');
  await again.drawWays();
  await again.on('safe-title');
  await again.paper('Passeport').waitFor();
  await again.look('safe-after-thief');

  // What the thief put in is closed, says so, and goes.
  assert.equal(await again.page.getByText(forged).count(), 0);
  await again.openPaper('Passeport');
  assert.deepEqual(await again.download(), note.buffer);
  await again.tab('safe');
  await again.on('safe-title');
  await again.page.getByRole('link').filter({ hasText: again.t('paper-damaged-title') }).click();
  await again.on('paper-damaged-title');
  await again.look('closed-paper');
  await again.choose('paper-remove');
  await again.on('remove-title');
  await again.look('closed-paper-remove');
  await again.press('remove-yes');
  await again.on('safe-title');
  await again.paper('Passeport').waitFor();
  assert.equal(await again.page.getByText(again.t('paper-damaged-title')).count(), 0);
  await toGuardians(again);
  await again.told('guardians-left', { left: 3, needed: 2 });
  for (const label of [places[0].name, places[1].name, 'Awa']) await again.read(label);
  await again.look('guardians-after-thief');
  await again.tab('trace');
  await again.on('trace-title');
  await again.look('trace-after-thief');

  // The thief is out, with all they had made.
  await isOut(inside);
  await inside.look('thief-out');
  await inside.comeWithWords(stolen, null);
  await inside.told('error-wrong_words_or_handle');
  const sheet = await stage.newPerson('thief elsewhere', { language });
  sheet.provoke(refused);
  await sheet.arrive();
  await sheet.choose('welcome-come');
  await sheet.comeWithSheet(stolen, false);
  await sheet.told('error-wrong_held');
  await inside.close();
  rmSync(kept, { recursive: true });
});
