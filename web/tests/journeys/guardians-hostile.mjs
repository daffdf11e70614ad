// A service that lies about returns: one that it hides, one that nobody signed, and a share that does not fit. Each is said
// in plain words to whom it concerns, and nothing goes on.

import assert from 'node:assert/strict';
import { journey } from '../stage.mjs';
import {
  addPaper, addPlace, begins, comesAgain, hasPaper, losesAll, nameThem, ownerOf, placeOf, places, toGuardians, toLost, village, vouches,
} from '../village.mjs';

/** Changes what the owner is told of returns. */
function tells(stage, lie) {
  stage.wire.tamper = (path, answer) => {
    if (!path.startsWith('/v1/sync')) return answer;
    const told = JSON.parse(answer);
    return Buffer.from(JSON.stringify({ ...told, returns: lie(told.returns ?? []) }));
  };
}

/** One letter of what was signed is another one. */
function forged(base64) {
  const bytes = Buffer.from(base64, 'base64url');
  bytes[bytes.length - 1] ^= 1;
  return bytes.toString('base64url');
}

async function anew(owner, keys, language) {
  await owner.page.goto(`/?lang=${language}`);
  await owner.choose('welcome-come');
  await owner.comeWithWords(keys, null);
  await owner.on('safe-title');
}

journey('a return that is hidden or forged is told all the same', { name: 'guardians-hidden', record: true }, async (stage) => {
  const language = 'ar';
  const { owner, keys, first } = await village(stage, language);
  const lost = await losesAll(stage, language);
  await toLost(first);
  await begins(first, lost.code);
  await vouches(first, true);

  tells(stage, () => []);
  await anew(owner, keys, language);
  await owner.told('alarm-hidden');
  assert.equal(await owner.button('alarm-stop').count(), 0);
  await owner.look('alarm-hidden');

  tells(stage, (returns) => returns.map((it) => ({ ...it, said: forged(it.said) })));
  await anew(owner, keys, language);
  await owner.told('alarm-unsound');
  assert.equal(await owner.button('alarm-stop').count(), 0);
  await owner.look('alarm-unsound');

  stage.wire.tamper = null;
  await anew(owner, keys, language);
  await owner.told('alarm-title');
  await owner.button('alarm-stop').waitFor();
});

journey('a share that does not fit is sealed for nobody', { name: 'guardians-share', record: true }, async (stage) => {
  const { first } = await village(stage, 'fr');
  const lost = await losesAll(stage, 'fr');
  await toLost(first);
  await begins(first, lost.code);
  stage.wire.tamper = (path, answer) => {
    if (!path.endsWith('/share')) return answer;
    const shown = JSON.parse(answer);
    return Buffer.from(JSON.stringify({ ...shown, wrap: forged(shown.wrap) }));
  };
  await first.choose('guarding-met');
  await first.told('guarding-spoilt');
  await first.look('guarding-spoilt');
  const given = stage.wire.entries().filter(({ path }) => path.endsWith('/vouches'));
  assert.deepEqual(given, [], 'nothing is given');
  assert.equal(await first.page.getByText(first.t('guarding-vouched')).count(), 0);

  // The truth goes on.
  stage.wire.tamper = null;
  await first.choose('guarding-vouch');
  await first.write('guarding-letters', lost.code);
  await first.press('next');
  await vouches(first, true);
});

journey('what a paper holds and does not fit is said, and opens nothing', { name: 'guardians-paper-share', record: true }, async (stage) => {
  const desks = [await placeOf(stage, 0, 'fr'), await placeOf(stage, 1, 'fr')];
  const { owner } = await ownerOf(stage, 'fr');
  await toGuardians(owner);
  await owner.press('guardians-begin');
  await owner.press('next');
  for (const [at, { code }] of desks.entries()) await addPlace(owner, places[at], code);
  const paper = await addPaper(owner, 'Awa');
  await nameThem(owner, 3);
  const lost = await losesAll(stage, 'fr');
  const [{ worker }] = desks;
  await toLost(worker);
  await begins(worker, lost.code);
  await vouches(worker, true);

  await stage.pass(8 * 86_400);
  stage.wire.tamper = (path, answer) => {
    if (path !== '/v1/returns/look') return answer;
    const looked = JSON.parse(answer);
    const papers = looked.found?.shares?.papers;
    if (papers) looked.found.shares.papers = papers.map(forged);
    return Buffer.from(JSON.stringify(looked));
  };
  const again = await comesAgain(stage, lost, 'fr');
  await again.on('back-waits-title');
  await hasPaper(again, paper);
  await again.press('back-open');
  await again.told('back-spoilt', { who: again.t('guarding-paper'), number: 3 });
  // Somebody else can still say yes: the square is there.
  await again.page.getByRole('img', { name: again.t('back-square') }).waitFor();
  await again.look('back-spoilt');

  stage.wire.tamper = null;
  await again.press('back-open');
  await again.drawWays();
  await again.on('safe-title');
  await again.paper('Passeport').waitFor();
});
