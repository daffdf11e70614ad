// Whoever was refused goes back, by the page's button and by the browser's, and finds an empty form or the choice.

import assert from 'node:assert/strict';
import { journey } from '../stage.mjs';

const [pin, other] = ['481709', '728406'];
/** Well written, and of nobody. */
const nobodys = 'CRCQ XEX4 2713 MQFW 9NNJ C1VD Z435 F3R4 D3P1';

for (const [language, keep] of [['fr', false], ['ar', true]]) {
  journey(`back after a refusal leads on, in ${language}`, { name: `refused-${language}` }, async (stage) => {
    const owner = await stage.newPerson('owner', { language });
    await owner.arrive();
    const keys = await owner.openSafe({ keep: true });
    await owner.on('safe-title');
    await owner.toWays();
    await owner.choose('ways-add-card');
    const letters = await owner.drawCard('boat', pin);
    await owner.on('ways-title');

    const door = await stage.newPerson('at the door', { language });
    door.provoke(/401/);
    const calm = async () => {
      for (const alert of await door.page.getByRole('alert').all()) assert.equal((await alert.innerText()).trim(), '');
    };
    const chooses = async () => {
      await door.on('come-title');
      await calm();
    };
    const isEmpty = async (field) => {
      await calm();
      assert.equal(await door.field(field).inputValue(), '');
    };
    await door.arrive();
    await door.choose('welcome-come');
    await door.keepOrNot(keep);

    // Words: nothing of them is left in the form.
    const [one, two, ...rest] = keys.words;
    await door.comeWithWords({ ...keys, words: [two, one, ...rest] });
    await door.told('error-wrong_words_or_handle');
    await door.press('back');
    await chooses();
    await door.choose('come-words');
    await door.on('come-words');
    await isEmpty('come-handle');
    for (const at of keys.words.keys()) {
      assert.equal(await door.page.getByLabel(`${door.t('come-word')} ${at + 1}`, { exact: true }).inputValue(), '');
    }
    await door.press('back');
    await chooses();

    // A sheet that was misread, and one that opens nothing.
    await door.comeWithSheet({ letters: keys.letters.slice(0, -4) });
    await door.told('error-sheet_misread');
    await door.press('back');
    await chooses();
    await door.choose('come-card');
    await door.on('come-card');
    await isEmpty('come-letters');
    await door.press('back');
    await chooses();

    // A card of nobody, then another PIN than the card's.
    await door.comeWithCard({ letters: nobodys, pin });
    await door.told('error-wrong_held');
    await door.press('back');
    await door.on('come-card');
    await calm();
    await door.press('back');
    await chooses();
    await door.comeWithCard({ letters, pin: other });
    await door.told('error-wrong_pin', { left: 9 });
    await door.look('refused');
    await door.press('back');
    await door.on('come-card');
    await calm();
    await door.press('back');
    await chooses();
    await door.choose('come-sheet');
    await door.on('come-sheet');
    await isEmpty('come-letters');
    await door.press('back');

    // The browser's own way back, out of a refusal: to the first screen, from where everything goes on.
    await door.comeWithWords({ ...keys, words: [two, one, ...rest] });
    await door.told('error-wrong_words_or_handle');
    await door.page.goBack();
    await door.on('welcome-title');
    await door.choose('welcome-come');
    if (keep) await door.keepOrNot(true);
    await chooses();
    await door.comeWithCard({ letters, pin });
    await door.on('safe-title');
  });
}
