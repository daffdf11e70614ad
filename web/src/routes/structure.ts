// Every screen of the structures' page.

import type { Routes } from '../lib/components/App.svelte';
import type { Tab } from '../lib/components/Tabs.svelte';
import Desk from '../lib/pictograms/Desk.svelte';
import Gear from '../lib/pictograms/Gear.svelte';
import People from '../lib/pictograms/People.svelte';
import Person from '../lib/pictograms/Person.svelte';
import { vault } from '../lib/vault.svelte';
import { shared } from './shared';

export const structureRoutes: Routes = {
  ...shared,
  begin: { inside: true, question: true, load: () => import('./begin/Begin.svelte') },
  found: { inside: true, question: true, load: () => import('./found/Found.svelte') },
  join: { inside: true, question: true, load: () => import('./join/Join.svelte') },
  waiting: { inside: true, question: true, load: () => import('./waiting/Waiting.svelte') },
  again: { inside: true, question: true, load: () => import('./again/Again.svelte') },
  left: { inside: true, question: true, load: () => import('./left/Left.svelte') },
  received: { inside: true, load: () => import('./received/Received.svelte') },
  given: { inside: true, load: () => import('./given/Given.svelte') },
  hand: { inside: true, question: true, load: () => import('./hand/Hand.svelte') },
  guardians: { inside: true, load: () => import('./guardians/Guardians.svelte') },
  naming: { inside: true, question: true, load: () => import('./guardians/Naming.svelte') },
  guarding: { inside: true, question: true, load: () => import('./guarding/Guarding.svelte') },
  read: { inside: true, question: true, load: () => import('./read/Read.svelte') },
  team: { inside: true, load: () => import('./team/Team.svelte') },
  member: { inside: true, load: () => import('./member/Member.svelte') },
  end: { inside: true, load: () => import('./end/End.svelte') },
  introduce: { inside: true, question: true, load: () => import('./introduce/Introduce.svelte') },
  invite: { inside: true, load: () => import('./invite/Invite.svelte') },
  poster: { inside: true, load: () => import('./poster/Poster.svelte') },
};

export const structureTabs: readonly Tab[] = [
  { screen: 'received', over: ['given'], icon: Person },
  { screen: 'team', over: ['invite', 'member', 'end'], icon: People },
  { screen: 'poster', icon: Desk },
  { screen: 'settings', over: ['ways', 'guardians', 'devices'], icon: Gear },
];

const always = ['language', 'settings', 'ways', 'card', 'pin', 'guardians', 'naming', 'devices', 'leave', 'close'];
/** For whoever waits to come in again with keys in hand: what they open, and what needs no colleague. */
const reading = ['received', 'given', 'read', 'hand', 'poster'];

/** Without a membership there is one thing to do first. */
export function structureDetour(asked: string): string | null {
  if (always.includes(asked)) return null;
  if (!vault.structure) {
    if (vault.invitation !== null) return 'join';
    return asked === 'found' ? null : 'begin';
  }
  if (['left', 'closed'].includes(vault.structure.state)) return vault.invitation === null ? 'left' : 'join';
  if (vault.structure.state === 'waiting_for_colleague') {
    const may = asked === 'again' || (vault.structure.reads && reading.includes(asked));
    return may ? null : 'waiting';
  }
  if (vault.structure.state !== 'member') return 'waiting';
  return ['begin', 'found', 'join', 'waiting', 'again', 'left'].includes(asked) ? vault.home : null;
}
