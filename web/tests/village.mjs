// Guardians in a journey: who is named, who lost everything, and who helps them.

import assert from 'node:assert/strict';
import { desktop, phone } from './stage.mjs';
import { found } from './story.mjs';

export const pin = '481709';
export const signedAs = 'Amina D.';
export const knownBy = 'la dame au chien';
export const places = [
  { name: 'Accueil Sésame', place: 'Lyon' }, { name: 'Maison de la Source', place: 'Lyon' }, { name: 'Relais du Port', place: 'Sète' },
];
export const note = { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('note') };

/** A place with somebody at its desk. */
export async function placeOf(stage, at, language, options = {}) {
  const worker = await stage.newPerson(`desk ${at + 1}`, { language, viewport: desktop, ...options });
  const { code, keys } = await found(stage, worker, places[at], `Claire ${at + 1}`);
  return { worker, code, keys };
}

/** Somebody who has a safe; gives what others scan who want to give them something. */
export async function friendOf(stage, language) {
  const friend = await stage.newPerson('friend', { language });
  await friend.arrive();
  await friend.openSafe({ keep: true });
  await friend.on('safe-title');
  await friend.follow('safe-inbox');
  await friend.on('inbox-title');
  const address = (await friend.page.getByRole('group', { name: friend.t('inbox-address') }).innerText()).trim();
  return { friend, address };
}

export async function ownerOf(stage, language, options = {}) {
  const owner = await stage.newPerson('owner', { language, ...options });
  await owner.arrive();
  const keys = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  await owner.put('Passeport', note);
  return { owner, keys };
}

export async function toGuardians(person) {
  await person.toWays();
  await person.choose('ways-guardians');
  await person.on('guardians-title');
}

export async function addPlace(owner, { name }, code, look = false) {
  await owner.choose('naming-place');
  await owner.on('naming-place-title');
  await owner.chooseNamed(name);
  await owner.on('compare-title', { name });
  if (look) await owner.look('naming-compare');
  await owner.field('compare-code').pressSequentially(code);
  await owner.press('compare-do');
  await owner.on('naming-who-title');
}

export async function addPerson(owner, address, label, own = null) {
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

/** A paper that counts as one of them; gives its letters. */
export async function addPaper(owner, label, look = false) {
  await owner.choose('naming-paper');
  await owner.on('naming-paper');
  await owner.page.getByRole('img', { name: owner.t('sheet-paper-qr') }).waitFor();
  if (look) await owner.look('naming-paper');
  const letters = (await owner.page.locator('main .paper .group').allInnerTexts()).join('');
  assert.equal(letters.length, 36);
  await owner.press('naming-paper-next');
  await owner.on('naming-paper-check-title');
  if (look) await owner.look('naming-paper-check');
  await owner.write('naming-paper-check-letters', letters.slice(-4));
  await owner.press('next');
  await owner.on('naming-paper-where');
  await owner.write('naming-paper-call', label);
  await owner.press('next');
  await owner.on('naming-who-title');
  return letters;
}

/** From the last question about who, to the list of those who were named. */
export async function nameThem(owner, count) {
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
export async function village(stage, language, look = false) {
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
  await addPlace(owner, places[0], first.code, look);
  await addPlace(owner, places[1], second.code);
  await addPerson(owner, address, 'Awa');
  await owner.look('naming-who');
  await nameThem(owner, 3);
  await owner.read('Awa');
  await owner.look('guardians');
  return { owner, keys, friend, first: first.worker, second: second.worker };
}

const comes = (address) => (address === '/' ? 'welcome-come' : 'welcome-desk-come');

/** Somebody with nothing on any computer: a return card, and the square on the screen. */
export async function losesAll(stage, language, { look = false, viewport = phone, address = '/' } = {}) {
  const lost = await stage.newPerson('lost', { language, viewport });
  await lost.arrive(address);
  await lost.choose(comes(address));
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

export async function square(lost) {
  const code = (await lost.page.locator('main .printed .group').allInnerTexts()).join(' ');
  assert.equal(code.replaceAll(' ', '').length, 24);
  return code;
}

/** Days later: with the card that was kept. */
export async function comesAgain(stage, { letters }, language, { wrong = null, provoked = null, address = '/', keep = false } = {}) {
  const lost = await stage.newPerson('lost again', { language });
  if (provoked) lost.provoke(provoked);
  await lost.arrive(address);
  await lost.choose(comes(address));
  await lost.keepOrNot(keep);
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

/** The paper that somebody kept is shown. */
export async function hasPaper(lost, letters, look = false) {
  await lost.press('back-have-paper');
  if (look) await lost.look('back-have-paper');
  await lost.write('come-letters', letters.toLowerCase());
  await lost.press('next');
  await lost.told('back-vouched', { count: 2, needed: 2 });
}

export async function toLost(worker) {
  await worker.tab('received');
  await worker.follow('received-lost');
  await worker.on('guarding-desk-title');
}

export async function choosePerson(helper) {
  await helper.chooseNamed(signedAs);
  await helper.on('guarding-one');
  await helper.read(knownBy);
}

/** From the list: begins the return of whoever shows this. */
export async function begins(helper, code, look = false) {
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

export async function vouches(helper, met) {
  await helper.choose(met ? 'guarding-met' : 'guarding-afar');
  await helper.told('guarding-vouched');
}

export async function vouchesLater(helper, code, met) {
  await choosePerson(helper);
  await helper.choose('guarding-vouch');
  await helper.on('guarding-code');
  await helper.write('guarding-letters', code);
  await helper.press('next');
  await helper.on('guarding-how');
  await vouches(helper, met);
}

export async function toGuarding(friend) {
  await toGuardians(friend);
  await friend.choose('guarding-mine');
  await friend.on('guarding-mine');
}
