// Somebody loses everything: two places and a friend whom they had named bring them back, and never unseen.

import assert from 'node:assert/strict';
import { journey } from '../stage.mjs';
import {
  addPaper, addPerson, addPlace, begins, choosePerson, comesAgain, friendOf, losesAll, nameThem, ownerOf, pin, placeOf, places,
  square, toGuarding, toGuardians, toLost, village, vouches, vouchesLater,
} from '../village.mjs';

journey('whoever lost everything begins to come back', { name: 'guardians' }, async (stage) => {
  const language = 'ar';
  const { friend, first } = await village(stage, language, true);
  const lost = await losesAll(stage, language, { look: true });
  await toLost(first);
  await first.look('guarding-desk');
  await begins(first, lost.code, true);
  await vouches(first, true);
  await first.look('guarding-vouched');
  await lost.lost.on('back-waits-title');
  await lost.lost.told('back-vouched', { count: 1, needed: 2 });
  await lost.lost.look('back-one');

  // A friend says from afar that it is them; the page may have been closed meanwhile.
  await lost.lost.leavePage();
  await toGuarding(friend);
  await friend.look('guarding');
  await vouchesLater(friend, lost.code, false);
  await friend.look('guarding-friend');
  const again = await comesAgain(stage, lost, language, { wrong: '940271' });
  await again.on('back-waits-title');
  await again.told('back-vouched', { count: 2, needed: 2 });
  await again.look('back-two');
  assert.equal(await again.button('back-open').count(), 0, 'seven days are not over');
});

journey('a device stops a return that is not its person’s, and cannot stop the next', { name: 'guardians-alarm' }, async (stage) => {
  const language = 'fr';
  const { owner, keys, friend, first } = await village(stage, language);
  const lost = await losesAll(stage, language);
  await toLost(first);
  await begins(first, lost.code);
  await vouches(first, false);

  // The owner is told above everything, and stops it with one touch.
  await owner.tab('safe');
  await owner.on('safe-title');
  await owner.page.reload();
  await owner.comeWithWords(keys, null);
  await owner.on('safe-title');
  await owner.told('alarm-title');
  await owner.look('alarm');
  await owner.press('alarm-stop');
  await owner.told('alarm-after');
  await owner.look('alarm-stopped');
  await owner.tab('trace');
  await owner.told('trace-return_stopped');
  await owner.look('trace-stopped');
  await lost.lost.on('back-stopped-title');
  await lost.lost.look('back-stopped');

  // The next one takes everybody, and no device stops it.
  await lost.lost.press('back-anew');
  await lost.lost.on('back-title');
  await lost.lost.choose('back-new');
  await lost.lost.choosePin(pin);
  await lost.lost.on('back-paper-title');
  const letters = (await lost.lost.page.locator('main .wallet .group').allInnerTexts()).join('');
  await lost.lost.press('card-paper-next');
  await lost.lost.press('card-check-type');
  await lost.lost.write('card-check-letters', letters.slice(-4));
  await lost.lost.press('next');
  await lost.lost.on('back-show');
  const code = await square(lost.lost);
  await toGuarding(friend);
  await begins(friend, code);
  await vouches(friend, true);
  await friend.told('guarding-strict');
  await friend.look('guarding-strict');
  await lost.lost.told('back-strict');
  await lost.lost.told('back-vouched', { count: 1, needed: 3 });
  await lost.lost.look('back-strict');
  await owner.tab('safe');
  await owner.on('safe-title');
  await owner.page.reload();
  await owner.comeWithWords(keys, null);
  await owner.told('alarm-strict');
  await owner.look('alarm-strict');
  assert.equal(await owner.button('alarm-stop').count(), 0);
});

journey('a paper counts as one of them, and who does not want to be one any more goes', { name: 'guardians-paper' }, async (stage) => {
  const { worker, code } = await placeOf(stage, 0, 'fr');
  const { friend, address } = await friendOf(stage, 'ar');
  const { owner, keys } = await ownerOf(stage, 'fr');
  await owner.follow('safe-inbox');
  await owner.on('inbox-title');
  const own = (await owner.page.getByRole('group', { name: owner.t('inbox-address') }).innerText()).trim();
  await toGuardians(owner);
  await owner.press('guardians-begin');
  await owner.press('next');
  await addPlace(owner, places[0], code);
  const paper = await addPaper(owner, 'chez ma sœur', true);
  // Nobody is named twice, and nobody names themselves.
  await addPerson(owner, address, 'Awa', own);
  await addPerson(owner, address, 'Awa');
  await owner.told('naming-twice');
  await owner.look('naming-twice');
  await nameThem(owner, 3);
  await owner.read('chez ma sœur');

  // The friend resigns, which the owner is told.
  await toGuarding(friend);
  await choosePerson(friend);
  await friend.choose('guarding-resign');
  await friend.on('guarding-resign-title');
  await friend.look('guarding-resign');
  await friend.press('guarding-resign-yes');
  await friend.told('guarding-none');
  await friend.look('guarding-none');
  await toGuardians(owner);
  await owner.told('guardians-left', { left: 2, needed: 2 });
  await owner.told('guardians-resigned');
  await owner.told('guardians-just');
  await owner.look('guardians-resigned');

  // The paper is shown by whoever comes back, and counts.
  const { lost, code: shown } = await losesAll(stage, 'fr');
  await toLost(worker);
  await begins(worker, shown);
  await vouches(worker, true);
  await lost.told('back-vouched', { count: 1, needed: 2 });
  await lost.press('back-have-paper');
  await lost.write('come-letters', 'ABCD');
  await lost.press('next');
  await lost.told('error-sheet_misread');
  await lost.write('come-letters', paper.toLowerCase());
  await lost.press('next');
  await lost.told('back-vouched', { count: 2, needed: 2 });
  await lost.look('back-paper-counts');

  // And the owner has nobody any more, which ends no return: an own device stops it.
  await owner.choose('guardians-end');
  await owner.on('guardians-end-title');
  await owner.look('guardians-end');
  await owner.press('guardians-end-yes');
  await owner.button('guardians-begin').waitFor();
  await lost.on('back-waits-title');
  await owner.page.reload();
  await owner.comeWithWords(keys, null);
  await owner.on('safe-title');
  await owner.told('alarm-title');
  await owner.press('alarm-stop');
  await owner.told('alarm-after');
  await lost.on('back-stopped-title');
});
