// Somebody left a team: the page of whoever stays carries what was given over to the new key, says how far it
// is while that takes, goes on where it was after the page was closed, and a colleague's page confirms it.

import assert from 'node:assert/strict';
import { photo } from '../papers.mjs';
import { desktop, journey, phone } from '../stage.mjs';

const halt = { name: 'Halte de nuit', place: 'Marseille' };

journey('what was given is carried over to a new key, and a colleague confirms it', { name: 'renewing', record: true }, async (stage) => {
  const manager = await stage.newPerson('manager', { viewport: desktop });
  await manager.arrive('/structure.html');
  const managerKeys = await manager.openSafe({ keep: true, desk: 'desk-' });
  await manager.found(halt, 'Maryam', stage.server);
  const worker = await stage.newPerson('worker', { viewport: phone });
  await worker.joinTeam(await manager.invite('Paul'), 'Paul');
  await worker.leavePage();
  const other = await stage.newPerson('other', { viewport: phone, language: 'ar' });
  const otherKeys = await other.joinTeam(await manager.invite('Nour'), 'Nour');
  await other.leavePage();

  const owner = await stage.newPerson('owner', { viewport: phone });
  await owner.arrive();
  await owner.openSafe({ keep: true });
  const { bytes } = await photo(stage.browser, { colour: 'rgb(204, 32, 32)', width: 800, height: 600 });
  let code = await manager.code();
  for (const title of ['Passeport', 'Bail']) {
    await owner.put(title, { name: 'photo.jpg', mimeType: 'image/jpeg', buffer: bytes });
    await owner.give({ ...halt, code }, title, `Aminata ${title}`);
    code = '';
  }

  // Paul leaves, while the service has no time for new keys: it is said how far that is.
  manager.provoke(/status of 50[23]/);
  stage.wire.away = (method, path) => (method === 'POST' && path.endsWith('/rewraps')
    ? { status: 503, type: 'application/json', body: '{"status":503,"code":"unavailable","retry_after_seconds":1}' } : undefined);
  await manager.openMember('Paul');
  await manager.choose('member-leaves');
  await manager.press('member-leaves-yes');
  await manager.on('team-title');
  await manager.tab('received');
  await manager.told('renewal-progress', { done: 0, all: 2 });
  await manager.told('renewal-kept');
  await manager.look('renewing');
  const carried = () => stage.wire.entries().filter(({ method, path, status }) =>
    method === 'POST' && path.endsWith('/rewraps') && status === 204);
  assert.equal(carried().length, 0);

  // The page is closed and opened again: it goes on, and does nothing twice.
  await manager.leavePage();
  stage.wire.away = null;
  await manager.page.goto(`/structure.html?lang=${manager.language}`);
  await manager.choose('welcome-desk-come');
  await manager.comeWithWords(managerKeys);
  await manager.told('renewal-done');
  await manager.told('renewal-waits');
  await manager.look('renewed');
  assert.equal(carried().length, 1);

  // A colleague opens the page: nothing waits any more, and both read.
  await other.page.goto(`/structure.html?lang=${other.language}`);
  await other.choose('welcome-desk-come');
  await other.comeWithWords(otherKeys);
  await other.on('received-title');
  for (const person of [other, manager]) {
    const given = person.page.getByRole('link').filter({ hasText: 'Aminata Passeport' });
    await given.waitFor();
    await person.page.getByText(person.t('renewal-done')).waitFor({ state: 'detached' });
    await given.click();
    await person.onNamed('Aminata Passeport');
    await person.read('Passeport');
  }
  assert.equal(carried().length, 1, 'nothing is carried over twice');

  // The owner is told, calmly.
  await owner.tab('trace');
  await owner.on('trace-title');
  await owner.told('trace-rewrapped', { name: halt.name });
  await owner.look('trace-rewrapped');
});
