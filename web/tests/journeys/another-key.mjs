// Another key for a paper: sealed again on the device part by part, although the network breaks on the
// way; who may see it opens it from a list of before; and a reader who was outrun reads the newer one.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { photo } from '../papers.mjs';
import { desktop, journey } from '../stage.mjs';
import { found, giveOne } from '../story.mjs';

const gone = /net::ERR_|status of 409/;

journey('a paper gets another key, and who may see it notices nothing', { name: 'another-key', record: true }, async (stage) => {
  const manager = await stage.newPerson('manager', { viewport: desktop });
  const structure = { name: 'Accueil Sésame', place: 'Lyon' };
  const { code } = await found(stage, manager, structure, 'Maryam');

  const owner = await stage.newPerson('owner');
  await owner.arrive();
  await owner.openSafe({ keep: false });
  await owner.on('safe-title');
  const { bytes } = await photo(stage.browser, { colour: 'rgb(204, 32, 32)', width: 1200, height: 900 });
  await owner.put('Passeport', { name: 'IMG_0001.jpg', mimeType: 'image/jpeg', buffer: bytes });
  const large = randomBytes(9_000_000);
  await owner.put('Film', { name: 'film.bin', mimeType: 'application/octet-stream', buffer: large });
  await giveOne(owner, structure, code, 'Passeport');

  await manager.tab('received');
  await manager.page.getByRole('link').filter({ hasText: 'Aminata' }).click();
  await manager.onNamed('Aminata');
  await manager.page.getByRole('link', { name: 'Passeport' }).waitFor();
  const before = folders(stage);

  await owner.openPaper('Passeport');
  await owner.choose('paper-rekey');
  await owner.on('rekey-title');
  await owner.told('rekey-cannot');
  await owner.told('rekey-seen', { count: 1 });
  await owner.look('rekey');
  // The list that is open is of before: it is not asked for again until the paper was opened.
  manager.provoke(gone);
  stage.wire.lose = (_, path) => path === '/v1/received';
  await changed(owner);
  const open = manager.page.getByRole('link', { name: 'Passeport' }).click();
  stage.wire.lose = null;
  await open;
  const picture = await manager.drawn('Passeport');
  assert.deepEqual([picture.width, picture.height], [1200, 900]);
  assert.ok(picture.colours > 100, 'a picture, not a blank');
  assert.ok(stage.wire.entries().some(({ path }) => path.endsWith('/open')), 'it was opened under a receipt');

  // Several parts; on the way one is lost, and so is what is being read.
  await owner.openPaper('Film');
  await owner.choose('paper-rekey');
  await owner.on('rekey-title');
  assert.equal(await owner.page.getByText(owner.t('rekey-seen', { count: 1 })).count(), 0);
  let lost = 0;
  owner.provoke(gone);
  stage.wire.lose = (_, path) => path.endsWith('/parts/1') && (lost += 1) === 1;
  await changed(owner);
  stage.wire.lose = null;
  assert.ok(lost > 1, 'the part was sent again');
  await owner.openPaper('Film');
  assert.deepEqual(await owner.download(), large);
  await owner.tab('trace');
  await owner.told('trace-replaced', { title: owner.t('trace-quoted', { title: 'Passeport' }) });
  // What was there before is erased, not unlinked alone.
  for (let tries = 0; folders(stage).some((folder) => before.includes(folder)); tries += 1) {
    assert.ok(tries < 100, 'the old copies are still there');
    await new Promise((settle) => setTimeout(settle, 100));
  }
  assert.equal(folders(stage).length, 2);
});

async function changed(owner) {
  await owner.press('rekey-yes');
  await owner.on('safe-title');
  await owner.tasksDone();
}

function folders(stage) {
  return readdirSync(join(stage.server.data, 'blobs'));
}
