// Six words, the sheet and a card's code are changed: the old ones open until the new ones were checked, and nobody is put out.

import assert from 'node:assert/strict';
import { film } from '../film.mjs';
import { desktop, journey } from '../stage.mjs';

const [pin, other] = ['481709', '728406'];

/** Somebody at the door of the same safe. */
async function door(stage, language, provoked) {
  const person = await stage.newPerson('elsewhere', { language, viewport: desktop });
  if (provoked) person.provoke(provoked);
  await person.arrive();
  await person.choose('welcome-come');
  return person;
}

/** New words, typed back; gives them. */
async function changeWords(owner) {
  await owner.press('ways-change-words');
  await owner.on('anew-words');
  await owner.look('anew-words');
  await owner.press('next');
  await owner.on('open-handle-title');
  const handle = (await owner.page.locator('main .handle').innerText()).trim();
  await owner.press('open-handle-next');
  await owner.on('open-words-title');
  const words = (await owner.page.locator('main .word').allInnerTexts()).map((word) => word.trim());
  await owner.press('open-words-next');
  await owner.on('open-check-title');
  for (let number = 1; number <= 6; number += 1) {
    if (await owner.field('open-check-word', { number }).count() > 0) {
      await owner.write('open-check-word', words[number - 1], { number });
    }
  }
  await owner.press('next');
  return { handle, words };
}

journey('words and sheet are changed, also half-way', { name: 'changing' }, async (stage) => {
  const language = 'fr';
  const owner = await stage.newPerson('owner', { language });
  await owner.arrive();
  const old = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  const inside = await door(stage, language);
  await inside.comeWithWords(old, false);
  await inside.on('safe-title');

  await owner.toWays();
  const { handle, words } = await changeWords(owner);
  await owner.on('anew-words-done');
  await owner.look('anew-words-done');
  assert.notEqual(handle, old.handle);
  await owner.press('next');
  await owner.on('ways-title');
  // Who is in stays in; the old words open nothing, the new ones do.
  await inside.tab('trace');
  await inside.on('trace-title');
  const elsewhere = await door(stage, language, /401/);
  await elsewhere.comeWithWords(old, false);
  await elsewhere.told('error-wrong_words_or_handle');
  const came = await door(stage, language);
  await came.comeWithWords({ handle, words }, false);
  await came.on('safe-title');

  // The network goes when the new sheet is set and the old one is not cancelled yet.
  await owner.press('ways-change-sheet');
  await owner.on('anew-sheet');
  await owner.look('anew-sheet');
  await owner.press('next');
  await owner.on('sheet-own-title');
  const letters = await owner.sheet();
  await owner.press('sheet-next');
  owner.provoke(/ERR_FAILED/);
  let taken = false;
  await owner.page.context().route('**/v1/statements', async (route) => {
    if (taken) return route.abort();
    const response = await route.fetch();
    taken = response.ok();
    return route.fulfill({ response });
  });
  await owner.checkSheet(letters);
  await owner.on('anew-stopped');
  await owner.told('anew-sheet-both');
  await owner.look('anew-both');
  const both = await door(stage, language);
  await both.comeWithSheet({ letters }, false);
  await both.on('safe-title');
  await owner.press('anew-later');
  await owner.on('ways-title');
  // Both sheets are listed.
  await owner.button('ways-change-sheet').nth(1).waitFor();
  await owner.page.context().unroute('**/v1/statements');
  // The older of the two goes.
  await owner.button('ways-cancel').first().click();
  await owner.on('ways-cancel-sheet');
  await owner.press('ways-cancel-yes');
  await owner.on('ways-title');
  await owner.button('ways-change-sheet').nth(1).waitFor({ state: 'detached' });
  const late = await door(stage, language, /401/);
  await late.comeWithSheet(old, false);
  await late.told('error-wrong_held');
});

journey('a card is checked before the camera, and takes another code', { name: 'changing-card', camera: true }, async (stage) => {
  const language = 'ar';
  const owner = await stage.newPerson('owner', { language });
  await owner.arrive();
  await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  await owner.toWays();
  await owner.choose('ways-add-card');
  await owner.page.getByRole('radio', { name: owner.t('picture-boat') }).check({ force: true });
  await owner.press('next');
  await owner.choosePin(pin);
  await owner.on('card-paper-title');
  const letters = (await owner.page.locator('main .wallet .group').allInnerTexts()).join('');
  const card = await owner.page.getByRole('img', { name: owner.t('card-paper-qr') }).screenshot({ type: 'png' });
  await owner.press('card-paper-next');
  await owner.on('card-check-title');
  await film(stage, card);
  await owner.press('card-check-scan');
  await owner.on('ways-title');

  // The same card, another code.
  await owner.press('ways-card-pin');
  await owner.on('cardpin-title');
  await owner.look('cardpin');
  await owner.write('cardpin-letters', 'CRCQ XEX4 2713 MQFW 9NNJ C1VD Z435 F3R4 D3P1');
  await owner.press('next');
  await owner.told('cardpin-other');
  await owner.look('cardpin-other');
  await owner.press('try-again');
  await owner.press('scan-start');
  await owner.choosePin(other);
  await owner.on('ways-title');
  await owner.button('ways-card-pin').waitFor();
  assert.equal(await owner.button('ways-card-pin').count(), 1);
  const desk = await door(stage, language);
  await desk.keepOrNot(false);
  await desk.choose('come-card');
  await desk.write('come-letters', letters);
  await desk.press('next');
  await desk.on('come-pin');
  await desk.typePin(pin);
  await desk.told('error-wrong_pin', { left: 9 });
  await desk.typePin(other);
  await desk.on('safe-title');
});
