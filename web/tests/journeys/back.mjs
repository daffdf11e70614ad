// A worker whose browser was emptied, and a manager with two devices: each comes into the structure by the
// page of somebody who is in it.

import { desktop, journey, phone } from '../stage.mjs';

journey('a browser that was emptied comes back by a colleague, and so does another device', { name: 'back' }, async (stage) => {
  const manager = await stage.newPerson('manager', { viewport: desktop });
  await manager.arrive('/structure.html');
  const managerKeys = await manager.openSafe({ keep: true, desk: 'desk-' });
  await manager.found({ name: 'Halte de nuit', place: 'Marseille' }, 'Maryam', stage.server);
  const link = await manager.invite('Paul');
  const worker = await stage.newPerson('worker', { viewport: desktop });
  await worker.arrive(link);
  const workerKeys = await worker.openSafe({ keep: true, desk: 'desk-' });
  await worker.on('join-title');
  await worker.write('my-name', 'Paul');
  await worker.press('join-do');
  await worker.on('received-title');
  await worker.leavePage();
  await manager.leavePage();

  // Nobody's page is open: it says so, and waits.
  const cleared = await stage.newPerson('cleared', { viewport: phone });
  await cleared.arrive('/structure.html');
  await cleared.choose('welcome-desk-come');
  await cleared.comeWithWords(workerKeys, true);
  await cleared.on('waiting-colleague-title');
  await cleared.told('waiting-colleague-devices', { name: 'Halte de nuit' });
  await cleared.look('waiting-colleague');
  const wide = await stage.newPerson('wide', { viewport: desktop });
  await wide.arrive('/structure.html');
  await wide.choose('welcome-desk-come');
  await wide.comeWithWords(managerKeys, true);
  await wide.on('waiting-colleague-title');
  await wide.look('waiting-colleague');

  // The manager's first device comes by: both are let in, and notice by themselves.
  await manager.page.goto('/structure.html');
  await manager.choose('welcome-desk-come');
  await manager.comeWithWords(managerKeys);
  await manager.on('received-title');
  await cleared.on('received-title');
  await wide.on('received-title');
  for (const person of [cleared, wide, manager]) {
    await person.tab('team');
    await person.read('Maryam');
    await person.read('Paul');
  }
  await cleared.look('team');
});

journey('a structure whose only browser was emptied begins again with its sheet', { name: 'again' }, async (stage) => {
  const founder = await stage.newPerson('founder', { viewport: desktop });
  await founder.arrive('/structure.html');
  const keys = await founder.openSafe({ keep: true, desk: 'desk-' });
  const root = await founder.found({ name: 'Halte de nuit', place: 'Marseille' }, 'Maryam', stage.server);
  await founder.leavePage();

  const back = await stage.newPerson('back', { viewport: phone });
  await back.arrive('/structure.html');
  await back.choose('welcome-desk-come');
  await back.comeWithWords(keys, true);
  await back.on('waiting-colleague-title');
  await back.follow('again-title');
  await back.on('again-title');
  // The founder's own sheet lies beside it.
  await back.write('come-letters', keys.letters);
  await back.press('again-do');
  await back.told('error-wrong_paper');
  await back.look('again');
  await back.write('come-letters', root.toLowerCase());
  await back.press('again-do');
  await back.on('received-title');
  await back.tab('team');
  await back.read('Maryam');

  // The old browser turns up: it is let in by the new one.
  await founder.page.goto('/structure.html');
  await founder.choose('welcome-desk-come');
  await founder.comeWithWords(keys);
  await founder.on('received-title');
  await founder.tab('team');
  await founder.read('Maryam');
});
