// Ways in: a card with a PIN, a device that remembers, a passkey. Each is made, used, changed and cancelled.

import assert from 'node:assert/strict';
import { printed } from '../printed.mjs';
import { journey } from '../stage.mjs';

const [pin, other] = ['481709', '728406'];

/** A PIN that is chosen, after two that are refused. */
async function choosePin(person, digits) {
  await person.on('pin-choose-title');
  await person.look('pin');
  await person.typePin('121212');
  await person.told('error-pin_too_plain');
  await person.typePin(digits);
  await person.on('pin-again-title');
  await person.typePin(other === digits ? pin : other);
  await person.told('pin-other');
  await person.typePin(digits);
  await person.on('pin-again-title');
  await person.typePin(digits);
}

/** Typed, once wrongly: a card counts when its paper was looked at. */
async function checkCard(person, letters) {
  await person.on('card-check-title');
  await person.look('card-check');
  await person.press('card-check-type');
  await person.write('card-check-letters', 'ZZZZ');
  await person.press('next');
  await person.told('card-check-wrong');
  await person.write('card-check-letters', letters.replaceAll(' ', '').slice(-4).toLowerCase());
  await person.press('next');
}

async function makeCard(stage, person) {
  await person.toWays();
  await person.choose('ways-add-card');
  await person.on('card-picture-title');
  await person.page.getByRole('radio', { name: person.t('picture-umbrella') }).check({ force: true });
  await person.look('card-picture');
  await person.press('next');
  await choosePin(person, pin);
  await person.on('card-paper-title');
  await person.look('card-paper');
  const letters = (await person.page.locator('main .wallet .group').allInnerTexts()).join(' ');
  assert.equal(letters.replaceAll(' ', '').length, 36);
  const paper = await printed(stage.browser, person.page);
  assert.equal(paper.title, '…');
  await person.press('card-paper-next');
  await checkCard(person, letters);
  await person.on('ways-title');
  await person.page.getByRole('img', { name: person.t('picture-umbrella') }).waitFor();
  return letters;
}

journey('a card opens the safe, until it is cancelled', { name: 'ways-card' }, async (stage) => {
  const language = 'ar';
  const owner = await stage.newPerson('owner', { language });
  await owner.arrive();
  await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  const letters = await makeCard(stage, owner);

  const desk = await stage.newPerson('at the desk', { language });
  await desk.arrive();
  await desk.choose('welcome-come');
  await desk.comeWithCard({ letters, pin: other }, false);
  await desk.told('error-wrong_pin', { left: 9 });
  await desk.look('come-pin');
  await desk.typePin(pin);
  await desk.on('safe-title');
  await desk.told('safe-wrong-pins', { count: 1 });

  await owner.toWays();
  await owner.look('ways');
  await owner.press('ways-cancel');
  await owner.on('ways-cancel-card');
  await owner.look('ways-cancel');
  await owner.press('ways-cancel-yes');
  await owner.on('ways-title');
  await owner.told('ways-add-card');
  assert.equal(await owner.button('ways-cancel').count(), 0);

  const finder = await stage.newPerson('a finder', { language });
  finder.provoke(/401/);
  await finder.arrive();
  await finder.choose('welcome-come');
  await finder.comeWithCard({ letters, pin }, false);
  await finder.told('error-wrong_held');
  // Who is in stays in.
  await desk.tab('trace');
  await desk.on('trace-title');
});

journey('a safe is opened with a card and a sheet, in Arabic', { name: 'ways-open' }, async (stage) => {
  const owner = await stage.newPerson('owner', { language: 'ar' });
  await owner.arrive();
  await owner.choose('welcome-open');
  await owner.keepOrNot(false);
  await owner.choose('open-how-card');
  await owner.on('card-picture-title');
  await owner.page.getByRole('radio', { name: owner.t('picture-boat') }).check({ force: true });
  await owner.press('next');
  await choosePin(owner, pin);
  await owner.on('card-paper-title');
  const card = (await owner.page.locator('main .wallet .group').allInnerTexts()).join('');
  await owner.press('card-paper-next');
  await checkCard(owner, card);
  await owner.on('open-second-title');
  await owner.look('open-second');
  await owner.choose('open-second-sheet');
  await owner.on('sheet-own-title');
  const letters = await owner.sheet();
  await owner.press('sheet-next');
  await owner.checkSheet(letters);
  await owner.on('safe-title');
  await owner.toWays();
  await owner.page.getByRole('img', { name: owner.t('picture-boat') }).waitFor();

  const again = await stage.newPerson('again', { language: 'ar' });
  await again.arrive();
  await again.choose('welcome-come');
  await again.comeWithCard({ letters: card, pin }, false);
  await again.on('safe-title');
});

journey('a phone remembers the safe under a PIN', { name: 'ways-device' }, async (stage) => {
  const language = 'fr';
  const owner = await stage.newPerson('owner', { language });
  await owner.arrive();
  await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  await owner.toWays();
  await owner.choose('ways-add-pin');
  await choosePin(owner, pin);
  await owner.on('ways-title');
  await owner.told('ways-here');

  // Every day: the page, the PIN, the safe.
  await owner.page.goto('/');
  await owner.on('come-pin');
  await owner.look('come-here');
  await owner.typePin(other);
  await owner.told('error-wrong_pin', { left: 9 });
  await owner.page.keyboard.type(pin);
  await owner.on('safe-title');

  // Another PIN, then none.
  await owner.toWays();
  await owner.choose('ways-change-pin');
  await choosePin(owner, other);
  await owner.on('ways-title');
  await owner.page.goto('/');
  await owner.on('come-pin');
  await owner.typePin(other);
  await owner.on('safe-title');
  await owner.toWays();
  await owner.press('ways-cancel');
  await owner.press('ways-cancel-yes');
  await owner.on('ways-title');
  await owner.told('ways-add-pin');
  await owner.page.goto('/');
  await owner.on('welcome-title');
});

journey('a passkey opens the safe, and one without a secret changes nothing', { name: 'ways-passkey', record: true }, async (stage) => {
  const language = 'ar';
  const owner = await stage.newPerson('owner', { language });
  await owner.arrive();
  await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  await owner.toWays();
  const without = await owner.passkeys({ prf: false });
  await owner.choose('ways-add-passkey');
  await owner.told('error-passkey_no_secret');
  assert.equal(await owner.button('ways-cancel').count(), 0);
  await without.session.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId: without.authenticatorId });

  const { session, authenticatorId } = await owner.passkeys();
  await owner.page.evaluate(listen);
  await owner.choose('ways-add-passkey');
  await owner.told('ways-passkey-what');
  await owner.button('ways-cancel').waitFor();
  await owner.tab('settings');
  await owner.choose('settings-lock');
  await owner.on('come-title');
  await owner.look('come-how');
  await owner.choose('come-passkey');
  await owner.keepOrNot(true);
  await owner.on('safe-title');
  // What the authenticator gave, and what it is known by, went nowhere.
  const { credentials } = await session.send('WebAuthn.getCredentials', { authenticatorId });
  const given = await owner.page.evaluate(() => globalThis.given);
  assert.ok(credentials.length === 1 && given.length > 0);
  const sent = Buffer.concat(stage.wire.entries().flatMap(({ path, body }) => [Buffer.from(path), Buffer.from(body)]));
  const plain = [credentials[0].credentialId, credentials[0].userHandle, ...given].map((text) => Buffer.from(text, 'base64'));
  for (const known of plain) {
    assert.ok(known.length >= 16);
    for (const form of [known, known.toString('base64'), known.toString('base64url'), known.toString('hex')]) {
      assert.ok(!sent.includes(form), 'the server was told');
    }
  }
  assert.ok(sent.includes('/v1/unlock/held'));
});

/** Notes what each passkey gives to the page. */
function listen() {
  globalThis.given = [];
  for (const name of ['create', 'get']) {
    const ask = navigator.credentials[name].bind(navigator.credentials);
    navigator.credentials[name] = async (options) => {
      const credential = await ask(options);
      const first = credential?.getClientExtensionResults().prf?.results?.first;
      if (first) globalThis.given.push(btoa(String.fromCharCode(...new Uint8Array(first))));
      return credential;
    };
  }
}
