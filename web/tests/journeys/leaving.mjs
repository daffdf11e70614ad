// A worker leaves a team, by a manager's page: refused at once and told so in plain words, with nothing of the
// structure left on the device and their own safe as it was. The others go on.

import assert from 'node:assert/strict';
import { desktop, journey, phone } from '../stage.mjs';
import { photo } from '../papers.mjs';

const halt = { name: 'Halte de nuit', place: 'Marseille' };
/** Whoever asks for what they may not have any more is told so by their browser too. */
const refused = /status of 404/;
const outrun = /status of 409/;

journey('a worker leaves the team, and the others go on', { name: 'leaving', record: true }, async (stage) => {
  const manager = await stage.newPerson('manager', { viewport: desktop });
  await manager.arrive('/structure.html');
  await manager.openSafe({ keep: true, desk: 'desk-' });
  await manager.found(halt, 'Maryam', stage.server);
  const worker = await stage.newPerson('worker', { viewport: phone });
  const workerKeys = await worker.joinTeam(await manager.invite('Paul'), 'Paul');
  const other = await stage.newPerson('other', { viewport: phone });
  await other.joinTeam(await manager.invite('Nour'), 'Nour');

  const owner = await stage.newPerson('owner', { viewport: phone });
  await owner.arrive();
  await owner.openSafe({ keep: true });
  const { bytes } = await photo(stage.browser, { colour: 'rgb(204, 32, 32)', width: 800, height: 600 });
  await owner.put('Passeport', { name: 'photo.jpg', mimeType: 'image/jpeg', buffer: bytes });
  await owner.give({ ...halt, code: await manager.code() }, 'Passeport', 'Aminata D.');
  await worker.page.getByRole('link').filter({ hasText: 'Aminata D.' }).click();
  await worker.onNamed('Aminata D.');
  await worker.read('Passeport');

  // Who wants to go is told who does it; a colleague's place is nothing that a worker could take.
  await worker.tab('team');
  await worker.on('team-title');
  assert.equal(await worker.page.getByRole('main').getByRole('link').count(), 2, 'a worker opens themselves, and the manager');
  await worker.openMember('Paul');
  await worker.told('member-me-ask', { names: 'Maryam' });
  await worker.look('member-me');
  await manager.openMember('Maryam');
  await manager.told('member-me-alone');

  // The manager takes one more look, and does it.
  await manager.openMember('Paul');
  await manager.look('member');
  await manager.choose('member-leaves');
  await manager.on('member-leaves-title', { name: 'Paul' });
  await manager.look('member-leaves');
  await manager.press('member-no');
  await manager.onNamed('Paul');
  await manager.choose('member-leaves');
  // Colleagues' pages are faster, again and again: it says so, and nothing has changed.
  manager.provoke(outrun);
  let tries = 0;
  stage.wire.away = (method, path) => {
    if (method !== 'POST' || !path.endsWith('/commits')) return undefined;
    tries += 1;
    return { status: 409, type: 'application/json', body: '{"status":409,"code":"conflict"}' };
  };
  await manager.press('member-leaves-yes');
  await manager.told('error-team_changes');
  await manager.look('member-outrun');
  assert.ok(tries > 1, 'it was tried again');
  stage.wire.away = null;
  worker.provoke(refused);
  await manager.press('member-leaves-yes');
  await manager.on('team-title');
  await manager.told('team-done-leaves', { name: 'Paul' });
  await manager.look('team-gone');
  assert.equal(await manager.page.getByRole('main').getByRole('link').count(), 2);

  // Told without touching anything, and nothing of the structure is left.
  await worker.on('left-title');
  await worker.look('left');
  assert.deepEqual(await keptOf(worker), [], 'what the device keeps of a structure');
  await worker.press('next');
  await worker.on('begin-title');
  // Their own safe is there, and at the desk nothing of the structure is.
  await worker.page.goto(`/structure.html?lang=${worker.language}`);
  await worker.choose('welcome-desk-come');
  await worker.comeWithWords(workerKeys);
  await worker.on('begin-title');
  await worker.page.goto(`/?lang=${worker.language}`);
  await worker.choose('welcome-come');
  await worker.comeWithWords(workerKeys);
  await worker.on('safe-title');
  await worker.told('safe-empty');

  // The others go on, with what was given before and after.
  await owner.put('Bail', { name: 'bail.jpg', mimeType: 'image/jpeg', buffer: bytes });
  await owner.give(halt, 'Bail', 'Aminata D.');
  for (const person of [other, manager]) {
    await person.tab('team');
    await person.tab('received');
    await person.page.getByRole('link').filter({ hasText: 'Aminata D.' }).nth(1).waitFor();
  }
  await other.tab('team');
  await other.read('Maryam');
  await other.page.getByText('Paul').waitFor({ state: 'detached' });
});

/** The names under which this browser keeps places in structures. */
function keptOf(person) {
  return person.page.evaluate(async () => {
    const found = [];
    for (const { name } of await indexedDB.databases()) {
      const db = await new Promise((settle, fail) => {
        const asked = indexedDB.open(name);
        asked.onsuccess = () => settle(asked.result);
        asked.onerror = () => fail(asked.error);
      });
      for (const store of db.objectStoreNames) {
        const keys = db.transaction(store).objectStore(store).getAllKeys();
        found.push(...await new Promise((settle) => { keys.onsuccess = () => settle(keys.result); }));
      }
      db.close();
    }
    return found.map(String).filter((key) => key.startsWith('desk/'));
  });
}
