// A secret became known: other keys, other words, nobody of before; and everything that was there is there.

import assert from 'node:assert/strict';
import { journey } from '../stage.mjs';

const refused = /status of (401|404)/;
const note = { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('note') };

journey('a secret that became known opens nothing any more', {}, async (stage) => {
  const language = 'ar';
  const owner = await stage.newPerson('owner', { language });
  await owner.arrive();
  const old = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  assert.equal(await owner.link('known-offer-yes').count(), 0, 'one made it here');
  await owner.put('note', note);
  const thief = await stage.newPerson('whoever saw the words');
  await thief.page.goto('/?lang=fr');
  await thief.choose('welcome-come');
  await thief.comeWithWords(old, true);
  await thief.on('safe-title');

  await owner.tab('settings');
  await owner.choose('settings-ways');
  await owner.on('ways-title');
  await owner.choose('known-title');
  await owner.on('known-title');
  await owner.look('known');
  await owner.press('known-yes');
  await owner.on('open-how-title');
  await owner.press('back');
  await owner.on('known-title');
  await owner.press('known-yes');
  const now = await owner.drawWays();
  await owner.on('safe-title');
  assert.notEqual(now.handle, old.handle);
  await owner.paper('note').waitFor();
  await owner.told('known-done');
  await owner.look('known-after');
  await owner.press('known-done-yes');
  await owner.tab('trace');
  await owner.told('trace-new_generation');
  await owner.tab('settings');
  await owner.choose('settings-devices');
  await owner.on('devices-title');
  await owner.told('devices-this');
  assert.equal(await owner.button('devices-retire').count(), 0, 'no other device is left');
  await owner.put('note2', { ...note, name: 'note2.txt' });

  // Who was inside is out, and comes back with nothing that they know.
  thief.provoke(refused);
  await thief.tab('who');
  await thief.on('come-title');
  await thief.told('outside-session_ended');
  await thief.comeWithWords(old, null);
  await thief.told('error-wrong_words_or_handle');
  const other = await stage.newPerson('whoever has the sheet');
  other.provoke(refused);
  await other.page.goto('/?lang=fr');
  await other.choose('welcome-come');
  await other.comeWithSheet(old, false);
  await other.told('error-wrong_held');

  const phone = await stage.newPerson('owner elsewhere', { language });
  await phone.arrive();
  await phone.choose('welcome-come');
  await phone.comeWithSheet(now, true);
  await phone.on('safe-title');
  await phone.paper('note').waitFor();
  await phone.paper('note2').waitFor();
  // Both devices are of one's own.
  assert.equal(await phone.link('known-offer-yes').count(), 0);
});

journey('the first device of one’s own is offered other keys', {}, async (stage) => {
  const desk = await stage.newPerson('at a desk');
  await desk.arrive();
  const drawn = await desk.openSafe({ keep: false });
  await desk.on('safe-title');
  assert.equal(await desk.link('known-offer-yes').count(), 0, 'this is somebody else’s');

  const phone = await stage.newPerson('with a phone', { language: 'ar' });
  await phone.arrive();
  await phone.choose('welcome-come');
  await phone.comeWithWords(drawn, true);
  await phone.on('safe-title');
  await phone.told('known-offer');
  await phone.look('known-offer');
  await phone.follow('known-offer-yes');
  await phone.on('known-title');
  await phone.press('back');
  await phone.on('ways-title');
  await phone.tab('safe');
  await phone.press('known-offer-no');
  await phone.link('known-offer-yes').waitFor({ state: 'detached' });
  // Asked once: the next time it is a device like any other.
  await phone.page.reload();
  await phone.comeWithWords(drawn, null);
  await phone.on('safe-title');
  assert.equal(await phone.link('known-offer-yes').count(), 0);
});
