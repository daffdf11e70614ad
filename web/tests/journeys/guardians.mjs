// Somebody loses everything: two places and a friend whom they had named bring them back, and never unseen.

import assert from 'node:assert/strict';
import { desktop, journey } from '../stage.mjs';
import { found } from '../story.mjs';

const pin = '481709';
const signedAs = 'Amina D.';
const knownBy = 'la dame au chien';
const places = [{ name: 'Accueil Sésame', place: 'Lyon' }, { name: 'Maison de la Source', place: 'Lyon' }];
const note = { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('note') };

/** A place with somebody at its desk. */
async function placeOf(stage, at, language) {
  const worker = await stage.newPerson(`desk ${at + 1}`, { language, viewport: desktop });
  const { code } = await found(stage, worker, places[at], `Claire ${at + 1}`);
  return { worker, code };
}

/** Somebody who has a safe; gives what others scan who want to give them something. */
async function friendOf(stage, language) {
  const friend = await stage.newPerson('friend', { language });
  await friend.arrive();
  await friend.openSafe({ keep: true });
  await friend.on('safe-title');
  await friend.follow('safe-inbox');
  await friend.on('inbox-title');
  const address = (await friend.page.getByRole('group', { name: friend.t('inbox-address') }).innerText()).trim();
  return { friend, address };
}

async function ownerOf(stage, language) {
  const owner = await stage.newPerson('owner', { language });
  await owner.arrive();
  const keys = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  await owner.put('Passeport', note);
  return { owner, keys };
}

async function toGuardians(person) {
  await person.toWays();
  await person.choose('ways-guardians');
  await person.on('guardians-title');
}

async function addPlace(owner, { name }, code) {
  await owner.choose('naming-place');
  await owner.on('naming-place-title');
  await owner.chooseNamed(name);
  await owner.on('compare-title', { name });
  await owner.field('compare-code').pressSequentially(code);
  await owner.press('compare-do');
  await owner.on('naming-who-title');
}

async function addPerson(owner, address, label, own = null) {
  await owner.choose('naming-person');
  await owner.on('naming-person');
  if (own) {
    await owner.write('naming-person-text', own);
    await owner.press('next');
    await owner.told('naming-person-own');
  }
  await owner.look('naming-person');
  await owner.write('naming-person-text', address);
  await owner.press('next');
  await owner.on('naming-person-name');
  await owner.write('naming-person-call', label);
  await owner.press('next');
  await owner.on('naming-who-title');
}

/** From the last question about who, to the list of those who were named. */
async function nameThem(owner, count) {
  await owner.press('naming-next', { count });
  if (count > 2) {
    await owner.on('naming-needed-title');
    await owner.look('naming-needed');
    await owner.page.getByRole('button', { name: owner.t('naming-needed-advised') }).click();
  }
  await owner.on('naming-known-title');
  await owner.write('naming-name', signedAs);
  await owner.write('naming-known', knownBy);
  await owner.look('naming-known');
  await owner.press('next');
  await owner.on('naming-yes-title');
  await owner.look('naming-yes');
  await owner.press('naming-yes');
  await owner.on('guardians-title');
  await owner.told('guardians-left', { left: count, needed: 2 });
}

/** Two places and a friend, of whom two are needed. */
async function village(stage, language, look = false) {
  const [first, second] = [await placeOf(stage, 0, language), await placeOf(stage, 1, language)];
  const { friend, address } = await friendOf(stage, language);
  const { owner, keys } = await ownerOf(stage, language);
  await toGuardians(owner);
  if (look) await owner.look('guardians-none');
  await owner.press('guardians-begin');
  await owner.on('naming-what-title');
  await owner.look('naming-what');
  await owner.press('next');
  await owner.on('naming-who-title');
  if (look) await owner.look('naming-who-none');
  await addPlace(owner, places[0], first.code);
  await addPlace(owner, places[1], second.code);
  await addPerson(owner, address, 'Awa');
  await owner.look('naming-who');
  await nameThem(owner, 3);
  await owner.read('Awa');
  await owner.look('guardians');
  return { owner, keys, friend, first: first.worker, second: second.worker };
}

/** Somebody with nothing on any computer: a return card, and the square on the screen. */
async function losesAll(stage, language, look = false) {
  const lost = await stage.newPerson('lost', { language });
  await lost.arrive();
  await lost.choose('welcome-come');
  await lost.keepOrNot(false);
  if (look) await lost.look('come');
  await lost.choose('come-nothing');
  await lost.on('back-title');
  if (look) await lost.look('back');
  await lost.choose('back-new');
  await lost.choosePin(pin);
  await lost.on('back-paper-title');
  if (look) await lost.look('back-paper');
  const letters = (await lost.page.locator('main .wallet .group').allInnerTexts()).join('');
  assert.equal(letters.length, 36);
  await lost.press('card-paper-next');
  await lost.on('card-check-title');
  await lost.press('card-check-type');
  await lost.write('card-check-letters', letters.slice(-4).toLowerCase());
  await lost.press('next');
  await lost.on('back-show');
  const code = await square(lost);
  if (look) await lost.look('back-show');
  return { lost, letters, code };
}

async function square(lost) {
  const code = (await lost.page.locator('main .printed .group').allInnerTexts()).join(' ');
  assert.equal(code.replaceAll(' ', '').length, 24);
  return code;
}

/** Days later: with the card that was kept. */
async function comesAgain(stage, { letters }, language, { wrong = null } = {}) {
  const lost = await stage.newPerson('lost again', { language });
  await lost.arrive();
  await lost.choose('welcome-come');
  await lost.keepOrNot(false);
  await lost.choose('come-nothing');
  await lost.on('back-title');
  await lost.choose('back-have');
  await lost.on('back-card');
  await lost.write('come-letters', letters.toLowerCase());
  await lost.press('next');
  await lost.on('come-pin');
  if (wrong) {
    await lost.typePin(wrong);
    await lost.told('error-wrong_pin', { left: 9 });
    await lost.look('back-wrong-pin');
  }
  await lost.typePin(pin);
  return lost;
}

async function toLost(worker) {
  await worker.tab('received');
  await worker.follow('received-lost');
  await worker.on('guarding-desk-title');
}

async function choosePerson(helper) {
  await helper.chooseNamed(signedAs);
  await helper.on('guarding-one');
  await helper.read(knownBy);
}

/** From the list: begins the return of whoever shows this. */
async function begins(helper, code, look = false) {
  await choosePerson(helper);
  if (look) await helper.look('guarding-one');
  await helper.choose('guarding-begin');
  await helper.on('guarding-code');
  if (look) {
    await helper.write('guarding-letters', 'ABCD');
    await helper.press('next');
    await helper.on('guarding-sure');
    await helper.press('guarding-sure-yes');
    await helper.told('guarding-misread');
    await helper.look('guarding-code');
  }
  await helper.write('guarding-letters', code.toLowerCase());
  await helper.press('next');
  await helper.on('guarding-sure');
  if (look) await helper.look('guarding-sure');
  await helper.press('guarding-sure-yes');
  await helper.on('guarding-how');
  if (look) await helper.look('guarding-how');
}

async function vouches(helper, met) {
  await helper.choose(met ? 'guarding-met' : 'guarding-afar');
  await helper.told('guarding-vouched');
}

async function vouchesLater(helper, code, met) {
  await choosePerson(helper);
  await helper.choose('guarding-vouch');
  await helper.on('guarding-code');
  await helper.write('guarding-letters', code);
  await helper.press('next');
  await helper.on('guarding-how');
  await vouches(helper, met);
}

async function toGuarding(friend) {
  await toGuardians(friend);
  await friend.choose('guarding-mine');
  await friend.on('guarding-mine');
}

for (const language of ['fr', 'ar']) {
  journey(`whoever lost everything begins to come back, in ${language}`, { name: `guardians-${language}` }, async (stage) => {
    const { friend, first } = await village(stage, language, true);
    const lost = await losesAll(stage, language, true);
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

  journey(`a device stops a return that is not its person’s, and cannot stop the next, in ${language}`, { name: `guardians-alarm-${language}` }, async (stage) => {
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
}

journey('a paper counts as one of them, and who does not want to be one any more goes', { name: 'guardians-paper' }, async (stage) => {
  const { worker, code } = await placeOf(stage, 0, 'fr');
  const { friend, address } = await friendOf(stage, 'ar');
  const { owner } = await ownerOf(stage, 'fr');
  await owner.follow('safe-inbox');
  await owner.on('inbox-title');
  const own = (await owner.page.getByRole('group', { name: owner.t('inbox-address') }).innerText()).trim();
  await toGuardians(owner);
  await owner.press('guardians-begin');
  await owner.press('next');
  await addPlace(owner, places[0], code);
  await owner.choose('naming-paper');
  await owner.on('naming-paper');
  await owner.page.getByRole('img', { name: owner.t('sheet-paper-qr') }).waitFor();
  await owner.look('naming-paper');
  const paper = (await owner.page.locator('main .paper .group').allInnerTexts()).join('');
  assert.equal(paper.length, 36);
  await owner.press('naming-paper-next');
  await owner.on('sheet-check-title');
  await owner.write('sheet-check-letters', paper.slice(-4));
  await owner.press('next');
  await owner.on('naming-paper-where');
  await owner.write('naming-paper-call', 'chez ma sœur');
  await owner.press('next');
  await owner.on('naming-who-title');
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

  // And the owner has nobody any more.
  lost.provoke(/status of 410/);
  await owner.choose('guardians-end');
  await owner.on('guardians-end-title');
  await owner.look('guardians-end');
  await owner.press('guardians-end-yes');
  await owner.button('guardians-begin').waitFor();
  await lost.on('back-over-title');
  await lost.look('back-over');
});
