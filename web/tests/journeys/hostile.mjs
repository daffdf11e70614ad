// A server that lies, as people see it: the page stops, says in plain words what happened, and goes on
// as soon as it is told the truth. What the page checks is shown one by one by the suite `attacks`.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canary, photo } from '../papers.mjs';
import { desktop, journey } from '../stage.mjs';
import { found, giveOne } from '../story.mjs';

journey('a safe that is not the one that was written is not shown', { name: 'hostile', record: true }, async (stage) => {
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  const keys = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  const titles = [canary('Bail'), canary('Contrat')];
  for (const [at, title] of titles.entries()) {
    const colour = ['rgb(204, 32, 32)', 'rgb(32, 32, 204)'][at];
    const picture = await photo(stage.browser, { colour, width: 64, height: 48 });
    await owner.put(title, { name: 'IMG_1.jpg', mimeType: 'image/jpeg', buffer: picture.bytes });
  }

  // Rolled back to before the last paper; then with a statement left out of the middle.
  const lies = { rollback: (chain) => chain.slice(0, -1), fork: (chain) => chain.toSpliced(-2, 1) };
  for (const [name, lie] of Object.entries(lies)) {
    stage.wire.tamper = (path, answer) => {
      if (path !== '/v1/unlock/finish') return answer;
      const unlocked = JSON.parse(answer);
      return Buffer.from(JSON.stringify({ ...unlocked, statements: lie(unlocked.statements) }));
    };
    const before = written(stage);
    await owner.page.goto('/?lang=fr');
    await owner.choose('welcome-come');
    await owner.comeWithWords(keys, null);
    await owner.told(`error-${name}`);
    await owner.look(name);
    for (const title of titles) assert.equal(await owner.page.getByText(title).count(), 0, 'nothing of it is shown');
    assert.equal(written(stage), before, 'nothing is signed');
    stage.wire.tamper = null;
  }
  await owner.page.goto('/?lang=fr');
  await owner.choose('welcome-come');
  await owner.comeWithWords(keys, null);
  for (const title of titles) await owner.paper(title).waitFor();

  // What one paper holds, in the place of what the other does: both look alike from outside.
  const exchange = () => {
    const [one, other] = blobs(join(stage.server.data, 'blobs'));
    assert.equal(statSync(one).size, statSync(other).size);
    const bytes = readFileSync(one);
    writeFileSync(one, readFileSync(other));
    writeFileSync(other, bytes);
  };
  exchange();
  await owner.openPaper(titles[0]);
  await owner.follow('paper-look');
  await owner.page.getByRole('alert').filter({ hasText: owner.t('error-damaged') }).waitFor();
  assert.equal(await owner.page.locator('canvas[data-drawn]').count(), 0, 'not one pixel of it is shown');
  await owner.look('exchanged');
  await owner.press('back');
  exchange();
  for (const title of titles) {
    await owner.openPaper(title);
    await owner.follow('paper-look');
    await owner.drawn(title);
    await owner.press('back');
  }
});

journey('a structure that is not the one of the desk is given nothing', { name: 'namesake', record: true }, async (stage) => {
  const structure = { name: 'Accueil de jour', place: 'Lyon' };
  const desk = await stage.newPerson('desk', { viewport: desktop });
  const { code } = await found(stage, desk, structure, 'Maryam');
  const mallory = await stage.newPerson('mallory', { viewport: desktop });
  const other = await found(stage, mallory, structure, 'Maryam');
  assert.notEqual(code, other.code);

  const owner = await stage.newPerson('owner', { language: 'en' });
  await owner.arrive();
  await owner.openSafe({ keep: false });
  await owner.on('safe-title');
  await owner.put('Lease', { name: 'lease.txt', mimeType: 'text/plain', buffer: Buffer.from('lease') });
  // The list has room for one of the two.
  let foundings = [];
  stage.wire.tamper = (path, answer) => {
    if (!path.startsWith('/v1/structures?')) return answer;
    foundings = JSON.parse(answer).structures;
    const kept = foundings.filter(({ structure_id: id }) => codeOf(id) !== code.replaceAll(' ', ''));
    return Buffer.from(JSON.stringify({ structures: kept }));
  };
  await owner.follow('safe-give');
  await owner.on('give-who-title');
  await owner.write('give-who-search', structure.name);
  await owner.press('give-who-find');
  await owner.chooseNamed(structure.name);
  await owner.on('compare-title', { name: structure.name });
  assert.equal(foundings.length, 2);
  const before = written(stage);
  await owner.field('compare-code').pressSequentially(code);
  await owner.press('compare-do');
  await owner.told('error-code_differs');
  await owner.look('namesake');
  assert.equal(written(stage), before, 'nothing is given');
});

journey('a worker is not shown a paper as it was before', { name: 'outdated', record: true }, async (stage) => {
  const desk = await stage.newPerson('desk', { viewport: desktop });
  const structure = { name: 'Accueil de jour', place: 'Lyon' };
  const { code, keys } = await found(stage, desk, structure, 'Maryam');
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  const owners = await owner.openSafe({ keep: false });
  await owner.on('safe-title');
  await owner.put('Demande', { name: 'demande.txt', mimeType: 'text/plain', buffer: Buffer.from('before') });
  await giveOne(owner, structure, code, 'Demande');
  let old = null;
  stage.wire.tamper = (path, answer) => {
    if (path.endsWith('/list')) old ??= answer;
    return answer;
  };
  await open(desk);
  await desk.page.getByRole('link', { name: 'Demande' }).waitFor();
  assert.notEqual(old, null);

  await owner.openPaper('Demande');
  await owner.choose('paper-rekey');
  await owner.on('rekey-title');
  await owner.press('rekey-yes');
  await owner.on('safe-title');
  await owner.tasksDone();
  // A page that has just come in asks the log, which by then names the newer one.
  await owner.page.goto('/?lang=fr');
  await owner.choose('welcome-come');
  await owner.comeWithWords(owners, false);
  await owner.told('safe-safe');
  // In a new visit nothing is remembered of what was shown: only the log tells.
  stage.wire.tamper = (path, answer) => (path.endsWith('/list') ? old : answer);
  await comeBack(desk, keys);
  await open(desk);
  await desk.told('error-old_version');
  await desk.look('outdated');
  assert.equal(await desk.page.getByRole('link', { name: 'Demande' }).count(), 0, 'nothing of it is shown');
  // A service that keeps the log from answering: the paper is read, and the page says what nobody knows.
  stage.wire.tamper = (path, answer) => (path.startsWith('/v1/log/lookup') ? Buffer.from('{}') : answer);
  await comeBack(desk, keys);
  await open(desk);
  await desk.told('given-unchecked');
  await desk.look('unchecked');
  await desk.page.getByRole('link', { name: 'Demande' }).click();
  await desk.onNamed('Demande');
  await desk.told('look-other');
  await desk.told('given-unchecked');
  await desk.look('read-unchecked');
  stage.wire.tamper = null;
  await comeBack(desk, keys);
  await open(desk);
  await desk.page.getByRole('link', { name: 'Demande' }).waitFor();
  assert.equal(await desk.page.getByText(desk.t('given-unchecked')).count(), 0);
});

async function comeBack(desk, keys) {
  await desk.page.goto('/structure.html');
  await desk.choose('welcome-desk-come');
  await desk.comeWithWords(keys);
  await desk.on('received-title');
}

async function open(desk) {
  await desk.tab('received');
  await desk.page.getByRole('link').filter({ hasText: 'Aminata' }).click();
  await desk.onNamed('Aminata');
}

/** How many statements were sent. */
function written(stage) {
  return stage.wire.entries().filter(({ method, path }) => method === 'POST' && path === '/v1/statements').length;
}

/** The twenty letters of an id (PROTOCOL 13.1). */
function codeOf(id) {
  const bits = [...Buffer.from(id, 'base64url').subarray(0, 13)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const letter = (_, at) => '0123456789ABCDEFGHJKMNPQRSTVWXYZ'[Number.parseInt(bits.slice(5 * at, 5 * at + 5), 2)];
  return Array.from({ length: 20 }, letter).join('');
}

function blobs(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}
