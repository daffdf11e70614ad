// A structure closes: two managers say so, everybody of the team is told, and owners read it in their safes.

import { photo } from '../papers.mjs';
import { desktop, journey, phone } from '../stage.mjs';

journey('a structure closes by two managers, and owners read that it has', { name: 'closing' }, async (stage) => {
  const halt = { name: 'Halte de nuit', place: 'Marseille' };
  const maryam = await stage.newPerson('maryam', { viewport: desktop });
  await maryam.arrive('/structure.html');
  await maryam.openSafe({ keep: true, desk: 'desk-' });
  await maryam.found(halt, 'Maryam', stage.server);
  const paul = await stage.newPerson('paul', { viewport: phone });
  await paul.joinTeam(await maryam.invite('Paul'), 'Paul');
  const owner = await stage.newPerson('owner', { viewport: phone });
  await owner.arrive();
  await owner.openSafe({ keep: true });
  const { bytes } = await photo(stage.browser, { colour: 'rgb(204, 32, 32)', width: 800, height: 600 });
  await owner.put('Passeport', { name: 'photo.jpg', mimeType: 'image/jpeg', buffer: bytes });
  await owner.give({ ...halt, code: await maryam.code() }, 'Passeport', 'Aminata D.');

  // One manager alone cannot, but with the sheet.
  await maryam.tab('team');
  await maryam.choose('end-choice');
  await maryam.on('end-title', halt);
  await maryam.told('end-alone');
  await maryam.look('end-alone');
  await maryam.openMember('Paul');
  await maryam.choose('member-manager');
  await maryam.press('member-manager-yes');
  await maryam.told('team-done-manager', { name: 'Paul' });
  await maryam.choose('end-choice');
  await maryam.press('end-ask');
  await maryam.told('team-done-end');
  await maryam.look('team-end-asked');

  // The other one reads it, and agrees.
  await paul.tab('team');
  await paul.page.getByText(paul.t('end-choice'), { exact: true }).waitFor();
  await paul.page.getByText(/demande que ce lieu ferme/).waitFor();
  await paul.choose('end-choice');
  await paul.look('end');
  for (const person of [maryam, paul]) person.provoke(/status of 404/);
  await paul.press('end-agree');
  await paul.on('closed-title', halt);
  await paul.look('closed');
  await maryam.on('closed-title', halt);
  await maryam.press('next');
  await maryam.on('begin-title');

  // The owner reads that the place has closed, and takes back what was given.
  await owner.tab('who');
  await owner.on('who-title');
  await owner.told('grant-closed');
  await owner.look('who-closed');
  await owner.press('take-back');
  await owner.on('taken-title');
});
