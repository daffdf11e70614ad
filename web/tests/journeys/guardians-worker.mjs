// A worker has a safe too: whoever can bring them back is named on the structures' page, which tells of a return, and on
// which they come back.

import { desktop, journey } from '../stage.mjs';
import { addPlace, begins, comesAgain, losesAll, nameThem, placeOf, places, toLost, vouches, vouchesLater } from '../village.mjs';

const days = 86_400;

journey('a worker is brought back on the structures’ page', { name: 'guardians-worker' }, async (stage) => {
  const language = 'fr';
  const desks = [];
  for (const at of places.keys()) desks.push(await placeOf(stage, at, language));
  const { worker: owner } = desks[2];
  await owner.toWays();
  await owner.look('ways');
  await owner.choose('ways-guardians');
  await owner.on('guardians-title');
  await owner.look('guardians-none');
  await owner.press('guardians-begin');
  await owner.press('next');
  for (const at of [0, 1]) await addPlace(owner, places[at], desks[at].code);
  await nameThem(owner, 2);
  await owner.look('guardians');

  const lost = await losesAll(stage, language, { viewport: desktop, address: '/structure.html' });
  const [first, second] = [desks[0].worker, desks[1].worker];
  await toLost(first);
  await begins(first, lost.code);
  await vouches(first, true);
  await toLost(second);
  await vouchesLater(second, lost.code, true);

  // Their page tells them, as anybody's.
  await owner.page.reload();
  await owner.comeWithWords(desks[2].keys, null);
  await owner.on('received-title');
  await owner.told('alarm-title');
  await owner.look('alarm');

  await stage.pass(5 * days);
  // A computer that is everybody's keeps no team's keys: that is said before anything is opened.
  const shared = await comesAgain(stage, lost, language, { address: '/structure.html' });
  await shared.press('back-open');
  await shared.told('error-needs_own_device');
  await shared.look('back-not-here');
  const again = await comesAgain(stage, lost, language, { address: '/structure.html', keep: true });
  await again.press('back-open');
  await again.drawWays();
  await again.on('waiting-colleague-title');
  await again.look('back-at-the-door');
});
