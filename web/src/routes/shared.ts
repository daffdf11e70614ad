// The screens that both pages have.

import type { Routes } from '../lib/components/App.svelte';
import Come from './come/Come.svelte';
import Language from './language/Language.svelte';
import Missing from './missing/Missing.svelte';
import Welcome from './welcome/Welcome.svelte';

export const shared: Routes = {
  '': { inside: false, load: async () => ({ default: Welcome }) },
  language: { inside: false, load: async () => ({ default: Language }) },
  missing: { inside: false, load: async () => ({ default: Missing }) },
  come: { inside: false, load: async () => ({ default: Come }) },
  open: { inside: false, load: () => import('./open/Open.svelte') },
  settings: { inside: true, load: () => import('./settings/Settings.svelte') },
  ways: { inside: true, load: () => import('./ways/Ways.svelte') },
  card: { inside: true, question: true, load: () => import('./card/Card.svelte') },
  known: { inside: true, question: true, load: () => import('./known/Known.svelte') },
  pin: { inside: true, question: true, load: () => import('./pin/Pin.svelte') },
  anew: { inside: true, question: true, load: () => import('./anew/Anew.svelte') },
  cardpin: { inside: true, question: true, load: () => import('./card/NewCode.svelte') },
  devices: { inside: true, load: () => import('./devices/Devices.svelte') },
  link: { inside: true, question: true, load: () => import('./link/Link.svelte') },
  leave: { inside: true, question: true, load: () => import('./leave/Leave.svelte') },
  close: { inside: true, question: true, load: () => import('./close/Close.svelte') },
};
