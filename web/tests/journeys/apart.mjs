// A change in the team that arrives broken on one device: its page goes on reading, says who signed that
// change, and comes in again by itself as soon as a colleague's page is open.

import assert from 'node:assert/strict';
import { photo } from '../papers.mjs';
import { desktop, journey, phone } from '../stage.mjs';

const halt = { name: 'Halte de nuit', place: 'Marseille' };

journey('who is thrown out of step reads on, and comes in again', { name: 'apart', record: true }, async (stage) => {
  const maryam = await stage.newPerson('maryam', { viewport: desktop });
  await maryam.arrive('/structure.html');
  const maryamKeys = await maryam.openSafe({ keep: true, desk: 'desk-' });
  await maryam.found(halt, 'Maryam', stage.server);
  const nour = await stage.newPerson('nour', { viewport: phone, language: 'ar' });
  const nourKeys = await nour.joinTeam(await maryam.invite('Nour'), 'Nour');
  const owner = await stage.newPerson('owner', { viewport: phone });
  await owner.arrive();
  await owner.openSafe({ keep: true });
  const { bytes } = await photo(stage.browser, { colour: 'rgb(204, 32, 32)', width: 800, height: 600 });
  await owner.put('Passeport', { name: 'photo.jpg', mimeType: 'image/jpeg', buffer: bytes });
  await owner.give({ ...halt, code: await maryam.code() }, 'Passeport', 'Aminata D.');
  const given = nour.page.getByRole('link').filter({ hasText: 'Aminata D.' });
  await given.waitFor();

  await nour.leavePage();

  // Paul comes; the commit that lets him in is changed on its way to Nour, and no colleague's page is open.
  const paul = await stage.newPerson('paul', { viewport: phone });
  await paul.joinTeam(await maryam.invite('Paul'), 'Paul');
  await maryam.leavePage();
  await paul.leavePage();
  let broken = 0;
  stage.wire.tamper = (path, answer) => {
    if (!/\/inside\?/.test(path)) return answer;
    const inside = JSON.parse(answer);
    for (const it of inside.commits) it.commit = `${it.commit.slice(0, -8)}AAAAAAAA`;
    broken += inside.commits.length;
    return Buffer.from(JSON.stringify(inside));
  };
  // With the language: a browser that is slow to say what it keeps would be asked for it first.
  await nour.page.goto(`/structure.html?lang=${nour.language}`);
  await nour.choose('welcome-desk-come');
  await nour.comeWithWords(nourKeys);
  await nour.on('received-title');
  await nour.told('apart-failed');
  assert.ok(broken > 0);
  await nour.told('apart-by', { name: 'Maryam', number: 1 });
  await given.waitFor();
  await nour.look('apart');
  await given.click();
  await nour.onNamed('Aminata D.');
  await nour.page.getByRole('link', { name: 'Passeport' }).click();
  const picture = await nour.drawn('Passeport');
  assert.deepEqual([picture.width, picture.height], [800, 600]);
  await nour.press('back');
  // What needs the team waits, and says so.
  await nour.tab('team');
  await nour.told('apart-by', { name: 'Maryam', number: 1 });
  await nour.told('waiting-colleague-nobody');
  await nour.look('apart-team');
  await nour.follow('apart-to-received');
  await nour.on('received-title');
  await given.waitFor();

  // A colleague's page opens, and the server tells the truth: nothing of it is left.
  stage.wire.tamper = null;
  await maryam.page.goto(`/structure.html?lang=${maryam.language}`);
  await maryam.choose('welcome-desk-come');
  await maryam.comeWithWords(maryamKeys);
  await maryam.on('received-title');
  await given.waitFor();
  await nour.page.getByText(nour.t('apart-failed')).waitFor({ state: 'detached' });
  await nour.tab('team');
  await nour.on('team-title');
  await nour.read('Paul');
});
