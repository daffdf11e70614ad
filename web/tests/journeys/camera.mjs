// A structure's square, held before the camera of whoever gives: the same code as the letters, read.

import { writeFileSync } from 'node:fs';
import { canary, photo } from '../papers.mjs';
import { found } from '../story.mjs';
import { desktop, journey } from '../stage.mjs';

const structure = { name: 'Accueil de jour Les Tilleuls', place: 'Roubaix' };

journey('the square at the desk is read by the camera', { name: 'camera', camera: true }, async (stage) => {
  const manager = await stage.newPerson('manager', { viewport: desktop });
  await found(stage, manager, structure, 'Claire');
  const square = manager.page.getByRole('img', { name: manager.t('poster-qr') });
  await film(stage, await square.screenshot({ type: 'png' }));

  const owner = await stage.newPerson('owner');
  await owner.arrive();
  await owner.openSafe({ keep: false });
  await owner.on('safe-title');
  const { bytes } = await photo(stage.browser, { colour: 'rgb(204, 32, 32)', width: 800, height: 600 });
  await owner.put(canary('Carte'), { name: 'IMG_1.jpg', mimeType: 'image/jpeg', buffer: bytes });
  await compare(owner);
  await owner.on('compared-title');
  await owner.look('compared-by-camera');

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

/** What the camera sees from now on: the square in the middle of a grey table. */
async function film(stage, square) {
  const page = await stage.browser.newPage({ viewport: { width: 640, height: 480 } });
  await page.setContent(`<body style="margin:0;display:grid;place-items:center;height:480px;background:#999">
    <img style="width:400px" src="data:image/png;base64,${square.toString('base64')}">`);
  await page.locator('img').evaluate((image) => image.decode());
  const frame = await page.screenshot({ type: 'jpeg', quality: 95 });
  await page.close();
  writeFileSync(stage.camera, Buffer.concat(Array(30).fill(frame)));
}
