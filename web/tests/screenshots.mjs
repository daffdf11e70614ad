// The pictures of the README: `node tests/screenshots.mjs` tells a short story with invented papers and
// writes four screens of it to `docs/screenshots/`.

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { actsOf } from './acts.mjs';
import { desktop, journey, phone } from './stage.mjs';

const folder = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url));
mkdirSync(folder, { recursive: true });

const papers = [
  { title: 'Carte de séjour', head: 'TITRE DE SÉJOUR', ground: '#f3d9d4', ink: '#8a3b34', face: true, wide: true },
  { title: 'Attestation CAF', head: 'ATTESTATION', ground: '#ffffff', ink: '#1f4e79', face: false, wide: false },
  { title: 'Carte Vitale', head: 'CARTE D’ASSURÉ', ground: '#d5ead9', ink: '#1d6b46', face: true, wide: true },
  { title: 'Domiciliation', head: 'ÉLECTION DE DOMICILE', ground: '#fffdf4', ink: '#6f4300', face: false, wide: false },
];

journey('pictures for the readme', { name: 'readme' }, async (stage) => {
  const save = (person, name) => person.page.screenshot({ path: `${folder}${name}.png` });
  const manager = await stage.newPerson('manager', { viewport: desktop });
  await manager.arrive('/structure.html');
  await manager.openSafe({ keep: true, desk: 'desk-' });
  await manager.choose('begin-found');
  await manager.write('found-name', 'Accueil de jour Les Tilleuls');
  await manager.write('found-place', 'Roubaix');
  await manager.write('my-name', 'Claire');
  await manager.press('next');
  await manager.on('sheet-root-title');
  const root = await manager.sheet();
  await manager.press('sheet-next');
  await manager.checkSheet(root);
  const command = await manager.page.getByRole('group', { name: manager.t('waiting-command') }).innerText();
  await stage.server.operator(...command.trim().split(' ').slice(2));
  await manager.on('received-title');
  await manager.tab('poster');
  await manager.page.getByRole('img', { name: manager.t('poster-qr') }).waitFor();
  const code = (await manager.page.locator('main .poster .group').allInnerTexts()).join('');

  const owner = await stage.newPerson('owner', { viewport: phone });
  await owner.arrive();
  await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  const drawn = await draw(stage.browser);
  for (const [at, { title }] of papers.entries()) {
    await owner.put(title, { name: 'IMG_1.jpg', mimeType: 'image/jpeg', buffer: drawn[at] });
  }
  await owner.follow('safe-give');
  await owner.chooseNamed('Accueil de jour Les Tilleuls');
  await owner.field('compare-code').pressSequentially(code);
  await owner.press('compare-do');
  await owner.press('compared-next');
  for (const title of ['Carte de séjour', 'Domiciliation']) await owner.page.getByRole('checkbox', { name: title }).check();
  await pictured(owner);
  await owner.press('which-next', { count: 2 });
  await owner.choose('until-month');
  await owner.write('why-signed', 'Aminata');
  await owner.write('why-purpose', 'Demande de logement');
  await owner.press('next');
  await owner.on('confirm-title');
  await owner.press('confirm-yes');
  await owner.on('done-title');
  await owner.follow('done-who');
  await owner.on('who-title');
  await pictured(owner);
  await save(owner, 'give');
  await owner.tab('safe');
  await owner.on('safe-title');
  await pictured(owner);
  await save(owner, 'safe');

  await manager.tab('received');
  await manager.page.getByRole('link').filter({ hasText: 'Aminata' }).click();
  await manager.onNamed('Aminata');
  await pictured(manager);
  await save(manager, 'desk');
  await manager.page.getByRole('link', { name: 'Carte de séjour' }).click();
  await manager.drawn('Carte de séjour');

  await owner.tab('settings');
  await owner.choose('settings-language');
  await owner.page.getByRole('button', { name: 'العربية', exact: true }).click();
  const arabic = actsOf({ page: owner.page, language: 'ar' });
  await arabic.on('settings-title');
  await arabic.tab('safe');
  await arabic.on('safe-title');
  await pictured(owner);
  await save(owner, 'safe-ar');
});

/** Waits until every paper on the screen shows its picture. */
function pictured(person) {
  return person.page.waitForFunction(() => {
    const thumbs = [...document.querySelectorAll('main .thumb canvas')];
    return thumbs.length > 0 && thumbs.every((canvas) => canvas.classList.contains('drawn'));
  });
}

/** Papers of nobody. */
async function draw(browser) {
  const page = await browser.newPage();
  const drawn = await page.evaluate(async (papers) => Promise.all(papers.map(async ({ head, ground, ink, face, wide }) => {
    const canvas = new OffscreenCanvas(1200, wide ? 800 : 1500);
    const context = canvas.getContext('2d');
    context.fillStyle = '#cdbfa9';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = ground;
    context.fillRect(60, 60, canvas.width - 120, canvas.height - 120);
    context.fillStyle = ink;
    context.fillRect(60, 60, canvas.width - 120, 24);
    context.font = 'bold 72px sans-serif';
    context.fillText(head, 120, 200);
    context.globalAlpha = 0.35;
    const left = face ? 520 : 120;
    for (let line = 0; line < (wide ? 5 : 14); line += 1) {
      context.fillRect(left, 280 + line * 80, (canvas.width - left - 140) * (line % 3 === 2 ? 0.55 : 0.95), 30);
    }
    if (face) {
      context.fillRect(120, 270, 320, 400);
      context.globalAlpha = 0.8;
      context.beginPath();
      context.arc(280, 410, 80, 0, 7);
      context.fill();
      context.beginPath();
      context.ellipse(280, 640, 130, 130, 0, Math.PI, 0);
      context.fill();
    }
    const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 })).arrayBuffer());
    return [...bytes];
  })), papers);
  await page.close();
  return drawn.map((bytes) => Buffer.from(bytes));
}
