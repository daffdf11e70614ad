// Papers that are programs: whoever may send somebody a paper could send one that looks for keys in the
// reader's page. Here they are read by owner and worker, and nothing of them runs; and then, but for the
// PDF, which this browser runs in no page, shown by a page of the same origin as they are, where they
// find what they look for.

import assert from 'node:assert/strict';
import { pdf, photo } from '../papers.mjs';
import { desktop, journey } from '../stage.mjs';

/** Says which databases the browser keeps for this origin: device keys are in one of them. */
const program = "indexedDB.databases().then((all) => { globalThis.taken = all.map((it) => it.name); fetch('/taken'); });";
const markup = `<!doctype html><title>Convocation</title><p>Lisez-moi</p><script>${program}</script><img src="/none" onerror="${program}">`;
const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99" onload="${program}"><script>${program}</script></svg>`;
const action = `/OpenAction << /S /JavaScript /JS (${program.replaceAll(/[()]/g, '\\$&')}) >> /AA << /WC << /S /URI /URI (/taken) >> >>`;

journey('papers that are programs are not run', { name: 'active' }, async (stage) => {
  const halte = { name: 'Halte', place: 'Lille' };
  const maryam = await stage.newPerson('maryam', { viewport: desktop });
  await maryam.arrive('/structure.html');
  await maryam.openSafe({ keep: true, desk: 'desk-' });
  await maryam.found(halte, 'Maryam', stage.server);
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  await owner.openSafe({ keep: true });

  const picture = await photo(stage.browser, { colour: 'rgb(32, 160, 32)', width: 320, height: 240 });
  const papers = [
    { title: '<img src=/none onerror=fetch("/taken")>', is: 'other', name: 'page.html', mimeType: 'text/html', buffer: Buffer.from(markup) },
    { title: 'Plan', is: 'other', name: 'plan.svg', mimeType: 'image/svg+xml', buffer: Buffer.from(drawing) },
    { title: 'Formulaire', is: 'drawn', name: 'form.pdf', mimeType: 'application/pdf', buffer: pdf('Formulaire', action) },
    { title: 'Photo', is: 'drawn', name: 'photo.html', mimeType: 'text/html', buffer: Buffer.concat([picture.bytes, Buffer.from(markup)]) },
  ];
  const asked = [];
  for (const person of [owner, maryam]) person.context.on('request', (request) => asked.push(new URL(request.url()).pathname));
  for (const { title, is, ...file } of papers) await owner.put(title, file);
  for (const paper of papers) {
    await owner.openPaper(paper.title);
    await owner.follow('paper-look');
    await isStill(owner, paper);
  }
  const code = await maryam.code();
  for (const [at, paper] of papers.entries()) {
    await owner.give({ ...halte, code: at === 0 ? code : null }, paper.title, `Aminata ${at}`);
    await maryam.tab('received');
    await maryam.page.getByRole('link').filter({ hasText: `Aminata ${at}` }).click();
    await maryam.page.getByRole('link').filter({ hasText: paper.title }).click();
    await isStill(maryam, paper);
    if (at === 0) await maryam.look('html');
  }
  assert.ok(asked.length > 0);
  for (const path of ['/taken', '/none']) assert.ok(!asked.includes(path), `${path} was asked for`);

  // The same papers, where a page of this origin shows them as they are.
  owner.provoke(/./);
  for (const { buffer, mimeType, is } of papers.filter(({ mimeType }) => mimeType !== 'application/pdf')) {
    const naive = await owner.context.newPage();
    await naive.route('**/naive', (route) => route.fulfill({ body: buffer, contentType: mimeType }));
    await naive.goto('/naive');
    const taken = await naive.waitForFunction(() => globalThis.taken);
    assert.ok((await taken.jsonValue()).length > 0, `${mimeType}, ${is}: found no database`);
    await naive.close();
  }
  assert.ok(asked.includes('/taken'), 'what looks for it would see it');
});

/** It is drawn or not shown at all; no frame, no page and no worker has run it. */
async function isStill(person, { title, is }) {
  if (is === 'other') await person.told('look-other');
  else await person.page.locator('canvas[data-drawn]').first().waitFor();
  assert.deepEqual(person.page.frames().map((frame) => frame.parentFrame()), [null], 'a frame');
  assert.equal(person.context.pages().length, 1, 'another page');
  for (const place of [person.page, ...person.page.workers()]) {
    assert.equal(await place.evaluate(() => globalThis.taken), undefined, `${title} was run`);
  }
  await person.press('back');
}
