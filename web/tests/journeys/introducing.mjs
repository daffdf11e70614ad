// A place stands in for another one: a manager introduces it, an owner who compared the first gives to the
// second, and always sees which of the two they did.

import assert from 'node:assert/strict';
import { desktop, journey } from '../stage.mjs';
import { found } from '../story.mjs';

const first = { name: 'Accueil Sésame', place: 'Lyon' };
const second = { name: 'Maison de la Source', place: 'Lyon' };

journey('an owner gives on the word of a place that they compared', { name: 'introducing' }, async (stage) => {
  const manager = await stage.newPerson('manager', { viewport: desktop });
  const { code } = await found(stage, manager, first, 'Maryam');
  const other = await stage.newPerson('other manager', { viewport: desktop });
  const { code: otherCode } = await found(stage, other, second, 'Claire');

  await manager.tab('team');
  await manager.choose('team-introduce');
  await manager.on('introduce-title');
  await manager.told('introduce-none');
  await manager.choose('introduce-more');
  await manager.on('introduce-who');
  await find(manager, second.name);
  await manager.field('compare-code').pressSequentially(otherCode);
  await manager.press('compare-do');
  await manager.on('introduce-sure', { name: second.name });
  await manager.look('introduce-sure');
  await manager.press('introduce-yes');
  await manager.on('introduce-title');
  await manager.read(second.name);
  await manager.look('introduce');

  const owner = await stage.newPerson('owner', { language: 'ar' });
  await owner.arrive();
  await owner.openSafe({ keep: true });
  await owner.on('safe-title');
  await owner.put('Bail', { name: 'bail.txt', mimeType: 'text/plain', buffer: Buffer.from('bail') });
  await owner.follow('safe-give');
  await find(owner, first.name);
  await owner.field('compare-code').pressSequentially(code);
  await owner.press('compare-do');
  await owner.on('compared-title');
  await owner.press('compared-next');
  await owner.on('which-title');
  await owner.press('back');

  // The other one was never compared: the first one's word is offered, and called what it is.
  await find(owner, second.name);
  await owner.told('introduced-by', { by: first.name, ...second });
  await owner.look('introduced-by');
  await owner.press('introduced-take');
  await owner.on('which-title');
  await owner.page.getByRole('checkbox', { name: 'Bail' }).check();
  await owner.press('which-next', { count: 1 });
  await owner.on('until-title');
  await owner.choose('until-month');
  await owner.on('why-title');
  await owner.write('why-signed', 'Aminata D.');
  await owner.press('next');
  await owner.on('confirm-title');
  await owner.told('confirm-introduced', { name: first.name });
  assert.equal(await owner.page.getByText(owner.t('confirm-compared'), { exact: true }).count(), 0);
  await owner.look('confirm-introduced');
  await owner.press('confirm-yes');
  await owner.on('done-title');
  await owner.follow('to-safe');
  await other.tab('received');
  await other.read('Aminata D.');

  // The word is taken back: it stands for no other gift, and the code is compared.
  await manager.press('introduce-withdraw');
  await manager.told('introduce-none');
  await owner.follow('safe-give');
  await owner.on('give-who-title');
  await owner.told('give-who-introduced', { place: second.place, name: first.name });
  await owner.look('give-who-introduced');
  await owner.chooseNamed(second.name);
  await owner.on('compare-title', { name: second.name });
  await owner.page.waitForLoadState('networkidle');
  assert.equal(await owner.button('introduced-take').count(), 0);
  await owner.field('compare-code').pressSequentially(otherCode);
  await owner.press('compare-do');
  await owner.on('compared-title');
  await owner.press('compared-next');
  await owner.on('which-title');
  await owner.press('back');
  await owner.told('give-who-compared', { place: second.place });
  const introduced = owner.t('give-who-introduced', { place: second.place, name: first.name });
  assert.equal(await owner.page.getByText(introduced).count(), 0, 'nobody stands in any more');
});

/** From the search to the comparison. */
async function find(person, name) {
  await person.write('give-who-search', name);
  await person.press('give-who-find');
  await person.chooseNamed(name);
  await person.on('compare-title', { name });
}
