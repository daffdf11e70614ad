// Parts of the page, each alone, on a page that no visitor is given: the drawings that cards are known by,
// and a card that is printed, photographed badly, and read by the reader of the page.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { film } from '../film.mjs';
import { printed } from '../printed.mjs';
import { desktop, journey, results } from '../stage.mjs';

const web = fileURLToPath(new URL('../../', import.meta.url));
execFileSync(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '--config', 'tests/parts/vite.config.ts'], { cwd: web, stdio: 'inherit' });

const frame = { width: 1280, height: 720 };
const letters = 'CRCQXEX427 13MQFW9NNJC1VDZ435F3R4D3P1'.replace(' ', '');
/** The letters, and after them as much as a checkpoint. */
const square = `${letters}.${randomBytes(114).toString('base64url')}`;

/** From easy to hard: how a card is held, how far, and what light and lens make of it. */
const hard = [
  { wide: 900, held: 'none', seen: 'none' },
  { wide: 640, held: 'rotateZ(12deg)', seen: 'blur(1.2px) contrast(0.6)' },
  { wide: 640, held: 'rotateY(25deg) rotateX(15deg)', seen: 'blur(1.2px) contrast(0.5) brightness(1.3)' },
  { wide: 900, held: 'rotateY(-35deg) rotateZ(25deg)', seen: 'blur(2px)' },
  { wide: 640, held: 'rotateX(30deg) rotateZ(-40deg)', seen: 'blur(1.2px) contrast(0.6)' },
  { wide: 900, held: 'rotateY(45deg) rotateZ(170deg)', seen: 'blur(1.2px) contrast(0.6)' },
  { wide: 900, held: 'rotateX(40deg)', seen: 'blur(1.2px) brightness(0.35)' },
];

journey('a card that is printed is read from a bad picture', { name: 'parts-card', camera: true }, async (stage) => {
  const desk = await stage.newPerson('desk', { viewport: desktop });
  const look = await open(desk);
  await look({ part: 'card', letters, qr: square, cards: '2' });
  await desk.page.getByRole('img', { name: 'Carré à lire avec une caméra' }).first().waitFor();
  await desk.page.getByRole('img', { name: 'Oiseau' }).waitFor();
  await desk.look('card');
  const paper = await printed(stage.browser, desk.page, 200);
  assert.equal(paper.text, letters + letters, 'nothing else stands on the paper');

  const card = desk.page.getByRole('region', { name: 'Carte' }).first();
  await desk.page.emulateMedia({ media: 'print' });
  const { width, height } = await card.boundingBox();
  assert.deepEqual([width, height].map((pixels) => Math.round(pixels * 254 / 96) / 10), [85.6, 54]);
  await desk.page.emulateMedia({ media: null });

  // The first card, cut out of what was printed: dashed lines of 200 dots an inch.
  const cut = await cutOut(stage.browser, paper.picture, 200);
  writeFileSync(`${results}parts-card.png`, cut);
  const person = await stage.newPerson('person');
  const hold = await open(person);
  for (const [at, how] of hard.entries()) {
    writeFileSync(`${results}parts-card.${at}.jpg`, await film(stage, cut, { ...how, frame }));
    await hold({ part: 'scan' });
    const read = person.page.locator('output').filter({ hasText: /./ });
    await read.waitFor({ timeout: 60_000 }).catch(() => assert.fail(`not read: ${JSON.stringify(how)}`));
    assert.equal(await read.innerText(), square, JSON.stringify(how));
  }
});

journey('one of the drawings is chosen', { name: 'parts-pictures' }, async (stage) => {
  const language = 'ar';
  const person = await stage.newPerson('person', { language });
  const look = await open(person);
  await look({ part: 'small' });
  await person.page.waitForFunction(() => document.querySelectorAll('[aria-label^="picture-"]').length === 0
    && document.querySelectorAll('svg[role="img"]').length > 0);
  const names = await person.page.getByRole('img').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')));
  assert.equal(new Set(names).size, 32);
  await person.look('small');

  await look({ part: 'pictures' });
  const choices = person.page.getByRole('radio');
  await choices.first().waitFor();
  assert.equal(await choices.count(), 31, 'one is taken');
  await person.look('pictures');
  const key = await person.page.locator('fieldset label').first().boundingBox();
  assert.ok(key.width >= 56 && key.height >= 56, JSON.stringify(key));
  await person.page.getByRole('radio', { name: names[31], exact: true }).check({ force: true });
  assert.equal(await person.page.locator('output').innerText(), '31');
  await person.page.keyboard.press('ArrowUp');
  assert.equal(await person.page.locator('output').innerText(), '30');
});

/** Serves the page of parts where the person is; gives what shows one of them. */
async function open(person) {
  await person.context.route('**/parts/**', (route) => {
    const path = new URL(route.request().url()).pathname.replace(/\/$/, '/index.html');
    return route.fulfill({ path: `${results}${path.slice(1)}` });
  });
  return (asked) => person.page.goto(`/parts/?${new URLSearchParams({ ...asked, lang: person.language })}`);
}

/** The card at the top of the page, with a little of the paper around it. */
async function cutOut(browser, picture, dpi) {
  const page = await browser.newPage();
  const cut = await page.evaluate(async ({ source, inch }) => {
    const image = await createImageBitmap(await (await fetch(source)).blob());
    const [left, top, width, height] = [13, 13, 90, 58].map((millimetres) => Math.round(millimetres / 25.4 * inch));
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [width, height];
    canvas.getContext('2d').drawImage(image, -left, -top);
    return canvas.toDataURL('image/png').split(',')[1];
  }, { source: `data:image/png;base64,${picture.toString('base64')}`, inch: dpi });
  await page.close();
  return Buffer.from(cut, 'base64');
}
