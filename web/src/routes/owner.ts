// Every screen of the owner's page.

import type { Routes } from '../lib/components/App.svelte';
import type { Tab } from '../lib/components/Tabs.svelte';
import Clock from '../lib/pictograms/Clock.svelte';
import Eye from '../lib/pictograms/Eye.svelte';
import Gear from '../lib/pictograms/Gear.svelte';
import SafeDrawing from '../lib/pictograms/Safe.svelte';
import { kiosk } from '../lib/router.svelte';
import { shared } from './shared';

export const ownerRoutes: Routes = {
  ...shared,
  safe: { inside: true, load: () => import('./safe/Safe.svelte') },
  add: { inside: true, question: true, load: () => import('./add/Add.svelte') },
  paper: { inside: true, load: () => import('./paper/Paper.svelte') },
  look: { inside: true, question: true, load: () => import('./look/Look.svelte') },
  rename: { inside: true, question: true, load: () => import('./rename/Rename.svelte') },
  replace: { inside: true, question: true, load: () => import('./replace/Replace.svelte') },
  inbox: { inside: true, load: () => import('./inbox/Inbox.svelte') },
  deposit: { inside: true, question: true, load: () => import('./inbox/Deposit.svelte') },
  rekey: { inside: true, question: true, load: () => import('./rekey/Rekey.svelte') },
  remove: { inside: true, question: true, load: () => import('./remove/Remove.svelte') },
  draft: { inside: true, question: true, load: () => import('./draft/Draft.svelte') },
  give: { inside: true, question: true, load: () => import('./give/Give.svelte') },
  who: { inside: true, load: () => import('./who/Who.svelte') },
  taken: { inside: true, load: () => import('./taken/Taken.svelte') },
  trace: { inside: true, load: () => import('./trace/Trace.svelte') },
  guardians: { inside: true, load: () => import('./guardians/Guardians.svelte') },
  naming: { inside: true, question: true, load: () => import('./guardians/Naming.svelte') },
  guarding: { inside: true, question: true, load: () => import('./guarding/Guarding.svelte') },
  away: { inside: true, load: () => import('./away/Away.svelte') },
  ...(kiosk && { evening: { inside: false, question: true, load: () => import('./evening/Evening.svelte') } }),
};

export const ownerTabs: readonly Tab[] = [
  { screen: 'safe', over: ['paper', 'inbox'], icon: SafeDrawing },
  { screen: 'who', over: ['taken'], icon: Eye },
  { screen: 'trace', icon: Clock },
  { screen: 'settings', over: ['ways', 'guardians', 'devices', 'away'], icon: Gear },
];
