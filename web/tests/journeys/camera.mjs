// Squares held before cameras: a structure's poster by whoever gives, a person's address by whoever has a
// paper for them, and the sheet by whoever comes back with it.

import assert from 'node:assert/strict';
import { film } from '../film.mjs';
import { canary, photo } from '../papers.mjs';
import { found } from '../story.mjs';
import { desktop, journey } from '../stage.mjs';

const structure = { name: 'Accueil de jour Les Tilleuls', place: 'Roubaix' };

journey('squares are read by the camera', { name: 'camera', camera: true }, async (stage) => {
  const manager = await stage.newPerson('manager', { viewport: desktop });
  await found(stage, manager, structure, 'Claire');
  const poster = await manager.page.getByRole('img', { name: manager.t('poster-qr') }).screenshot({ type: 'png' });

  const owner = await stage.newPerson('owner');
  await owner.arrive();
  let sheet = null;
  await owner.openSafe({ keep: false, onSheet: async () => {
    sheet = await owner.page.getByRole('img', { name: owner.t('sheet-paper-qr') }).screenshot({ type: 'png' });
  } });
  await owner.on('safe-title');
  const { bytes } = await photo(stage.browser, { colour: 'rgb(204, 32, 32)', width: 800, height: 600 });
  await owner.put(canary('Carte'), { name: 'IMG_1.jpg', mimeType: 'image/jpeg', buffer: bytes });

  // The owner's address, before the camera of a worker who has a paper for them.
  await owner.follow('safe-inbox');
  await owner.on('inbox-title');
  const address = (await owner.page.getByRole('group', { name: owner.t('inbox-address') }).innerText()).trim();
  await film(stage, await owner.page.getByRole('img', { name: owner.t('inbox-address') }).screenshot({ type: 'png' }));
  await manager.tab('received');
  await manager.follow('hand-title');
  await manager.page.getByTestId('files').setInputFiles({ name: 'IMG_1.jpg', mimeType: 'image/jpeg', buffer: bytes });
  await manager.press('hand-scan');
  await manager.field('hand-whose').waitFor();
  assert.ok((await manager.field('hand-whose').inputValue()).startsWith(address), 'the address, and what it carries');
  await manager.write('title-label', 'Attestation');
  await manager.press('hand-send');
  await manager.told('hand-done');
  await owner.tab('safe');
  await owner.told('safe-inbox-waits', { count: 1 });

  // The poster.
  await film(stage, poster);
  await compare(owner);
  await owner.on('compared-title');
  await owner.look('compared-by-camera');

  // The sheet opens the safe on another device.
  await film(stage, sheet);
  const elsewhere = await stage.newPerson('owner elsewhere', { viewport: desktop });
  await elsewhere.page.goto('/?lang=fr');
  await elsewhere.choose('welcome-come');
  await elsewhere.keepOrNot(false);
  await elsewhere.choose('come-sheet');
  await elsewhere.press('scan-start');
  await elsewhere.on('safe-title');
  await elsewhere.told('safe-inbox-waits', { count: 1 });

  // Another structure's square is not this one's.
  const other = await stage.newPerson('manager of another', { viewport: desktop });
  const namesake = { ...structure, name: 'Accueil de nuit Les Saules' };
  await found(stage, other, namesake, 'Maryam');
  await film(stage, await other.page.getByRole('img', { name: other.t('poster-qr') }).screenshot({ type: 'png' }));
  const second = await stage.newPerson('second owner');
  await second.arrive();
  await second.openSafe({ keep: false });
  await second.on('safe-title');
  await second.put(canary('Carte'), { name: 'IMG_1.jpg', mimeType: 'image/jpeg', buffer: bytes });
  await compare(second);
  await second.told('error-code_differs');
});

/** Goes to the comparison with the first structure, and holds the camera out. */
async function compare(owner) {
  await owner.follow('safe-give');
  await owner.on('give-who-title');
  await owner.write('give-who-search', 'Tilleuls');
  await owner.press('give-who-find');
  await owner.chooseNamed(structure.name);
  await owner.on('compare-title', { name: structure.name });
  await owner.press('scan-start');
}
