// What does not go as it should, told in plain words, while everything else goes on; and the two ends:
// taking everything away, and closing for good.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { canary, pdf, photo } from '../papers.mjs';
import { journey } from '../stage.mjs';
import { statusFor, tokenOf } from '../wire.mjs';

const jpeg = (buffer) => ({ name: 'IMG_0001.jpg', mimeType: 'image/jpeg', buffer });

journey('a browser that lacks something is told so', { name: 'missing' }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.page.addInitScript(() => delete globalThis.WebAssembly);
  await owner.page.goto('/?lang=fr');
  await owner.on('missing-title');
  await owner.told('error-unsupported_browser');
  await owner.look('missing');
});

journey('a file over the limit never leaves', { name: 'limit', record: true, env: { RECONNECT_FILE_LIMIT_BYTES: '200000' } }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  await owner.openSafe({ keep: false });
  await owner.on('safe-title');
  await owner.follow('safe-add');
  const { bytes } = await photo(stage.browser, { colour: 'rgb(204, 32, 32)', width: 1200, height: 900 });
  assert.ok(bytes.length > 200_000);
  const before = stage.wire.entries().length;
  await owner.page.getByTestId('files').setInputFiles(jpeg(bytes));
  await owner.on('add-refused-title');
  await owner.read(owner.t('error-file_too_large', { limit: '§' }).split('§')[0].replaceAll('\u2068', ''));
  await owner.look('too-large');
  const sent = stage.wire.entries().slice(before).filter(({ method }) => method !== 'GET');
  assert.deepEqual(sent.map(({ path }) => path), []);
  await owner.press('add-other');
  await owner.page.getByTestId('files').setInputFiles({ name: 'petit.txt', mimeType: 'text/plain', buffer: Buffer.from('petit') });
  await owner.confirmTitle('petit.txt');
});

journey('damage is named, and the rest opens', { name: 'damage', record: true }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  const keys = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  const [broken, whole] = [canary('Bail'), canary('Contrat')];
  const picture = await photo(stage.browser, { colour: 'rgb(204, 32, 32)', width: 1600, height: 1200 });
  await owner.put(broken, jpeg(picture.bytes));
  await owner.put(whole, { name: 'contrat.pdf', mimeType: 'application/pdf', buffer: pdf('Contrat') });
  const brokenId = await owner.idOf(broken);

  // One bit of the largest thing that the server keeps.
  const largest = blobs(join(stage.server.data, 'blobs')).sort((one, other) => other.size - one.size)[0];
  const bytes = readFileSync(largest.path);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(largest.path, bytes);
  await owner.openPaper(broken);
  await owner.follow('paper-look');
  await owner.page.getByRole('alert').filter({ hasText: owner.t('error-damaged') }).waitFor();
  assert.equal(await owner.page.locator('canvas[data-drawn]').count(), 0, 'not one pixel of it is shown');
  await owner.look('damaged');
  await owner.press('back');
  await opens(owner, whole);

  // One bit of its card, on the way.
  stage.wire.tamper = (path, answer) => {
    if (!answer.includes('"cards"')) return answer;
    const sent = JSON.parse(answer);
    for (const card of (sent.sync ?? sent).cards ?? []) {
      if (card.document_id !== brokenId) continue;
      const envelope = Buffer.from(card.envelope, 'base64url');
      envelope[envelope.length - 20] ^= 1;
      card.envelope = envelope.toString('base64url');
    }
    return Buffer.from(JSON.stringify(sent));
  };
  await owner.page.reload();
  await owner.comeWithWords(keys);
  await owner.on('safe-title');
  await owner.paper(owner.t('paper-damaged-title')).click();
  await owner.on('paper-damaged-title');
  await owner.told('error-damaged');
  await owner.look('damaged-card');
  await opens(owner, whole);
});

journey('everything is taken away, and the safe is closed for good', { name: 'away', record: true }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  const keys = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  const picture = await photo(stage.browser, { colour: 'rgb(204, 32, 32)', width: 1200, height: 900 });
  const contract = pdf('Contrat');
  await owner.put('Carte / séjour', jpeg(picture.bytes));
  await owner.put('=Contrat', { name: 'contrat.pdf', mimeType: 'application/pdf', buffer: contract });

  await owner.tab('settings');
  await owner.choose('settings-ways');
  await owner.on('ways-title');
  await owner.told('ways-sheet-what');
  await owner.look('ways');
  await owner.press('back');
  await owner.choose('settings-away');
  await owner.on('away-title');
  await owner.look('away');
  const [download] = await Promise.all([owner.page.waitForEvent('download'), owner.press('away-do')]);
  const zip = unzipSync(readFileSync(await download.path()));
  await owner.told('away-done');
  assert.deepEqual(Object.keys(zip).sort(), ['=Contrat.pdf', 'Carte   séjour.jpg', 'papers.csv'].sort());
  assert.deepEqual(Buffer.from(zip['=Contrat.pdf']), contract);
  const card = Buffer.from(zip['Carte   séjour.jpg']);
  assert.ok(card.includes(picture.content) && !card.includes(picture.place));
  const list = Buffer.from(zip['papers.csv']).toString();
  assert.match(list, /"Carte   séjour.jpg","Carte \/ séjour","image\/jpeg"/);
  assert.match(list, /"'=Contrat"/, 'no spreadsheet computes a title');
  await owner.press('back');

  await owner.choose('settings-close');
  await owner.on('close-title');
  await owner.look('close');
  await owner.press('close-next');
  await owner.on('close-sure-title');
  await owner.write('close-type', 'non');
  await owner.press('close-yes');
  await owner.told('error-close_word');
  await owner.look('close-sure');
  await owner.write('close-type', owner.t('close-word'));
  const token = tokenOf(stage);
  await owner.press('close-yes');
  await owner.on('welcome-title');
  await owner.told('outside-closed');
  await owner.look('closed');
  assert.equal(await statusFor(stage, token), 401);
  owner.provoke(/status of 40[134]/);
  await owner.choose('welcome-come');
  await owner.comeWithWords(keys, false);
  await owner.told('error-wrong_words_or_handle');
});

async function opens(owner, title) {
  await owner.openPaper(title);
  await owner.follow('paper-look');
  await owner.drawn(owner.t('look-page-label', { title, page: 1, pages: 2 }));
  await owner.press('back');
}

function blobs(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .map((path) => ({ path, size: statSync(path).size }));
}
