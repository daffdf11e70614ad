// A browser opens one safe with a PIN. Whoever wants it to open theirs is asked first: refused once, nothing has
// changed; agreed once, the other safe opens with what is on its person's paper.

import assert from 'node:assert/strict';
import { actsOf } from '../acts.mjs';
import { journey } from '../stage.mjs';

const [pin, other] = ['481709', '728406'];
const note = { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('note') };

journey('a device that opens one safe with a PIN asks before it opens another', { name: 'remembers' }, async (stage) => {
  const device = await stage.newPerson('the device', { language: 'fr' });
  const first = device;
  const second = { ...device, language: 'ar' };
  Object.assign(second, actsOf(second));
  const goes = async (person) => {
    await person.tab('settings');
    await person.choose('settings-lock');
    await person.on('come-pin');
  };
  /** The page is opened, in the language of whoever is there, and asks for the PIN. */
  const opens = async (person) => {
    await device.page.goto(`/?lang=${person.language}`);
    await person.on('come-pin');
  };

  await first.arrive();
  const keys = await first.openSafe({ keep: true });
  await first.on('safe-title');
  await first.put('premier', note);
  await first.toWays();
  await first.choose('ways-add-pin');
  await first.choosePin(pin);
  await first.on('ways-title');
  await first.told('ways-here');
  await goes(first);

  // Somebody else opens a safe on the same device, and wants a PIN too.
  await opens(second);
  await second.press('come-otherwise');
  await second.on('come-title');
  const others = await second.openSafe({ keep: true });
  await second.on('safe-title');
  await second.put('second', note);
  const asks = async () => {
    await second.toWays();
    await second.choose('ways-add-pin');
    await second.choosePin(other);
    await second.told('error-remembers_another');
  };
  await asks();
  await second.look('remembers');
  await second.press('keep-it');
  await second.on('ways-title');
  await second.told('ways-add-pin');
  assert.equal(await second.page.getByText(second.t('ways-here'), { exact: true }).count(), 0);
  await goes(second);

  // Refused: it is the first one's as before.
  await opens(first);
  await first.typePin(pin);
  await first.paper('premier').waitFor();
  assert.equal(await first.paper('second').count(), 0);
  await goes(first);

  // Agreed.
  await opens(second);
  await second.press('come-otherwise');
  await second.comeWithWords(others);
  await second.keepOrNot(true);
  await second.on('safe-title');
  await asks();
  await second.press('pin-instead');
  await second.on('ways-title');
  await second.told('ways-here');
  await second.look('ways-instead');
  await goes(second);
  await opens(second);
  await second.typePin(pin);
  await second.told('error-wrong_pin', { left: 9 });
  await second.typePin(other);
  await second.paper('second').waitFor();
  await goes(second);

  // The first one's safe is as it was, and opens with its words.
  await opens(first);
  await first.press('come-otherwise');
  await first.comeWithWords(keys);
  await first.keepOrNot(true);
  await first.paper('premier').waitFor();
});
