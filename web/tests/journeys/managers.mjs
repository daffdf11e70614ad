// Several managers: one makes another, it takes two to remove one, one goes by themselves, and the structure's
// sheet decides where they cannot. And two of them act at the same moment: both end well.

import assert from 'node:assert/strict';
import { desktop, journey, phone } from '../stage.mjs';

/** Whoever is told that somebody was faster is told so by their browser too. */
const outrun = /status of 409/;

journey('managers are made by one and removed by two, or by the sheet', { name: 'managers' }, async (stage) => {
  const maryam = await stage.newPerson('maryam', { viewport: desktop });
  await maryam.arrive('/structure.html');
  await maryam.openSafe({ keep: true, desk: 'desk-' });
  const root = await maryam.found({ name: 'Halte de nuit', place: 'Marseille' }, 'Maryam', stage.server);
  const paul = await stage.newPerson('paul', { viewport: phone });
  await paul.joinTeam(await maryam.invite('Paul'), 'Paul');
  const nour = await stage.newPerson('nour', { viewport: phone });
  await nour.joinTeam(await maryam.invite('Nour'), 'Nour');

  // One is enough to make a manager.
  for (const name of ['Paul', 'Nour']) {
    await maryam.openMember(name);
    await maryam.choose('member-manager');
    await maryam.on('member-manager-title', { name });
    if (name === 'Paul') await maryam.look('member-manager');
    await maryam.press('member-manager-yes');
    await maryam.on('team-title');
    await maryam.told('team-done-manager', { name });
  }
  await paul.tab('team');
  await paul.page.getByText(paul.t('team-invite'), { exact: true }).waitFor();

  // Two managers at the same moment: one admits, the other removes an invitation's newcomer, both invite.
  for (const person of [maryam, paul]) person.provoke(outrun);
  const [first, second] = await Promise.all([maryam.invite('Zoé'), paul.invite('Ali')]);
  const zoe = await stage.newPerson('zoe', { viewport: phone });
  const ali = await stage.newPerson('ali', { viewport: phone });
  await Promise.all([zoe.joinTeam(first, 'Zoé'), ali.joinTeam(second, 'Ali')]);
  for (const person of [maryam, paul]) {
    await person.tab('team');
    await person.read('Zoé');
    await person.read('Ali');
  }
  const out = async (person, name) => {
    await person.openMember(name);
    await person.choose('member-leaves');
    await person.on('member-leaves-title', { name });
  };
  await Promise.all([out(maryam, 'Zoé'), out(paul, 'Ali')]);
  for (const person of [zoe, ali]) person.provoke(/status of 404/);
  await Promise.all([maryam.press('member-leaves-yes'), paul.press('member-leaves-yes')]);
  await maryam.told('team-done-leaves', { name: 'Zoé' });
  await paul.told('team-done-leaves', { name: 'Ali' });
  await zoe.on('left-title');
  await ali.on('left-title');

  // It takes two to remove one.
  await maryam.openMember('Nour');
  await maryam.look('member-of-a-manager');
  await maryam.choose('member-remove');
  await maryam.on('member-remove-title', { name: 'Nour' });
  await maryam.look('member-remove');
  await maryam.press('member-remove-yes');
  await maryam.told('team-done-remove');
  await maryam.look('team-asked');
  await nour.tab('team');
  await nour.told('team-asked-by', { name: 'Maryam' });
  await paul.told('team-asked-by', { name: 'Maryam' });
  await paul.openMember('Nour');
  await paul.look('member-asked');
  await paul.choose('member-agree');
  await paul.on('member-agree-title', { name: 'Nour' });
  await paul.look('member-agree');
  await paul.press('member-agree-yes');
  await paul.told('team-done-agree', { name: 'Nour' });
  await nour.page.getByText(nour.t('team-invite'), { exact: true }).waitFor({ state: 'detached' });

  // One goes by themselves; the last one stays.
  await paul.openMember('Paul');
  await paul.choose('member-down');
  await paul.on('member-down-title', { name: 'Paul' });
  await paul.look('member-down');
  await paul.press('member-down-yes');
  await paul.told('team-done-down');
  await maryam.openMember('Maryam');
  await maryam.told('member-me-alone');

  // Nobody but the sheet could take the last one's place.
  await nour.openMember('Maryam');
  await nour.choose('member-sheet');
  await nour.on('member-sheet-title', { name: 'Maryam' });
  await nour.look('member-sheet');
  await nour.press('member-sheet-yes');
  await nour.told('come-sheet-fill');
  await nour.write('come-letters', root.toLowerCase());
  await nour.press('member-sheet-yes');
  await nour.told('team-done-sheet', { name: 'Maryam' });
  await nour.page.getByText(nour.t('team-invite'), { exact: true }).waitFor();
  await maryam.tab('team');
  await maryam.on('team-title');
  await maryam.page.getByText(maryam.t('team-invite'), { exact: true }).waitFor({ state: 'detached' });
  assert.equal(await maryam.page.getByText(maryam.t('team-manager')).count(), 1);
});
