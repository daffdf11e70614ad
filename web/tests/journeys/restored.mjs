// The service lost its disk and comes back from a backup, without a journal: whoever changed their safe since is told what
// is missing, and goes on from what is there when they say so.

import assert from 'node:assert/strict';
import { canary } from '../papers.mjs';
import { journey } from '../stage.mjs';
import { found } from '../story.mjs';

const structure = { name: 'Accueil Sésame', place: 'Lyon' };
const note = { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('note') };

journey('a safe that comes back from a copy', { name: 'restored' }, async (stage) => {
  const language = 'fr';
  const desk = await stage.newPerson('desk', { language });
  const { code } = await found(stage, desk, structure, 'Claire');
  const owner = await stage.newPerson('owner', { language });
  await owner.arrive();
  const keys = await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  const [kept, lost] = [canary('Passeport'), canary('Contrat')];
  await owner.put(kept, note);
  await owner.give({ ...structure, code }, kept, canary('Aminata'));
  const tablet = await stage.newPerson('tablet', { language });
  await tablet.arrive();
  await tablet.choose('welcome-come');
  await tablet.comeWithSheet(keys, true);
  await tablet.paper(kept).waitFor();
  await stage.server.backUp();

  // What is done now is in no backup.
  await owner.tab('who');
  await owner.press('take-back');
  await owner.on('taken-title');
  await owner.tab('safe');
  await owner.put(lost, note);
  await isSafe(owner);
  await tablet.tab('who');
  await tablet.told('who-none');
  await tablet.tab('safe');
  await tablet.paper(lost).waitFor();
  for (const person of [owner, tablet, desk]) await person.page.goto('about:blank');
  const said = await stage.server.loseDisk();
  assert.match(said, /1 safes are behind the log/);

  // Told first, and nothing is changed by looking.
  const comes = async (person) => {
    await person.page.goto(`/?lang=${language}`);
    await person.choose('welcome-come');
    await person.comeWithWords(keys);
    await person.on('from-backup-title');
  };
  await comes(owner);
  await owner.told('from-backup-given');
  await owner.look('from-backup');
  await owner.press('from-backup-later');
  await comes(owner);
  await owner.press('from-backup-go');
  await owner.on('safe-title');
  await owner.paper(kept).waitFor();
  assert.equal(await owner.paper(lost).count(), 0, 'what was lost is not there');
  await owner.tab('who');
  await owner.told('who-none');
  await owner.tab('trace');
  await owner.told('trace-went_on');
  await owner.tab('safe');
  await owner.put(lost, note);
  await isSafe(owner);
  await owner.give(structure, kept, canary('Aminata'));

  // The tablet saw what is missing: it says so, once.
  await tablet.page.goto(`/?lang=${language}`);
  await tablet.choose('welcome-come');
  await tablet.comeWithWords(keys);
  await tablet.on('went-on-title');
  await tablet.look('went-on');
  await tablet.press('went-on-go');
  await tablet.paper(lost).waitFor();
  await tablet.page.goto(`/?lang=${language}`);
  await tablet.choose('welcome-come');
  await tablet.comeWithWords(keys);
  await tablet.paper(lost).waitFor();
});

/** Waits until the log names what was done. */
async function isSafe(person) {
  const sent = person.page.getByText(person.t('safe-sent'));
  await sent.waitFor({ state: 'detached', timeout: 30_000 });
}
