// A worker gives a paper to a person who showed their square: it waits, is looked at, and is taken or
// refused; the worker sees what was taken, and nothing else.

import assert from 'node:assert/strict';
import { photo } from '../papers.mjs';
import { desktop, journey } from '../stage.mjs';
import { found } from '../story.mjs';

journey('a worker gives a paper to a person, who takes it', { name: 'depositing', record: true }, async (stage) => {
  const worker = await stage.newPerson('worker', { viewport: desktop });
  await found(stage, worker, { name: 'Accueil Sésame', place: 'Lyon' }, 'Maryam');
  const owner = await stage.newPerson('owner');
  await owner.arrive();
  await owner.openSafe({ keep: false });
  await owner.on('safe-title');
  await owner.follow('safe-inbox');
  await owner.on('inbox-title');
  await owner.told('inbox-none');
  await owner.look('inbox-empty');
  const address = (await owner.page.getByRole('group', { name: owner.t('inbox-address') }).innerText()).trim();
  assert.match(address, /^deposit:[\w-]{43}$/u);

  await worker.tab('received');
  await worker.follow('hand-title');
  await worker.on('hand-title');
  await worker.look('hand');
  const { bytes, place } = await photo(stage.browser, { colour: 'rgb(204, 32, 32)', width: 1200, height: 900 });
  const give = async (title, whose) => {
    await worker.page.getByTestId('files').setInputFiles({ name: 'IMG_0001.jpg', mimeType: 'image/jpeg', buffer: bytes });
    await worker.write('hand-whose', whose);
    await worker.write('title-label', title);
    assert.equal(await worker.field('hand-name').inputValue(), 'Maryam');
    await worker.write('hand-message', 'Pour votre dossier');
    await worker.press('hand-send');
  };
  await give('Attestation', 'https://example.org');
  await worker.told('error-address_misread');
  await worker.look('hand-misread');
  await worker.write('hand-whose', address);
  await worker.press('hand-send');
  await worker.told('hand-done');
  await worker.read('Attestation');
  await worker.look('hand-sent');
  // Theirs may be full, which is not the worker's own safe.
  worker.provoke(/status of 413/);
  stage.wire.away = (method, path) => (method === 'POST' && path === '/v1/deposits'
    ? { status: 413, type: 'application/json', body: '{"status":413,"code":"too_many_things","limit_count":200}' } : undefined);
  await give('Publicité', address);
  await worker.told('error-inbox_full');
  await worker.look('hand-full');
  stage.wire.away = null;
  await worker.press('hand-send');
  await worker.read('Publicité');

  // They wait; the safe itself is as it was.
  await owner.tab('safe');
  await owner.told('safe-inbox-waits', { count: 2 });
  await owner.look('safe-waits');
  await owner.follow('safe-inbox-look');
  await owner.read('Maryam');
  await owner.look('inbox');
  await owner.page.getByRole('listitem').filter({ hasText: 'Attestation' }).getByRole('link').click();
  await owner.onNamed('Attestation');
  await owner.told('deposit-not-compared', { structure: 'Accueil Sésame', place: 'Lyon' });
  const picture = await owner.drawn('Attestation');
  assert.deepEqual([picture.width, picture.height], [1200, 900]);
  await owner.look('deposit');
  await owner.write('title-label', 'Mon attestation');
  await owner.press('deposit-take');
  await owner.on('safe-title');
  await owner.paper('Mon attestation').waitFor();
  await owner.openPaper('Mon attestation');
  const kept = await owner.download();
  assert.ok(!kept.includes(place), 'the place is removed');

  await owner.tab('safe');
  await owner.follow('safe-inbox');
  await owner.page.getByRole('listitem').filter({ hasText: 'Publicité' }).getByRole('link').click();
  await owner.onNamed('Publicité');
  await owner.press('deposit-refuse');
  await owner.on('inbox-title');
  await owner.told('inbox-none');
  await owner.tab('trace');
  await owner.told('trace-accepted', { title: owner.t('trace-quoted', { title: 'Mon attestation' }) });
  await owner.told('trace-refused');

  // What was taken is told; what was refused looks as if it waited.
  await worker.press('back');
  await worker.on('received-title');
  await worker.follow('hand-title');
  const line = (title) => worker.page.getByRole('listitem').filter({ hasText: title });
  await line('Attestation').getByText(worker.t('hand-taken')).waitFor();
  const waits = worker.t('hand-waits', { day: '§' }).split('§')[0].replaceAll('\u2068', '').trim();
  await line('Publicité').getByText(waits).waitFor();

  // What the server changed on its way is counted and said, never opened, and can be put away.
  await give('Convocation', address);
  await worker.read('Convocation');
  stage.wire.tamper = (path, answer) => {
    if (path !== '/v1/deposits') return answer;
    const inbox = JSON.parse(answer);
    for (const it of inbox.deposits) it.wrap = `${it.wrap.slice(0, -8)}AAAAAAAA`;
    return Buffer.from(JSON.stringify(inbox));
  };
  await owner.tab('safe');
  await owner.follow('safe-inbox-look');
  await owner.told('inbox-apart', { count: 1 });
  await owner.told('inbox-apart-damaged');
  assert.equal(await owner.page.getByText('Convocation').count(), 0, 'nothing of it is shown');
  await owner.look('inbox-apart');
  await owner.press('inbox-away');
  await owner.told('inbox-none');
});
