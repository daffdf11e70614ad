// Answers that do not come: what is shown says how old it is, what was put on paper counts, and what is
// stopped half-way leaves nothing behind.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { canary } from '../papers.mjs';
import { desktop, journey } from '../stage.mjs';

const gone = /net::ERR_/;
const text = (name, buffer) => ({ name, mimeType: 'text/plain', buffer });
/** What is said before the first placeable. */
const begins = (said) => said.split('§')[0].replaceAll('\u2068', '').trim();

journey('a list that could not be asked for says from when it is', { name: 'stale', record: true }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  const keys = await owner.openSafe({ keep: false });
  await owner.on('safe-title');
  await owner.put('note', text('note.txt', Buffer.from('note')));
  const old = begins(owner.t('stale', { when: '§' }));
  assert.equal(await owner.page.getByText(old).count(), 0);

  // The screen itself was loaded before, in every language.
  await owner.tab('who');
  await owner.told('who-none');
  await owner.look('who');
  await owner.tab('safe');
  await owner.on('safe-title');
  owner.provoke(gone);
  await stage.server.kill();
  await owner.tab('who');
  await owner.on('who-title');
  await owner.read(old);
  await owner.told('who-none');
  await owner.look('stale-who');
  await owner.tab('safe');
  await owner.read(old);
  await owner.paper('note').waitFor();
  await owner.look('stale-safe');
  await owner.press('try-again');
  await owner.button('try-again').waitFor();
  await owner.read(old);
  await stage.server.restart();
  await owner.press('try-again');
  await owner.page.getByText(old).waitFor({ state: 'detached' });

  // Who sees what was never heard since coming in: then nothing is said of it.
  await owner.page.goto('/?lang=fr');
  await owner.choose('welcome-come');
  let looks = 0;
  stage.wire.lose = (_, path) => path.startsWith('/v1/sync') && (looks += 1) > 1;
  await owner.comeWithWords(keys, false);
  await owner.on('safe-title');
  await owner.tab('who');
  await owner.told('stale-unknown');
  assert.equal(await owner.page.getByText(owner.t('who-none')).count(), 0, 'nobody knows whether it is nobody');
  await owner.look('stale-unknown');
  await owner.openPaper('note');
  await owner.told('stale-unknown');
  assert.equal(await owner.page.getByText(owner.t('seers-none'), { exact: true }).count(), 0);
  stage.wire.lose = null;
  await owner.press('try-again');
  await owner.told('seers-none');
});

journey('a founding whose answer was lost keeps the sheet that was printed', { name: 'founding', record: true }, async (stage) => {
  const manager = await stage.newPerson('manager', { viewport: desktop });
  await manager.arrive('/structure.html');
  await manager.openSafe({ keep: true, desk: 'desk-' });
  await manager.choose('begin-found');
  await manager.write('found-name', 'Halte de nuit');
  await manager.write('found-place', 'Marseille');
  await manager.write('my-name', 'Maryam');
  await manager.press('next');
  await manager.on('sheet-root-title');
  const root = await manager.sheet();
  await manager.press('sheet-next');
  manager.provoke(gone);
  stage.wire.lose = (method, path) => method === 'POST' && path === '/v1/structures';
  await manager.checkSheet(root);
  await manager.told('found-sheet-stays');
  await manager.look('found-offline');
  const foundings = () => stage.wire.entries().filter(({ method, path }) => method === 'POST' && path === '/v1/structures');
  const sent = foundings().map(({ body }) => body.toString());
  // The browser too may send a request again whose line was cut.
  assert.ok(sent.length >= 2);
  assert.equal(new Set(sent).size, 1, 'the same bytes');
  stage.wire.lose = null;
  await manager.press('try-again');
  await manager.on('waiting-operator-title');
  assert.equal(foundings().length, sent.length, 'and nothing is founded a second time');
});

journey('whoever goes on while the safe is still asking is not fetched back', { name: 'tapped' }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  const keys = await owner.openSafe({ keep: false });
  await owner.on('safe-title');
  await owner.page.goto('/?lang=fr');
  await owner.choose('welcome-come');
  // The safe is there, and what was given is still on its way.
  let arrives;
  const late = new Promise((settle) => (arrives = settle));
  let looks = 0;
  await owner.context.route('**/v1/sync**', async (route) => {
    looks += 1;
    if (looks > 1) await late;
    await route.continue();
  });
  await owner.comeWithWords(keys, false);
  await owner.on('safe-title');
  await owner.follow('safe-add');
  await owner.on('add-title');
  arrives();
  await owner.page.getByTestId('files').setInputFiles(text('note.txt', Buffer.from('note')));
  await owner.confirmTitle('note');
});

journey('an upload is stopped half-way, and nothing of it stays', { name: 'stopped', record: true }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  await owner.openSafe({ keep: false });
  await owner.on('safe-title');
  const title = canary('Film');
  stage.wire.hold = (method, path) => method === 'PUT' && path.endsWith('/parts/1');
  owner.provoke(gone);
  await owner.follow('safe-add');
  await owner.page.getByTestId('files').setInputFiles(text('film.txt', randomBytes(9_000_000)));
  await owner.on('title-question');
  await owner.write('title-label', title);
  await owner.press('title-put');
  const stop = owner.page.getByRole('button', { name: new RegExp(`^${owner.t('task-stop')}`) });
  await stop.waitFor();
  await until(() => stage.wire.entries().some(({ path }) => path.endsWith('/parts/1')));
  assert.ok(blobs(stage).length > 0, 'a part has arrived');
  await owner.look('stopping');
  await stop.click();
  await owner.told('task-stopped', { title });
  await owner.look('stopped');
  const given = stage.wire.entries().filter(({ method }) => method === 'DELETE');
  assert.deepEqual(given.map(({ status }) => status), [204]);
  assert.ok(!stage.wire.entries().some(({ path }) => path === '/v1/statements'), 'nothing is signed for it');
  await until(() => blobs(stage).length === 0);
  await owner.press('add-to-safe');
  await owner.on('safe-title');
  await owner.told('safe-empty');
  assert.equal(await owner.paper(title).count(), 0);
  // What comes next goes its way.
  stage.wire.hold = null;
  await owner.put('note', text('note.txt', Buffer.from('note')));
});

journey('an upload goes on after the server was away, whoever said so', { name: 'goes-on', record: true }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  await owner.openSafe({ keep: false });
  await owner.on('safe-title');
  const answers = [
    { status: 502, type: 'text/html', body: '<h1>502 Bad Gateway</h1>' },
    { status: 503, type: 'application/json', body: '{"status":503,"code":"unavailable","retry_after_seconds":1}' },
  ];
  const left = { part: [...answers], statement: [...answers] };
  stage.wire.away = (method, path) => {
    if (method === 'PUT' && path.endsWith('/parts/1')) return left.part.shift();
    return method === 'POST' && path === '/v1/statements' ? left.statement.shift() : undefined;
  };
  owner.provoke(/status of 50[23]/);
  await owner.put('Film', text('film.txt', randomBytes(9_000_000)));
  const tried = (ending) => stage.wire.entries().filter(({ method, path }) => method !== 'GET' && path.endsWith(ending));
  assert.deepEqual(tried('/parts/0').map(({ status }) => status), [204], 'what has arrived is not sent again');
  assert.deepEqual(tried('/parts/1').map(({ status }) => status), [502, 503, 204]);
  const statements = tried('/v1/statements').filter(({ status }) => status === 200);
  assert.equal(statements.length, 1, 'it is put into the safe once');
});

function blobs(stage) {
  const files = readdirSync(join(stage.server.data, 'blobs'), { withFileTypes: true, recursive: true });
  return files.filter((entry) => entry.isFile());
}

/** Waits for what happens beside the page. */
async function until(so) {
  for (let tries = 0; tries < 400; tries += 1) {
    if (so()) return;
    await new Promise((settle) => setTimeout(settle, 50));
  }
  assert.fail('it does not come');
}
