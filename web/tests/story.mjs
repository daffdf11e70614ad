// The main story, told in one language: a person keeps papers, gives one of them to a structure, and
// takes it back, while the server is killed twice on the way.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { canary, pdf, photo } from './papers.mjs';
import { desktop, phone } from './stage.mjs';

const red = [204, 32, 32];
const blue = [32, 64, 204];

/** Whoever looks at a dead server is told so by their browser too. */
const serverGone = /net::ERR_(EMPTY_RESPONSE|CONNECTION_(RESET|REFUSED|CLOSED))/;
const notHere = /status of 404/;

/** @returns everything that must be nowhere on the server, by name */
export async function tellStory(stage, language, names) {
  const people = (who, viewport) => stage.newPerson(who, { language, viewport });
  const said = {
    photo: canary(names.photo), other: canary(names.other), pdf: canary(names.pdf), renamed: canary(names.renamed),
    note: canary('note'), signedAs: canary(names.owner), purpose: canary(names.purpose),
    manager: canary(names.manager), worker: canary(names.worker),
  };
  const structure = { name: names.structure, place: names.place };
  const [first, second, third] = await Promise.all([
    photo(stage.browser, { colour: 'rgb(204, 32, 32)' }),
    photo(stage.browser, { colour: 'rgb(32, 64, 204)' }),
    photo(stage.browser, { colour: 'rgb(32, 160, 32)', width: 800, height: 600 }),
  ]);
  const text = canary('Contract');
  const contract = pdf(text);

  // 1. The owner opens a safe.
  const owner = await people('owner', phone);
  await owner.arrive('/', true);
  await owner.on('welcome-title');
  await owner.look('welcome');
  const ownerKeys = await owner.openSafe({ keep: true, looks: true });
  await owner.on('safe-title');
  await owner.told('safe-empty');
  await owner.look('safe-empty');

  // 2. Papers: through the picker, dropped, and from the camera.
  await owner.put(said.photo, jpeg(first.bytes), { look: owner.look });
  await owner.drop({ name: 'contract.pdf', mimeType: 'application/pdf', buffer: contract });
  await owner.confirmTitle(said.pdf);
  await owner.put(said.other, jpeg(third.bytes), { input: 'camera' });
  await owner.look('safe');
  await keepsInOrder(owner, said, contract, third);
  const pdfId = await owner.idOf(said.pdf);

  // 3. The manager founds a structure, and the operator accepts it.
  const manager = await people('manager', desktop);
  const { keys: managerKeys, code, root } = await found(stage, manager, structure, said.manager, true);
  const link = await invite(manager, said.worker);
  // The manager goes: whoever comes now has to wait.
  await manager.page.goto('about:blank');
  const worker = await people('worker', desktop);
  const workerKeys = await join(worker, link, said.worker);

  worker.provoke(serverGone);
  owner.provoke(serverGone);
  await stage.server.restart();

  await manager.page.goto(`/structure.html?lang=${language}`);
  await manager.choose('welcome-desk-come');
  await manager.on('come-title');
  await manager.look('desk-come');
  await manager.comeWithWords(managerKeys, null);
  await manager.on('received-title');
  await worker.on('received-title');
  await manager.tab('team');
  await manager.read(said.worker);
  await manager.look('team');
  await worker.told('received-none');
  await worker.look('received-none');

  // 4. The owner gives the photo, and not the PDF, until a day.
  await give(owner, structure, code, said);
  await owner.follow('done-who');
  await owner.on('who-title');
  await owner.read(structure.name);
  await owner.look('who');

  // 5. Both workers open the photo; the PDF is not there.
  for (const reader of [manager, worker]) await readPhoto(reader, said, red, reader === manager);
  const grant = await grantOf(worker, said);
  const workersTokens = tokensOf(stage.wire, grant);
  assert.equal(workersTokens.length, 2);
  await cannotReach(stage, workersTokens, grant, pdfId);

  // A new version follows.
  await owner.openPaper(said.photo);
  await owner.look('paper-given');
  await owner.choose('paper-replace');
  await owner.on('replace-title');
  await owner.told('replace-seen', { count: 1 });
  await owner.page.getByTestId('files').setInputFiles(jpeg(second.bytes));
  await owner.on('safe-title');
  await owner.tasksDone();
  for (const reader of [manager, worker]) await readPhoto(reader, said, blue, false);

  // 7. Another browser of the same owner, both open, both writing.
  const elsewhere = await people('owner elsewhere', desktop);
  await elsewhere.page.goto(`/?lang=${language}`);
  await elsewhere.choose('welcome-come');
  await elsewhere.keepOrNot(false);
  await elsewhere.on('come-title');
  await elsewhere.look('come');
  await elsewhere.comeWithSheet(ownerKeys);
  await elsewhere.on('safe-title');
  await elsewhere.look('safe-elsewhere');
  await bothWrite(owner, elsewhere, said);

  // 6. Taken back with one tap.
  // Each worker's list stays what it was a moment ago: they press open before they hear of it.
  const listed = stage.wire.entries().filter(({ path, status }) => path === '/v1/received' && status === 200);
  stage.wire.tamper = (path, answer, { authorization }) => (path === '/v1/received'
    ? listed.findLast(({ headers }) => headers.authorization === authorization).answer : answer);
  await owner.tab('who');
  await owner.on('who-title');
  await owner.press('take-back');
  await owner.on('taken-title');
  await owner.told('taken-honest');
  await owner.look('taken');
  await nothingWorks(stage, [manager, worker], said, grant, workersTokens);

  await stage.server.restart();
  await traceSays(owner, structure, said);
  await elsewhere.tab('who');
  await elsewhere.on('who-title');
  await elsewhere.told('who-past');

  return {
    'photo bytes': first.content, 'new photo bytes': second.content, 'deleted photo bytes': third.content,
    'pdf text': text,
    ...Object.fromEntries([first, second, third].flatMap(({ place, device, trailing }, at) => [
      [`place ${at}`, place], [`device ${at}`, device], [`trailing ${at}`, trailing],
    ])),
    ...Object.fromEntries(Object.entries(said).map(([name, value]) => [`said ${name}`, value])),
    ...Object.fromEntries([['owner', ownerKeys], ['manager', managerKeys], ['worker', workerKeys]].flatMap(([who, keys]) => [
      [`words of ${who}`, keys.words.join(' ')], [`words of ${who}, as a list`, keys.words.join('","')],
      [`sheet of ${who}`, keys.letters],
      [`sheet of ${who}, plain`, keys.letters.replaceAll(' ', '')],
    ])),
    'root sheet': root.replaceAll(' ', ''),
    'invitation': new URL(link).hash.slice('#join='.length),
    'invitation secret': Buffer.from(new URL(link).hash.slice('#join='.length), 'base64url').subarray(32),
  };
}

const jpeg = (buffer) => ({ name: 'IMG_0001.jpg', mimeType: 'image/jpeg', buffer });

/** Open, rename, download, delete. */
async function keepsInOrder(owner, said, contract, third) {
  await owner.openPaper(said.photo);
  await owner.look('paper');
  await owner.follow('paper-look');
  const picture = await owner.drawn(said.photo);
  assert.deepEqual([picture.width, picture.height], [2400, 1800]);
  near(picture.middle, red);
  assert.ok(picture.colours > 100, 'a picture, not a blank');
  await owner.look('look');
  await owner.press('back');

  await owner.openPaper(said.pdf);
  await owner.follow('paper-look');
  const page = await owner.drawn(owner.t('look-page-label', { title: said.pdf, page: 1, pages: 2 }));
  assert.ok(page.colours >= 2, 'a page, not a blank');
  await owner.press('look-next');
  await owner.page.locator('canvas[data-drawn="2"]').waitFor();
  await owner.look('look-pdf');
  await owner.press('back');
  assert.deepEqual(await owner.download(), contract);

  await owner.openPaper(said.other);
  const kept = await owner.download();
  for (const gone of [third.place, third.device, third.trailing]) assert.ok(!kept.includes(gone), `${gone} is removed`);
  assert.ok(kept.includes(third.content), 'the picture itself is kept');
  await owner.choose('paper-rename');
  await owner.on('rename-title');
  await owner.look('rename');
  await owner.write('title-label', said.renamed);
  await owner.press('rename-do');
  await owner.onNamed(said.renamed);
  await owner.choose('paper-remove');
  await owner.on('remove-title');
  await owner.look('remove');
  await owner.press('remove-yes');
  await owner.on('safe-title');
  await owner.paper(said.photo).waitFor();
  assert.equal(await owner.paper(said.renamed).count(), 0);
}

/** Founds a structure that the operator accepts; `looks` at each screen when asked. */
export async function found(stage, manager, structure, name, looks = false) {
  const look = looks ? manager.look : async () => undefined;
  await manager.arrive('/structure.html', looks);
  await manager.on('welcome-desk-title');
  await look('desk-welcome');
  const keys = await manager.openSafe({ keep: true, desk: 'desk-' });
  await manager.on('begin-title');
  await look('begin');
  await manager.choose('begin-found');
  await manager.on('found-title');
  await manager.write('found-name', structure.name);
  await manager.write('found-place', structure.place);
  await manager.write('my-name', name);
  await look('found');
  await manager.press('next');
  await manager.on('sheet-root-title');
  const root = await manager.sheet();
  // Two sheets lie on the founder's desk by now: neither may pass for the other.
  await manager.told('sheet-paper-root-title');
  await manager.told('sheet-root-care');
  for (const own of ['sheet-paper-own-title', 'sheet-paper-own-finder', 'sheet-own-care']) {
    assert.equal(await manager.page.getByText(manager.t(own)).count(), 0, own);
  }
  await look('root-sheet');
  await manager.press('sheet-next');
  await manager.checkSheet(root);
  await manager.on('waiting-operator-title');
  await look('waiting-operator');
  const command = await manager.page.getByRole('group', { name: manager.t('waiting-command') }).innerText();
  const [program, ...words] = command.trim().split(' ');
  assert.equal(program, 'reconnect');
  assert.match(await stage.server.operator(...words.slice(1)), new RegExp(structure.name, 'u'));
  // The page notices by itself.
  await manager.on('received-title');
  await manager.tab('poster');
  await manager.on('poster-title');
  await manager.page.getByRole('img', { name: manager.t('poster-qr') }).waitFor();
  await look('poster');
  const groups = await manager.page.locator('main .poster .group').allInnerTexts();
  return { keys, root, code: groups.join(' ') };
}

async function invite(manager, name) {
  await manager.tab('team');
  await manager.on('team-title');
  await manager.choose('team-invite');
  await manager.on('invite-title');
  await manager.write('invite-name', name);
  await manager.press('invite-do');
  await manager.on('invite-made-title');
  await manager.look('invite');
  return (await manager.page.getByRole('group', { name: manager.t('invite-link') }).innerText()).trim();
}

async function join(worker, link, name) {
  await worker.arrive(link);
  await worker.told('welcome-invited');
  assert.ok(!worker.page.url().includes('join='), 'the invitation is gone from the address');
  await worker.look('desk-invited');
  const keys = await worker.openSafe({ keep: true, desk: 'desk-' });
  await worker.on('join-title');
  await worker.look('join');
  await worker.write('my-name', name);
  await worker.press('join-do');
  await worker.on('waiting-manager-title');
  await worker.look('waiting-manager');
  return keys;
}

async function give(owner, structure, code, said) {
  await owner.tab('safe');
  await owner.follow('safe-give');
  await owner.on('give-who-title');
  await owner.write('give-who-search', structure.name.slice(0, 6));
  await owner.press('give-who-find');
  await owner.look('give-who');
  await owner.chooseNamed(structure.name);
  await owner.on('compare-title', { name: structure.name });
  // One letter read wrongly.
  const other = code.startsWith('2') ? '3' : '2';
  await owner.field('compare-code').pressSequentially(other + code.slice(1));
  await owner.press('compare-do');
  await owner.told('error-code_differs');
  await owner.look('give-compare');
  await owner.field('compare-code').fill('');
  await owner.field('compare-code').pressSequentially(code.toLowerCase());
  await owner.press('compare-do');
  await owner.on('compared-title');
  await owner.look('give-compared');
  await owner.press('compared-next');
  await owner.on('which-title');
  await owner.page.getByRole('checkbox', { name: said.photo }).check();
  await owner.look('give-which');
  await owner.press('which-next', { count: 1 });
  await owner.on('until-title');
  await owner.look('give-until');
  await owner.choose('until-own');
  const year = new Date().getFullYear() + 1;
  for (const [key, value] of [['date-day', '15'], ['date-month', '3'], ['date-year', String(year)]]) {
    await owner.write(key, value);
  }
  await owner.look('give-until-own');
  await owner.press('next');
  await owner.on('why-title');
  await owner.write('why-signed', said.signedAs);
  await owner.write('why-purpose', said.purpose);
  await owner.look('give-why');
  await owner.press('next');
  await owner.on('confirm-title');
  await owner.look('give-confirm');
  await owner.press('confirm-yes');
  await owner.on('done-title');
  await owner.look('give-done');
}

async function readPhoto(reader, said, colour, looks) {
  await reader.tab('settings');
  await reader.on('settings-title');
  await reader.tab('received');
  await reader.on('received-title');
  await reader.page.getByRole('link').filter({ hasText: said.signedAs }).click();
  await reader.onNamed(said.signedAs);
  await reader.read(said.photo);
  assert.equal(await reader.page.getByText(said.pdf).count(), 0, 'the PDF is not listed');
  if (looks) await reader.look('given');
  await reader.page.getByRole('link', { name: said.photo }).click();
  const picture = await reader.drawn(said.photo);
  near(picture.middle, colour);
  assert.ok(picture.colours > 100, 'a picture, not a blank');
  if (looks) await reader.look('read');
  await reader.press('back');
  await reader.onNamed(said.signedAs);
}

async function grantOf(reader) {
  const id = /#\/given\/([^/]+)$/.exec(reader.page.url())?.[1];
  assert.ok(id, 'a grant in the address');
  return decodeURIComponent(id);
}

/** The sessions under which a grant was looked at. */
function tokensOf(wire, grant) {
  const asked = wire.entries().filter(({ path }) => path.startsWith(`/v1/received/${grant}/`));
  return [...new Set(asked.map(({ headers }) => headers.authorization))];
}

/** No request that a worker writes by hand gives the other paper. */
async function cannotReach(stage, tokens, grant, pdfId) {
  const recorded = stage.wire.entries();
  const paths = new Set([
    `/v1/received/${grant}/documents/${pdfId}/content`,
    `/v1/received/${grant}/documents/${pdfId}/thumbnail`,
    ...recorded.filter(({ path, method }) => path.includes(pdfId) && method === 'GET').map(({ path }) => path),
  ]);
  for (const authorization of tokens) {
    for (const path of paths) {
      const answer = await fetch(stage.server.url + path, { headers: { authorization } });
      assert.equal(answer.status, 404, path);
    }
    const opened = recorded.findLast(({ headers, path }) =>
      headers.authorization === authorization && /documents\/[^/]+\/open$/.test(path));
    const path = opened.path.replace(/documents\/[^/]+/, `documents/${pdfId}`);
    const answer = await replay(stage, { ...opened, path });
    assert.ok(answer.status >= 400 && answer.status < 500, `${path}: ${answer.status}`);
  }
}

function replay(stage, { method, path, headers, body }) {
  const { authorization, 'content-type': type } = headers;
  return fetch(stage.server.url + path, {
    method,
    headers: { authorization, ...(type ? { 'content-type': type } : {}) },
    ...(body.length > 0 ? { body } : {}),
  });
}

/** After the taking back: neither what is still on a screen, nor a request written by hand. */
async function nothingWorks(stage, readers, said, grant, tokens) {
  const before = stage.wire.entries().filter(({ path, headers }) =>
    path.startsWith(`/v1/received/${grant}/`) && tokens.includes(headers.authorization));
  assert.ok(before.some(({ path }) => path.endsWith('/content')), 'there is something to try again');
  for (const entry of before) {
    const answer = await replay(stage, entry);
    assert.equal(answer.status, 404, `${entry.method} ${entry.path}`);
    assert.ok((await answer.arrayBuffer()).byteLength < 300, 'nothing but a refusal');
  }
  for (const authorization of tokens) {
    const listed = await (await fetch(`${stage.server.url}/v1/received`, { headers: { authorization } })).text();
    assert.ok(!listed.includes(grant), 'the grant is not listed');
  }
  const [looking, opening] = readers;
  opening.provoke(notHere);
  await opening.page.getByRole('link', { name: said.photo }).click();
  await opening.page.getByRole('alert').filter({ hasText: opening.t('error-taken_back') }).waitFor();
  await opening.look('read-taken-back');
  // Who only looks at what was given hears of it as well.
  stage.wire.tamper = null;
  looking.provoke(notHere);
  await looking.on('gone-taken-back');
  await looking.told('gone-taken-back-what');
  await looking.look('given-taken-back');
  await opening.press('back');
  await opening.on('gone-taken-back');
  for (const reader of readers) {
    await reader.tab('received');
    await reader.told('received-none');
  }
}

async function bothWrite(owner, elsewhere, said) {
  const note = { name: 'note.txt', mimeType: 'text/plain', buffer: randomBytes(2000) };
  await Promise.all([
    rename(owner, said.pdf, said.renamed),
    elsewhere.put(said.note, note),
  ]);
  await rename(owner, said.renamed, said.pdf);
  // Before it has another name: a page whose last look is some seconds old looks again, and would show that.
  await owner.tab('safe');
  await owner.paper(said.note).waitFor();
  await rename(elsewhere, said.note, `${said.note} 2`);
  for (const title of [said.photo, said.pdf]) {
    await elsewhere.tab('safe');
    await elsewhere.paper(title).waitFor();
  }
}

async function rename(person, from, to) {
  await person.openPaper(from);
  await person.choose('paper-rename');
  await person.write('title-label', to);
  await person.press('rename-do');
  await person.onNamed(to);
}

async function traceSays(owner, structure, said) {
  await owner.tab('trace');
  await owner.on('trace-title');
  const name = structure.name;
  const title = owner.t('trace-quoted', { title: said.photo });
  await owner.told('trace-taken_back', { name });
  for (const number of [1, 2]) {
    await owner.told('trace-seen', { name, number, title });
    await owner.told('trace-listed', { name, number });
  }
  const given = owner.t('trace-given', { title, name, day: '§' }).split('\u2068§')[0];
  await owner.read(given);
  await owner.told('trace-added', { title });
  await owner.told('trace-replaced', { title });
  await owner.look('trace');
}

function near(colour, wanted) {
  assert.ok(colour.every((part, at) => Math.abs(part - wanted[at]) < 12), `${colour} is not ${wanted}`);
}

/** Gives one paper for a month, as Aminata. */
export async function giveOne(owner, structure, code, title) {
  await owner.tab('safe');
  await owner.follow('safe-give');
  await owner.chooseNamed(structure.name);
  await owner.field('compare-code').pressSequentially(code);
  await owner.press('compare-do');
  await owner.press('compared-next');
  await owner.page.getByRole('checkbox', { name: title }).check();
  await owner.press('which-next', { count: 1 });
  await owner.choose('until-month');
  await owner.write('why-signed', 'Aminata');
  await owner.press('next');
  await owner.on('confirm-title');
  await owner.press('confirm-yes');
  await owner.follow('done-who');
  await owner.on('who-title');
}
